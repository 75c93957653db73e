// Package location finds the identity of an address: its location (region, zone,
// campus), its SET, its labels, and the origin of each part.
//
// The package reads the mapping files that operators maintain, makes a table of
// them, and joins several sources into one identity. It knows neither Polaris nor
// clocks. README.md has the formats and rules.
package location

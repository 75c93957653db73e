// Package location knows what an address is: its location (region, zone,
// campus), its SET and its labels, and where each part of that came from.
//
// It has the mapping files that operators maintain, the table made of them,
// and the joining of several sources into one identity. It knows neither
// Polaris nor clocks; formats and rules are those of README.md.
package location

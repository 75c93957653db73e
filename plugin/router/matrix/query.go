// Package matrix says from which instances callers are served: groups of callers as rows,
// by places and SETs of instances as columns (docs/design.md, 8). The package adds up
// lists that were decided elsewhere; it decides nothing, and knows no server.
//
// query.go is what a matrix shows, registry.go has the instances, rows.go adds lists up,
// build.go makes the matrix of them, listed.go lists kinds of callers besides, and whatif.go compares two.
package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// By is what callers or instances have in common in a row or a column.
type By string

// What rows and columns can be.
const (
	ByBusiness By = "business" // rows: business and city
	BySET      By = "set"      // rows and columns: SET and city
	ByKind     By = "kind"     // rows: SET and whole place
	ByZone     By = "zone"     // columns: city
	ByCampus   By = "campus"   // columns: whole place
)

// rowWords and columnWords are what rows and columns can be; the first is the default.
var (
	rowWords    = []string{string(ByBusiness), string(BySET), string(ByKind)}
	columnWords = []string{string(ByZone), string(ByCampus), string(BySET)}
)

// The bounds of a matrix: rows, where the query does not say how many, and at most;
// and columns.
const (
	DefaultRows = 200
	MaxRows     = 1000
	MaxColumns  = 200
)

// Query says what a matrix shows.
type Query struct {
	Service route.Service // the zero value: all services
	Rows    By
	Columns By
	Callers Filter // which rows there are
	Callees Filter // which columns there are
	Limit   int    // of rows
	Kinds   int    // of callers to list besides, at most; 0: none
	All     bool   // all kinds of callers, also those that have not asked
}

// ParseRows returns what rows are by a word; an empty one is the default.
func ParseRows(word string) (By, error) { return parseBy("rows", word, rowWords) }

// ParseColumns returns what columns are by a word; an empty one is the default.
func ParseColumns(word string) (By, error) { return parseBy("columns", word, columnWords) }

func parseBy(name, word string, words []string) (By, error) {
	switch {
	case word == "":
		return By(words[0]), nil
	case slices.Contains(words, word):
		return By(word), nil
	}
	hint := ""
	if near, ok := strict.Nearest(word, words); ok {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return "", fmt.Errorf("%s %q is not one of %s%s", name, word, strings.Join(words, ", "), hint)
}

// Unknown is the word for a SET or a place that is not known.
const Unknown = "-"

// Filter lets SETs and places through. The zero value lets everything through.
type Filter struct {
	set     string // a SET, or its first segments
	noSET   bool
	place   location.Location
	noPlace bool
}

// maxFilter bounds a text of a filter, in bytes.
const maxFilter = 1000

// ParseFilter reads a SET or its first segments, and a place or its first levels. Each may
// be empty for no condition, or Unknown. The names are those of the parameters.
func ParseFilter(setName, set, placeName, place string) (f Filter, err error) {
	for name, text := range map[string]string{setName: set, placeName: place} {
		if len(text) > maxFilter {
			return f, fmt.Errorf("%s has %d bytes, expected %d at most", name, len(text), maxFilter)
		}
	}
	if f.noSET = set == Unknown; !f.noSET {
		f.set = set
	}
	if strings.Count(f.set, ".") > 2 || slices.Contains(strings.Split(f.set, "."), "") && f.set != "" {
		return f, fmt.Errorf("%s %q is not a SET or its first segments, as qb, qb.novel or qb.novel.z, and not - for none", setName, set)
	}
	if f.noPlace = place == Unknown; f.noPlace || place == "" {
		return f, nil
	}
	levels := strings.Split(place, "/")
	if len(levels) > 3 || slices.Contains(levels, "") {
		return f, fmt.Errorf("%s %q is not region, region/zone or region/zone/campus, and not - for none", placeName, place)
	}
	levels = append(levels, "", "")
	f.place = location.Location{Region: levels[0], Zone: levels[1], Campus: levels[2]}
	return f, nil
}

// passes reports whether the filter lets one of several SETs through, at a place.
func (f Filter) passes(sets []string, place location.Location) bool {
	switch {
	case f.noSET && len(sets) > 0, f.noPlace && place.Depth() > 0:
		return false
	case f.place.Depth() > 0 && place.Cut(f.place.Depth()) != f.place:
		return false
	case f.set == "":
		return true
	}
	return slices.ContainsFunc(sets, func(set string) bool {
		rest, ok := strings.CutPrefix(set, f.set)
		return ok && (rest == "" || rest[0] == '.')
	})
}

// key is a row or a column.
type key struct {
	set   string
	place location.Location
}

// compare orders keys by place and SET.
func (k key) compare(other key) int {
	return strings.Compare(k.place.String()+"\x00"+k.set, other.place.String()+"\x00"+other.set)
}

// group returns the row or column of SETs, joined by blanks, at a place. A city is the
// place down to its zone.
func (b By) group(sets string, place location.Location) key {
	const city = 2
	place = place.Cut(place.Depth()) // a zone without its region is no place
	switch b {
	case ByBusiness:
		return key{businesses(sets), place.Cut(city)}
	case BySET:
		return key{sets, place.Cut(city)}
	case ByKind:
		return key{sets, place}
	case ByCampus:
		return key{"", place}
	}
	return key{"", place.Cut(city)}
}

// businesses returns the first segments of SETs, each once.
func businesses(sets string) string {
	if !strings.Contains(sets, " ") {
		business, _, _ := strings.Cut(sets, ".")
		return business
	}
	names := strings.Fields(sets)
	for n, set := range names {
		names[n], _, _ = strings.Cut(set, ".")
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

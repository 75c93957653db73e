package route

import (
	"maps"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// PlaceMap is a map of `places:`: the roads between places, as the operators drew them
// (docs/design.md, 5.2). It is immutable.
type PlaceMap struct {
	Name    string
	File    string // the origin
	Line    int    // from 1
	entries map[location.Location][]stop
	others  []stop // the entry "*"
	// hasOthers is true if there is an entry "*".
	hasOthers bool
	depth     int // how many levels of a caller's location the map looks at

	col  int // of the name, from 1
	said []saidPlace
}

// saidPlace is a place that a map names, and where in the map's file.
type saidPlace struct {
	location.Location
	line, col int  // from 1
	isKey     bool // the map lists roads for the place
}

// stop is one road of a map: a place, a level, or several of them together.
type stop struct {
	name   string // as in the map; those together are joined by +
	places []location.Location
	levels []Level
}

// areas returns what the map lists for a caller's place. The narrowest entry counts of
// which something is known.
func (m *PlaceMap) areas(caller location.Location) []area {
	for depth := caller.Depth(); depth > 0; depth-- {
		stops, ok := m.entries[caller.Cut(depth)]
		if areas := areasOf(stops, caller); len(areas) > 0 || ok && len(stops) == 0 {
			return areas
		}
	}
	return areasOf(m.others, caller)
}

// areasOf returns the areas of stops, without those of which nothing is known.
func areasOf(stops []stop, caller location.Location) []area {
	var areas []area
	for _, s := range stops {
		if a, ok := s.area(caller); ok {
			areas = append(areas, a)
		}
	}
	return areas
}

// area returns the area of a stop. It is not ok if the stop has only levels that are
// not known of the caller.
func (s stop) area(caller location.Location) (a area, ok bool) {
	a = area{name: s.name, places: s.places}
	for _, l := range s.levels {
		if int(l) > caller.Depth() {
			continue
		}
		around := l.around(caller)
		a.all = a.all || around.all
		a.places = append(a.places[:len(a.places):len(a.places)], around.places...)
	}
	return a, a.all || len(a.places) > 0
}

// newStop returns the stop of places and level words that count as one road.
func newStop(words []string) (s stop, err error) {
	s.name = strings.Join(words, "+")
	for _, word := range words {
		if l, ok := parseLevel(word); ok {
			s.levels = append(s.levels, l)
			continue
		}
		place, err := parsePlaceOfAnyDepth(word)
		if err != nil {
			return s, err
		}
		s.places = append(s.places, place)
	}
	return s, nil
}

// parsePlaceOfAnyDepth reads region, region/zone or region/zone/campus.
func parsePlaceOfAnyDepth(text string) (location.Location, error) {
	keys := []string{"region", "zone", "campus"}
	return ParsePlace(keys[min(strings.Count(text, "/"), 2)], text)
}

// deepest returns how many levels of a caller's location a stop looks at.
func (s stop) deepest() (depth int) {
	for _, l := range s.levels {
		depth = max(depth, int(l))
	}
	return depth
}

// equal reports whether two maps list the same. Both may be nil.
func (m *PlaceMap) equal(other *PlaceMap) bool {
	if m == nil || other == nil {
		return m == other
	}
	same := func(a, b []stop) bool { return slices.EqualFunc(a, b, stop.equal) }
	return maps.EqualFunc(m.entries, other.entries, same) && same(m.others, other.others)
}

// equal reports whether two stops are the same road. Names are what the map has.
func (s stop) equal(other stop) bool { return s.name == other.name }

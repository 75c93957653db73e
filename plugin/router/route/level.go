package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Level is a distance from the caller. Its number is how many of region, zone and
// campus an instance must share with the caller.
type Level int

// The levels, from wide to narrow.
const (
	LevelAll Level = iota
	LevelRegion
	LevelZone
	LevelCampus
	LevelNone Level = -1 // as matchLevel: the caller's own place is no level
)

var levelWords = []string{"all", "region", "zone", "campus"}

// String returns the word of routing files: all, region, zone, campus or none.
func (l Level) String() string {
	if l == LevelNone {
		return "none"
	}
	return levelWords[l]
}

// parseLevel returns the level of a word; ok is false for other texts, and for none.
func parseLevel(word string) (l Level, ok bool) {
	n := slices.Index(levelWords, word)
	return Level(n), n >= 0
}

// area is what a road reaches at one level: every place, or the places listed.
type area struct {
	name   string // as in routing files; empty where there is one level without a name
	all    bool
	places []location.Location
}

// everywhere is the area of a rule without levels.
var everywhere = area{all: true}

// has reports whether an instance is in the area. An instance whose location is not
// known as far as a place goes is not in that place.
func (a area) has(loc location.Location) bool {
	if a.all {
		return true
	}
	for _, place := range a.places {
		if depth := place.Depth(); loc.Depth() >= depth && loc.Cut(depth) == place {
			return true
		}
	}
	return false
}

// around returns the area of a level around a caller whose location is known as far as
// the level needs.
func (l Level) around(caller location.Location) area {
	if l == LevelAll {
		return area{name: l.String(), all: true}
	}
	return area{name: l.String(), places: []location.Location{caller.Cut(int(l))}}
}

// depth returns how many levels of a caller's location the stage looks at. Whether a
// location is known at all counts in every case.
func (s *NearbyStage) depth() int {
	depth := max(int(s.Match), 1)
	if s.Places != nil {
		depth = max(depth, s.Places.depth)
	}
	return depth
}

// areas returns the areas of a caller's roads, from the first to the last. They are
// empty for a caller whom `strict` gives nothing (docs/design.md, 5.2).
func (s *NearbyStage) areas(caller location.Location) []area {
	depth := caller.Depth()
	switch {
	case s.Excludes(caller):
		return nil
	case s.Match == LevelAll:
		return s.withPlaces([]area{LevelAll.around(caller)}, caller)
	case depth == 0:
		if areas := s.withPlaces(nil, caller); len(areas) > 0 {
			return areas
		}
		return []area{everywhere}
	case s.Match == LevelNone:
		return s.withPlaces(nil, caller)
	case s.Places != nil:
		return s.withPlaces([]area{min(s.Match, Level(depth)).around(caller)}, caller)
	}
	return s.levels(caller)
}

// Excludes reports whether `strict` gives a caller nothing, since the caller's location
// is not known as far as the stage goes. If the first road is the same for every caller,
// nobody is excluded.
func (s *NearbyStage) Excludes(caller location.Location) bool {
	if !s.Strict || s.Match == LevelAll || s.Match == LevelNone {
		return false
	}
	return caller.Depth() < max(int(s.Max), 1)
}

// levels returns the areas from matchLevel to maxMatchLevel, beginning where the
// caller's location is known. A caller who is not known down to maxMatchLevel has the
// wider levels instead.
func (s *NearbyStage) levels(caller location.Location) []area {
	start, end := min(s.Match, Level(caller.Depth())), s.Max
	if start < end {
		end = LevelAll
	}
	areas := make([]area, 0, start-end+1)
	for l := start; l >= end; l-- {
		areas = append(areas, l.around(caller))
	}
	return areas
}

// withPlaces returns the areas with those behind them that the map lists for the
// caller's place.
func (s *NearbyStage) withPlaces(areas []area, caller location.Location) []area {
	if s.Places == nil {
		return areas
	}
	return append(areas, s.Places.areas(caller)...)
}

package route

import "github.com/polaris-contrib/setrouter/plugin/location"

// Level is a distance in the nearby stage. Its number is how many of region, zone
// and campus an instance must share with the caller.
type Level int

// The levels, from wide to narrow.
const (
	LevelAll Level = iota
	LevelRegion
	LevelZone
	LevelCampus
)

var levelWords = []string{"all", "region", "zone", "campus"}

// String returns the word of routing files: all, region, zone or campus.
func (l Level) String() string { return levelWords[l] }

// ParseLevel returns the level of a word, and LevelAll for every other text.
func ParseLevel(word string) Level {
	for i, w := range levelWords {
		if w == word {
			return Level(i)
		}
	}
	return LevelAll
}

// contains reports whether an instance at loc is in the level around the caller,
// whose location is known as far as the level needs. An instance whose location is
// not known that far is outside.
func (l Level) contains(caller, loc location.Location) bool {
	return loc.Depth() >= int(l) && loc.Cut(int(l)) == caller.Cut(int(l))
}

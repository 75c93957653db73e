package route

import "github.com/polaris-contrib/setrouter/plugin/location"

// Level is a width of the nearby stage. Its number is the count of location
// levels that must be equal.
type Level int

// The levels, from wide to narrow.
const (
	LevelAll Level = iota
	LevelRegion
	LevelZone
	LevelCampus
)

var levelWords = []string{"all", "region", "zone", "campus"}

func (l Level) String() string { return levelWords[l] }

// ParseLevel is the level of a word, All for one that is none.
func ParseLevel(word string) Level {
	for i, w := range levelWords {
		if w == word {
			return Level(i)
		}
	}
	return LevelAll
}

// contains tells whether an instance at loc is in the level around a caller who is
// known that far. An instance without the fields that the level needs is not.
func (l Level) contains(caller, loc location.Location) bool {
	return loc.Depth() >= int(l) && loc.Cut(int(l)) == caller.Cut(int(l))
}

package location

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// levelNames are the words for the levels of a location.
var levelNames = [3]string{"region", "zone", "campus"}

// CheckPlaceName returns what is wrong with the name of a place. Level 0 is the region. An
// empty name is in order.
func CheckPlaceName(level int, name string) error {
	kind := levelNames[level]
	hidden, isHidden := alike.Hidden(name)
	switch trimmed := strings.TrimSpace(name); {
	case name != "" && trimmed == "":
		return fmt.Errorf("%s %q has nothing but blanks, expected a name", kind, name)
	case trimmed != name:
		return fmt.Errorf("%s %q has a blank at an end, expected %q", kind, name, trimmed)
	case isHidden:
		return fmt.Errorf("%s %q has %s, which nobody can see, expected %q", kind, name, alike.Describe(hidden), alike.Seen(name))
	case strings.Contains(name, "/") && !isNothing(name):
		return fmt.Errorf("%s %q has a \"/\", which stands between region, zone and campus, expected a name without", kind, name)
	case isNothing(name):
		return fmt.Errorf("%s %q is how exports write that there is none, expected an empty cell, or no key %s", kind, name, kind)
	}
	return nil
}

// nothings are what programs write where they have no value, in lower case.
var nothings = []string{"null", "(null)", "<null>", "nil", "<nil>", "none", "nan", "undefined", "n/a", "#n/a", `\n`, "-", "--"}

// isNothing reports whether a text stands for no value.
func isNothing(text string) bool { return slices.Contains(nothings, strings.ToLower(text)) }

// badName is what is wrong with a name of the entries with one statement, and where the
// name stands in the first of them.
type badName struct {
	message string
	at      position
}

// checkNames notes the names of an entry that are wrong.
func (l *mappingLoader) checkNames(e *entry, statement uint32) {
	for level := range 3 {
		if err := CheckPlaceName(level, e.facts.Level(level)); err != nil {
			l.badNames[statement] = append(l.badNames[statement], badName{err.Error(), e.levels[level]})
		}
	}
}

// position is a line and a column, from 1.
type position struct{ line, col int }

// positionOf returns where a value stands.
func positionOf(n strict.Node) position { return position{n.Line(), n.Col()} }

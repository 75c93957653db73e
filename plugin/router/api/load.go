package api

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

const (
	// LoadLimit is the load above which a road is degraded (docs/design.md, 8).
	LoadLimit = 3
	// LoadCallers is how many callers a road has at least if its load counts as degraded:
	// a client or two that somebody tries are no load.
	LoadCallers = 5
)

// LoadStatus is what roads carry now, by the callers of all nodes.
type LoadStatus struct {
	// Highest is the highest load of a road: 1 is the load when everything works, and 0 is
	// no caller.
	Highest float64 `json:"highest"`
	Over    int     `json:"over"` // roads whose load counts as degraded
	// Roads are those with more than their load when everything works, the highest load
	// first, and the first of these only.
	Roads []world.RoadLoad `json:"roads"`
	More  int              `json:"more"` // roads that are not listed
}

// NewLoadStatus returns the loads of roads, the highest first. Asked says that somebody
// asked for a list that a rule makes.
func NewLoadStatus(roads []world.RoadLoad, asked bool, most int) LoadStatus {
	s := LoadStatus{Roads: []world.RoadLoad{}}
	if asked {
		s.Highest = 1
	}
	for _, road := range roads {
		if road.Times <= world.LoadListed {
			break
		}
		if IsOverloaded(road) {
			s.Over++
		}
		s.Roads = append(s.Roads, road)
	}
	if len(s.Roads) > 0 {
		s.Highest = s.Roads[0].Times
	}
	if len(s.Roads) > most {
		s.Roads, s.More = s.Roads[:most:most], len(s.Roads)-most
	}
	return s
}

// IsOverloaded reports whether the load of a road counts as degraded.
func IsOverloaded(road world.RoadLoad) bool {
	return road.Times > LoadLimit && road.Seen >= LoadCallers
}

// Text says in a sentence how high the highest load is, and of which road: of those that
// count as degraded, if there are any.
func (s LoadStatus) Text() string {
	if len(s.Roads) == 0 {
		return "no road carries more than when everything works"
	}
	road := s.Roads[max(slices.IndexFunc(s.Roads, IsOverloaded), 0)]
	return fmt.Sprintf("%s, rule %s: %s what the callers put on their first road when everything works", road.Service, road.Rule, road.Carried())
}

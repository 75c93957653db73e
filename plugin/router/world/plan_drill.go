package world

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// IfLost is who would have nothing usable under a new or changed rule if a zone were lost.
type IfLost struct {
	Zone    string    `json:"zone"`
	Nothing LossCount `json:"nothing"`
	First   LossRow   `json:"first"` // the worst
}

// mostDrilled is how many names a plan drills at most, so that a plan stays fast.
const mostDrilled = 500

// ifLost returns who would have nothing usable under new and changed rules, for each zone
// that is lost. Where the rules are for too many services, it returns how many these are.
func ifLost(after *World, changes RuleChanges) (out []IfLost, notDrilled int) {
	isChanged := changes.has
	var names []route.Service
	for _, name := range after.Services() {
		if slices.ContainsFunc(after.Rules.Candidates(after.Rules.Resolve(after.findName(name))), isChanged) {
			names = append(names, name)
		}
	}
	out = []IfLost{}
	switch {
	case len(names) == 0:
		return out, 0
	case len(names) > mostDrilled:
		return out, len(names)
	}
	drill := after.Drill(DrillQuery{Each: "zone", Rules: isChanged, Services: func(s route.Service) bool {
		_, ok := slices.BinarySearchFunc(names, s, route.Service.Compare)
		return ok
	}})
	for _, loss := range drill.Losses {
		if loss.Nothing.Pairs > 0 {
			out = append(out, IfLost{Zone: loss.Place, Nothing: loss.Nothing, First: loss.Rows[0]})
		}
	}
	return out, 0
}

// has reports whether a rule is new or changed.
func (c RuleChanges) has(rule *route.Rule) bool {
	return slices.ContainsFunc(slices.Concat(c.Begin, c.Change), func(r RuleRef) bool { return r.Name == rule.Name && r.Address == rule.IsAddress() })
}

// text returns the loss for people.
func (l IfLost) text() string {
	return fmt.Sprintf("%s: %s; rule %s, as %s (%s) of %s: %s, then %s", explain.Plain(l.Zone), l.Nothing.text(), l.First.Rule,
		explain.Plain(l.First.Callers), l.First.Address, explain.Plain(l.First.Service), l.First.Before, l.First.After)
}

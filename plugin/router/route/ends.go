package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// End is the end of the roads of a SET before the tiers that should take over.
type End struct {
	SET location.SET
	// NoFailover is true if the tiers after the first have no instance of their own,
	// wherever it might be.
	NoFailover bool
	Why        string // for operators
}

// Ends returns where the roads of a kind of caller end too early: the first tier has no
// failover, though the rule names one, or the further tiers are on no road. It
// looks at what is registered, whatever its health.
func (r Route) Ends(callee *Callee) []End {
	var out []End
	for _, set := range r.setsFor(callee) {
		s := r.newSelection(callee, set)
		if end := s.end(); end.Why != "" {
			out = append(out, end)
		}
	}
	return out
}

// FirstFails returns the first road of each SET that is not satisfied, though it has
// instances in service. If all instances of the callee are healthy, callers never get that
// road. Of a first road without instances nothing is said: its callers may be of a place
// where the service is not.
func (r Route) FirstFails(callee *Callee) []Road {
	var out []Road
	for _, set := range r.setsFor(callee) {
		s := r.newSelection(callee, set)
		if s.roads.count() == 0 {
			continue
		}
		if road := s.roads.look(0).Road; road.InService > 0 && !road.Satisfied {
			out = append(out, road)
		}
	}
	return out
}

// end returns where the roads end, with an empty Why if they reach all instances of the
// tiers.
func (s *selection) end() End {
	e := End{SET: s.set}
	if s.setRule != SETRuleByTiers || isBusiness(s.set) || s.set.IsPool() || len(s.roads.tiers) < 2 {
		return e
	}
	first := s.roads.load(0)
	var others []int
	for t := range s.roads.tiers[1:] {
		others = append(others, s.roads.load(t+1)...)
	}
	others = slices.DeleteFunc(others, func(i int) bool { _, ok := slices.BinarySearch(first, i); return ok })
	tiers := tierNames(s.Rule.SET.Tiers[1:])
	switch e.NoFailover = len(first) > 0 && len(others) == 0; {
	case e.NoFailover:
		e.Why = fmt.Sprintf("tier %s has no other instance", tiers)
	case len(others) > 0 && !slices.ContainsFunc(others, s.isInArea):
		e.Why = fmt.Sprintf("the roads end before tier %s: its instances are at %s", tiers, s.callee.Instances[others[0]].Location)
	}
	return e
}

// isInArea reports whether an instance is in an area of the roads, evacuated or not.
func (s *selection) isInArea(i int) bool {
	return slices.ContainsFunc(s.roads.areas, func(a area) bool { return a.has(s.callee.Instances[i].Location) })
}

// tierNames returns tiers in one text.
func tierNames(tiers []Tier) string {
	var names []string
	for _, tier := range tiers {
		names = append(names, string(tier))
	}
	return strings.Join(names, ", ")
}

package route

import (
	"math"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Instance is what routing knows of an instance of the callee.
type Instance struct {
	location.Location
	SET     location.SET
	Healthy bool
	Isolate bool
	Weight  uint32
	// Evacuated is true while an evacuation in force takes the instance out.
	Evacuated bool
}

// InService reports whether the instance is not isolated, and of a weight above 0: what
// operators took out is not ill.
func (i Instance) InService() bool { return !i.Isolate && i.Weight > 0 }

// Usable reports whether the instance is in service and healthy.
func (i Instance) Usable() bool { return i.InService() && i.Healthy }

// SETRule is the rule of docs/design.md, 5.2 by which the tiers of a decision are made.
type SETRule int

// The rules of the SET stage.
const (
	SETRuleNone           SETRule = iota // the rule has no SET stage
	SETRuleCalleeWithout                 // no instance has a SET: one tier with all
	SETRuleCallerWithout                 // nothing is known of the caller's SET: `unknown` decides
	SETRuleBusinessAbsent                // no instance of the caller's business: tier unset
	SETRuleByTiers                       // the tiers of the rule, or the tier business
)

// Decision is the instances that a kind of caller gets, and why.
type Decision struct {
	Chosen []int // indexes into Callee.Instances, ascending
	// Choices are made for each SET that the caller is routed as; Chosen is what they
	// have together. Most callers have one choice, and there is always one.
	Choices []Choice
}

// CallerUnknown reports whether nothing is known of the caller's SET, so that `unknown`
// has decided.
func (d Decision) CallerUnknown() bool { return d.Choices[0].SETRule == SETRuleCallerWithout }

// Choice is what one SET of a caller gets, and why.
type Choice struct {
	SET     location.SET // routed as: a SET, a business, or empty
	SETRule SETRule
	Chosen  []int  // indexes into Callee.Instances, ascending
	Tier    string // of the chosen road; empty where the tier has no name, or no road has an instance
	Level   string // of the chosen road, as Tier
	Roads   []Road // that were looked at, in order
	Widened bool   // no road has an instance, and `onEmpty: all` answers
	// LastResort is true if evacuations do not count: without the evacuated instances
	// no road has a usable one.
	LastResort bool
	// HeldUntil is how long the hold-down keeps the caller on this road, though an
	// earlier one is satisfied. It is zero if nothing is held.
	HeldUntil time.Time

	taken    int    // the number of the road among all roads of the rule; -1: no road has an instance
	last     int    // the number of the last road that takes something: taken, unless there are shares
	division        // with `overprovision`; the zero value if one road is taken
	tiers    []Tier // that were looked at, for Dependencies
}

// Road is a tier at a level, with the instances there (docs/design.md, 5.2).
type Road struct {
	Tier, Level string
	Total       int
	InService   int
	Usable      int
	New         int // in service, and on no earlier road
	NewUsable   int // of these, the usable ones
	Wanted      int // the least number of usable instances
	Satisfied   bool
	Taken       bool // the choice is this road, or it takes a share
	Figure      int  // with `overprovision`: the share that the road can take, in percent
	Held        bool // the hold-down or `failback` keep the figure lower than the usable instances allow
	Share       int  // with `overprovision`: the share that the road takes, in percent
}

// Tier returns the tier of the answer. It is empty for a caller with several SETs.
func (d Decision) Tier() string {
	if len(d.Choices) != 1 {
		return ""
	}
	return d.Choices[0].Tier
}

// Level returns the level of the answer. It is empty for a caller with several SETs.
func (d Decision) Level() string {
	if len(d.Choices) != 1 {
		return ""
	}
	return d.Choices[0].Level
}

// IsUnknown reports whether a decision gives nothing because the caller's SET or place is
// not known: by `unknown: none`, or by `strict`.
func (r Route) IsUnknown(d Decision) bool {
	if r.Rule.Nearby != nil && r.Rule.Nearby.Excludes(r.Location) {
		return true
	}
	return r.Rule.SET != nil && r.Rule.SET.Unknown == UnknownNone && d.Choices[0].SETRule == SETRuleCallerWithout
}

// HasEverything reports whether a decision gives every instance of the service, because
// nothing is known of the caller's SET.
func (r Route) HasEverything(d Decision) bool {
	return r.Rule.Nearby == nil && r.Rule.SET != nil && r.Rule.SET.Unknown == UnknownAll && d.Choices[0].SETRule == SETRuleCallerWithout
}

// Furthest returns the number of the furthest road of all choices, from 0. What is no
// road counts as further than all roads: `onEmpty: all`, and no instance.
func (d Decision) Furthest() (road int) {
	for _, c := range d.Choices {
		if c.taken < 0 {
			return math.MaxInt
		}
		road = max(road, c.last)
	}
	return road
}

// HeldUntil returns when the first hold-down of the decision ends. It is zero if nothing
// is held.
func (d Decision) HeldUntil() (first time.Time) {
	for _, c := range d.Choices {
		if !c.HeldUntil.IsZero() && (first.IsZero() || c.HeldUntil.Before(first)) {
			first = c.HeldUntil
		}
	}
	return first
}

// Select chooses among the instances of the service really read, without weights
// and without a hold-down (docs/design.md, 5.2 and 5.3). Select is deterministic.
// Its time and memory are linear in the instances of the roads that it looks at.
func (r Route) Select(callee *Callee) Decision {
	var choices []Choice
	sets := r.setsFor(callee)
	for _, set := range sets {
		s := r.newSelection(callee, set)
		s.divided = r.divides(sets)
		choices = append(choices, s.choice())
	}
	return newDecision(choices)
}

// setsFor returns the SETs to route as among the instances of a service, of which an
// empty one stands for a caller without a SET. There is at least one.
func (r Route) setsFor(callee *Callee) []location.SET {
	if r.Rule.SET == nil {
		return []location.SET{""}
	}
	return r.SETs.in(callee, r.Rule.SET.Unknown)
}

// newDecision puts choices together.
func newDecision(choices []Choice) Decision {
	if len(choices) == 1 {
		return Decision{Choices: choices, Chosen: choices[0].Chosen}
	}
	lists := make([][]int, len(choices))
	for n, c := range choices {
		lists[n] = c.Chosen
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return Decision{Choices: choices, Chosen: slices.Compact(all)}
}

// selection is a choice in the making.
type selection struct {
	Route
	callee     *Callee
	set        location.SET // to route as
	setRule    SETRule
	roads      *roads
	lastResort bool
	divided    bool // several roads may take shares
}

// divides reports whether several roads may take shares of the requests of a caller that
// is routed as these SETs.
func (r Route) divides(sets []location.SET) bool {
	return r.Rule.Degrade.Overprovision > 0 && len(sets) == 1
}

// newSelection draws the roads of one SET. Evacuated instances are not on them, unless
// the roads have no usable instance besides.
func (r Route) newSelection(callee *Callee, set location.SET) *selection {
	s := &selection{Route: r, callee: callee, set: set}
	var tiers []Tier
	s.setRule, tiers = r.tiers(callee, set)
	areas := []area{everywhere}
	if r.Rule.Nearby != nil {
		areas = r.Rule.Nearby.areas(r.Location)
	}
	s.roads = newRoads(r.Rule, callee, set, tiers, areas)
	if callee.hasEvacuated {
		s.keepLast()
	}
	return s
}

// keepLast takes the evacuated instances back if the caller has no usable instance
// without them. With `by: absent` a road can be taken that has none, though another road
// has one: then the evacuated instances come back if that gives the caller a usable one.
func (s *selection) keepLast() {
	if s.roads.takesUsable() {
		return
	}
	another := s.roads.hasUsable()
	s.roads.draw(true)
	if another && !s.roads.takesUsable() {
		s.roads.draw(false)
		return
	}
	s.lastResort = s.roads.hasEvacuated()
}

// choice takes the first road that is satisfied, or divides the requests.
func (s *selection) choice() Choice {
	if s.divided {
		if d, ok := s.roads.divide(nil, time.Time{}); ok {
			return s.choose(d)
		}
	}
	return s.take(s.roads.first())
}

// take returns the choice of a road; -1 is no road.
func (s *selection) take(n int) Choice {
	c := Choice{SET: s.set, SETRule: s.setRule, LastResort: s.lastResort, taken: n, last: n}
	if n >= 0 {
		road := s.roads.look(n)
		c.Chosen, c.Tier, c.Level = road.members, road.Tier, road.Level
	} else if s.Rule.OnEmptyAll {
		c.Chosen, c.Widened = s.roads.everything(), true
	}
	c.Roads, c.tiers = s.roads.lookedAt(n), s.roads.tiersLookedAt()
	return c
}

// dropEvacuated returns the list without its evacuated instances if another one in the
// list is usable, and else the whole list. It does not write into the list.
func dropEvacuated[T any](list []T, instance func(T) Instance) []T {
	others := slices.DeleteFunc(slices.Clone(list), func(t T) bool { return instance(t).Evacuated })
	if slices.ContainsFunc(others, func(t T) bool { return instance(t).Usable() }) {
		return others
	}
	return list
}

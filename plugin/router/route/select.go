package route

import (
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

// Usable reports whether the instance is healthy, not isolated, not evacuated, and of
// a weight above 0.
func (i Instance) Usable() bool { return i.Healthy && !i.Isolate && i.Weight > 0 && !i.Evacuated }

// SETRule is the rule of docs/design.md, 5.2 by which the SET stage decided.
type SETRule int

// The rules of the SET stage.
const (
	SETRuleNone           SETRule = iota // the rule has no SET stage
	SETRuleCalleeWithout                 // no instance has a SET: all pass
	SETRuleCallerWithout                 // the caller has no SET: all pass, or none if required
	SETRuleBusinessAbsent                // no instance of the caller's business: tier unset
	SETRuleByTiers                       // the tiers in their order
)

// Step is a tier or level that was looked at.
type Step struct {
	Name      string
	Total     int
	Usable    int
	Satisfied bool
}

// Decision is the instances that a kind of caller gets, and why.
type Decision struct {
	Chosen  []int // indexes into Callee.Instances, ascending
	SETRule SETRule
	Tier    string // the chosen tier; empty if the SET stage chose none
	Level   string // the chosen level; empty if the nearby stage chose none
	Tiers   []Step // the tiers that were looked at, in order
	Levels  []Step // the levels that were looked at, in order
	Widened bool   // the stages left no instance, and `onEmpty: all` answered
	Dropped int    // how many evacuated instances were left out of the chosen ones

	// HeldAt is the position at which the hold-down keeps the caller until
	// HeldUntil, though a narrower position is satisfied. HeldUntil is zero if
	// nothing is held.
	HeldAt    Position
	HeldUntil time.Time
}

// Select chooses among the instances of the service really read, without weights
// and without a hold-down (docs/design.md, 5.2 and 5.3). Select is deterministic.
// Its time and memory are linear in the instances of the tiers that it looks at.
func (r Route) Select(callee *Callee) Decision { return r.selectHeldAt(callee, Position{}) }

// selectHeldAt is Select while the caller is held at a position.
func (r Route) selectHeldAt(callee *Callee, heldAt Position) Decision {
	s := selection{Route: r, callee: callee, heldAt: heldAt}
	left := slices.Clip(callee.all)
	if r.Rule.SET != nil {
		left = s.setStage()
	}
	if r.Rule.Nearby != nil {
		left = s.nearbyStage(left)
	}
	if len(left) == 0 && r.Rule.OnEmptyAll {
		left = s.emptyAnswer()
		s.Widened = true
	}
	s.Chosen = dropEvacuated(left, func(i int) Instance { return callee.Instances[i] })
	s.Dropped = len(left) - len(s.Chosen)
	return s.Decision
}

// dropEvacuated returns the list without its evacuated instances if the list has a
// usable one, and else the whole list (docs/design.md, 5.3). It does not write into
// the list.
func dropEvacuated[T any](list []T, instance func(T) Instance) []T {
	evacuated := func(t T) bool { return instance(t).Evacuated }
	if !slices.ContainsFunc(list, evacuated) || !slices.ContainsFunc(list, func(t T) bool { return instance(t).Usable() }) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), evacuated)
}

// selection is a decision in the making. Its lists of indexes may be shared with the
// callee: they are not written.
type selection struct {
	Route
	callee *Callee
	heldAt Position
	Decision
}

// setStage returns the instances that the SET stage leaves (docs/design.md, 5.2).
func (s *selection) setStage() []int {
	all := slices.Clip(s.callee.all)
	switch {
	case !s.callee.hasSETs():
		s.SETRule = SETRuleCalleeWithout
		return all
	case s.SET == "":
		s.SETRule = SETRuleCallerWithout
		if s.Rule.SET.Required {
			return nil
		}
		return all
	case len(s.callee.setsIn(TierBusiness, s.SET)) == 0:
		s.SETRule = SETRuleBusinessAbsent
		s.Tier = string(TierUnset)
		return s.callee.indexesIn(TierUnset, s.SET)
	}
	s.SETRule = SETRuleByTiers
	chosen, tier := s.takeFirst(s.heldAt.Tier, len(s.Rule.SET.Tiers), func(n int) ([]int, Step) {
		tier := s.Rule.SET.Tiers[n]
		return s.measure(s.callee.indexesIn(tier, s.SET), string(tier))
	}, &s.Tiers)
	s.Tier = tier
	return chosen
}

// nearbyStage returns the instances that the nearby stage leaves of those that the SET
// stage left (docs/design.md, 5.2). Levels narrower than the caller's location is known
// are not looked at.
func (s *selection) nearbyStage(left []int) []int {
	depth := s.Location.Depth()
	if depth == 0 {
		if s.Rule.Nearby.Strict {
			return nil
		}
		return left
	}
	start := min(s.Rule.Nearby.Match, Level(depth))
	count := int(start-s.Rule.Nearby.Max) + 1
	held := s.heldAt.Level
	if s.SETRule == SETRuleByTiers && s.Tier != string(s.Rule.SET.Tiers[s.heldAt.Tier]) {
		held = 0 // of the levels of another tier nothing is held
	}
	chosen, level := s.takeFirst(held, count, func(n int) ([]int, Step) {
		level := start - Level(n)
		return s.measure(s.within(left, level), level.String())
	}, &s.Levels)
	s.Level = level
	return chosen
}

// takeFirst looks at count tiers or levels in order, and returns the members and the
// name of the first satisfied one. If none is satisfied, it returns the first that
// has any instance. Tiers or levels before number held are passed over as long as
// number held or a later one is satisfied. Each one that was looked at goes to steps.
func (s *selection) takeFirst(held, count int, look func(n int) ([]int, Step), steps *[]Step) (chosen []int, name string) {
	satisfied := false
	for n := range count {
		members, step := look(n)
		*steps = append(*steps, step)
		switch {
		case step.Satisfied && n >= held:
			return members, step.Name
		case step.Satisfied && !satisfied:
			chosen, name, satisfied = members, step.Name, true
		case len(chosen) == 0 && len(members) > 0:
			chosen, name = members, step.Name
		}
		if satisfied && n >= held {
			break
		}
	}
	return chosen, name
}

// measure returns the members of a tier or level, and counts them.
func (s *selection) measure(members []int, name string) ([]int, Step) {
	usable := 0
	for _, i := range members {
		if s.callee.Instances[i].Usable() {
			usable++
		}
	}
	return members, Step{
		Name: name, Total: len(members), Usable: usable,
		Satisfied: s.Rule.Degrade.satisfied(len(members), usable),
	}
}

// within returns the instances of a list that are in a level around the caller.
func (s *selection) within(list []int, level Level) []int {
	if level == LevelAll {
		return list
	}
	var out []int
	for _, i := range list {
		if level.contains(s.Location, s.callee.Instances[i].Location) {
			out = append(out, i)
		}
	}
	return out
}

// emptyAnswer returns the answer of `onEmpty: all`. If the SET stage decided by the
// caller's SET, the answer has every instance that this stage could have chosen;
// else it has every instance of the service.
func (s *selection) emptyAnswer() []int {
	switch s.SETRule {
	case SETRuleBusinessAbsent:
		return s.callee.indexesIn(TierUnset, s.SET)
	case SETRuleByTiers:
		var all []int
		for _, tier := range s.Rule.SET.Tiers {
			all = append(all, s.callee.indexesIn(tier, s.SET)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return slices.Clip(s.callee.all)
}

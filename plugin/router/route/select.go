package route

import (
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Instance is what routing needs to know of an instance of the callee.
type Instance struct {
	location.Location
	SET     location.SET
	Healthy bool
	Isolate bool
	Weight  uint32
	// Evacuated tells that an evacuation in force takes the instance out.
	Evacuated bool
}

// Usable is healthy, not isolated, of a weight above 0, and not evacuated.
func (i Instance) Usable() bool { return i.Healthy && !i.Isolate && i.Weight > 0 && !i.Evacuated }

// SETRule is the number of the rule of docs/design.md, 5.2 by which the SET
// stage decided.
type SETRule int

// The rules of the SET stage.
const (
	SETRuleNone           SETRule = iota
	SETRuleCalleeWithout          // no instance has a SET: all pass
	SETRuleCallerWithout          // the caller has none: all pass, or empty if required
	SETRuleBusinessAbsent         // no instance of the caller's business: tier unset
	SETRuleByTiers                // the tiers in their order
)

// Step is a tier or level that was looked at.
type Step struct {
	Name      string
	Total     int
	Usable    int
	Satisfied bool
}

// Decision is what a kind of caller gets, and why.
type Decision struct {
	Chosen  []int // indexes into the instances given, ascending
	SETRule SETRule
	Tier    string // empty where the SET stage passed all on
	Level   string // empty where the nearby stage passed all on
	Tiers   []Step // looked at, in order
	Levels  []Step
	Widened bool // the stages left nothing and `onEmpty: all` answered
	Dropped int  // evacuated instances left out of what was chosen

	// HeldAt are the tiers and levels that are not gone back to before Until,
	// though one of them is satisfied.
	HeldAt    Position
	HeldUntil time.Time
}

// Select chooses among the instances of the service really read
// (docs/design.md, 5.2 and 5.3). It is deterministic. Its time and memory are
// linear in the instances of the tiers that it looks at.
func (r Route) Select(callee *Callee) Decision { return r.selectHeldAt(callee, Position{}) }

func (r Route) selectHeldAt(callee *Callee, hold Position) Decision {
	s := selection{Route: r, callee: callee, heldAt: hold}
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

// dropEvacuated leaves evacuated instances out of a list that has another
// usable one (docs/design.md, 5.3). It does not write into the list.
func dropEvacuated[T any](list []T, instance func(T) Instance) []T {
	evacuated := func(t T) bool { return instance(t).Evacuated }
	if !slices.ContainsFunc(list, evacuated) || !slices.ContainsFunc(list, func(t T) bool { return instance(t).Usable() }) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), evacuated)
}

// selection is a decision in the making. Lists of indexes in it may be those of
// the callee, and are not written.
type selection struct {
	Route
	callee *Callee
	heldAt Position
	Decision
}

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

func (s *selection) nearbyStage(left []int) []int {
	known := s.Location.Depth()
	if known == 0 {
		if s.Rule.Nearby.Strict {
			return nil
		}
		return left
	}
	start := min(s.Rule.Nearby.Match, Level(known))
	count := int(start-s.Rule.Nearby.Max) + 1
	held := s.heldAt.Level
	if s.SETRule == SETRuleByTiers && s.Tier != string(s.Rule.SET.Tiers[s.heldAt.Tier]) {
		held = 0 // another tier
	}
	chosen, level := s.takeFirst(held, count, func(n int) ([]int, Step) {
		level := start - Level(n)
		return s.measure(s.within(left, level), level.String())
	}, &s.Levels)
	s.Level = level
	return chosen
}

// takeFirst looks at count groups in order and takes the first that is satisfied;
// none is: the first that has any instance. The one that is held is taken before
// narrower ones, if it is satisfied itself.
func (s *selection) takeFirst(held, count int, group func(n int) ([]int, Step), steps *[]Step) (chosen []int, name string) {
	satisfied := false
	for n := range count {
		members, step := group(n)
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

// within are those of a list that are in a level around the caller.
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

// emptyAnswer is the answer of `onEmpty: all`. Where the SET stage decided on a
// SET it stays within what that stage could have chosen.
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

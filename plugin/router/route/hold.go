package route

import (
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Memory is what is remembered of a kind of caller from one decision to the next, for
// each SET that the kind is routed as. The zero value remembers no decision. A Memory is
// immutable.
type Memory struct {
	choices []memory
}

// memory is what is remembered of a choice.
type memory struct {
	set          location.SET
	setRule      SETRule
	road         int       // the number of the road; -1: no road had an instance
	earlierSince time.Time // since when the choice would be an earlier road; zero: it would not
	figures      []figure  // with `overprovision`: of the roads that were looked at
}

// of returns what is remembered of a SET.
func (m Memory) of(set location.SET) (memory, bool) {
	for _, choice := range m.choices {
		if choice.set == set {
			return choice, true
		}
	}
	return memory{}, false
}

// Settle decides for a kind of caller that may have an answer already. The kind goes to
// a later road at once. It goes back to an earlier road when the choice has been an
// earlier one for the rule's hold-down, so that lists do not flip with instances at the
// threshold; and it does so at once if the present road is not satisfied any more
// (docs/design.md, 5.2). Settle returns the decision, the list to send, and what the
// next call needs to remember.
func (r Route) Settle(callee *Callee, ownService []Instance, before Memory, now time.Time) (Decision, []Member, Memory) {
	var choices []Choice
	var after Memory
	sets := r.setsFor(callee)
	for _, set := range sets {
		s := r.newSelection(callee, set)
		s.divided = r.divides(sets)
		choice, remembered := r.settle(s, before, now)
		choices, after.choices = append(choices, choice), append(after.choices, remembered)
	}
	d := newDecision(choices)
	return d, r.Members(d, callee.Instances, ownService), after
}

// settle decides for one SET.
func (r Route) settle(s *selection, before Memory, now time.Time) (Choice, memory) {
	last, ok := before.of(s.set)
	if s.divided {
		if last.setRule != s.setRule {
			last.figures = nil
		}
		if d, ok := s.roads.divide(last.figures, now); ok {
			return s.choose(d), memory{set: s.set, setRule: s.setRule, road: d.portions[0].road, figures: d.figures}
		}
	}
	n := s.roads.first()
	after := memory{set: s.set, setRule: s.setRule, road: n}
	if !ok || last.setRule != s.setRule || n < 0 || n >= last.road || last.road >= s.roads.count() || !s.roads.canHold(last.road) {
		return s.take(n), after
	}
	since := last.earlierSince
	if since.IsZero() {
		since = now
	}
	until := since.Add(r.Rule.Degrade.HoldDown)
	if !now.Before(until) {
		return s.take(n), after
	}
	choice := s.take(last.road)
	choice.HeldUntil = until
	after.road, after.earlierSince = last.road, since
	return choice, after
}

// canHold reports whether a caller can be held on a road: it is satisfied, and has a
// usable instance. With `by: absent` a road can be satisfied without one.
func (r *roads) canHold(n int) bool {
	road := r.look(n)
	return road.Satisfied && road.Usable > 0
}

// IsFirst reports whether each remembered choice is the first road alone, from which there
// is no way back.
func (m Memory) IsFirst() bool {
	return !slices.ContainsFunc(m.choices, func(choice memory) bool {
		return choice.road > 0 || len(choice.figures) > 0 && choice.figures[0].percent < sharesWhole
	})
}

// Successor returns the rule or lane address that takes over from a rule of the
// Rules before: the one with the same name, target, roads and thresholds. Kinds of callers keep
// their Memory under it. Successor returns nil if there is none.
func (r *Rules) Successor(old *Rule) *Rule {
	for _, rule := range r.All() {
		if rule.Name == old.Name && rule.Target == old.Target && rule.sameRoads(old) {
			return rule
		}
	}
	return nil
}

// sameRoads reports whether both rules decide alike. Whom and what they are for, their
// mode and their rollout are not compared: such an edit keeps the memory.
func (r *Rule) sameRoads(other *Rule) bool {
	return r.NearbyFirst == other.NearbyFirst && r.Degrade == other.Degrade && r.OnEmptyAll == other.OnEmptyAll &&
		r.SET.equal(other.SET) && r.Nearby.equal(other.Nearby)
}

// equal reports whether both stages say the same. Both may be nil.
func (s *SETStage) equal(other *SETStage) bool {
	if s == nil || other == nil {
		return s == other
	}
	sameText := func(a, b *Template) bool { return a.text == b.text }
	return s.Callee == other.Callee && s.Unknown == other.Unknown && slices.Equal(s.Tiers, other.Tiers) &&
		slices.EqualFunc(s.Templates, other.Templates, sameText)
}

// equal reports whether both stages say the same. Both may be nil.
func (s *NearbyStage) equal(other *NearbyStage) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.Match == other.Match && s.Max == other.Max && s.Strict == other.Strict && s.Places.equal(other.Places)
}

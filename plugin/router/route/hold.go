package route

import (
	"slices"
	"time"
)

// Position is a place among the tiers and levels of a rule: the number of a tier,
// and the number of a level in the order in which the levels of that tier are
// looked at. The zero value is the narrowest tier and its narrowest level.
type Position struct {
	Tier, Level int
}

// narrowerThan compares tiers, and levels inside of one tier.
func (p Position) narrowerThan(other Position) bool {
	return p.Tier < other.Tier || p.Tier == other.Tier && p.Level < other.Level
}

// Memory is what is remembered of a kind of caller from one decision to the next:
// the position of the last decision, and since when a narrower position is
// satisfied. The zero value remembers no decision.
type Memory struct {
	position       Position
	setRule        SETRule
	decided        bool      // false: the memory is of no decision
	satisfiedSince time.Time // zero: no narrower position is satisfied
}

// Settle decides for a kind of caller that may have an answer already. The kind
// goes to a wider tier or level at once. It goes back to a narrower one when that
// one has been satisfied for the rule's hold-down, so that lists do not flip with
// instances at the threshold. Settle returns the decision, the list to send, and
// what the next call needs to remember.
//
// While the kind waits, Decision.HeldAt is the position where it stays, and
// Decision.HeldUntil is when the wait ends if nothing changes.
func (r Route) Settle(callee *Callee, ownService []Instance, before Memory, now time.Time) (Decision, []Member, Memory) {
	natural, list := r.Answer(callee, ownService)
	after := r.remember(natural)
	if !before.decided || before.setRule != after.setRule || !after.position.narrowerThan(before.position) {
		return natural, list, after
	}
	since := before.satisfiedSince
	if since.IsZero() {
		since = now
	}
	until := since.Add(r.Rule.Degrade.HoldDown)
	if !now.Before(until) {
		return natural, list, after
	}
	d, members := r.AnswerHeldAt(callee, ownService, before.position)
	kept := r.remember(d)
	if kept.position.narrowerThan(before.position) { // the held tier or level is not satisfied any more
		return natural, list, after
	}
	d.HeldAt, d.HeldUntil = before.position, until
	kept.satisfiedSince = since
	return d, members, kept
}

// remember returns the memory of a decision, without a time in satisfiedSince.
func (r Route) remember(d Decision) Memory {
	m := Memory{setRule: d.SETRule, decided: true}
	if d.SETRule == SETRuleByTiers {
		m.position.Tier = max(slices.Index(r.Rule.SET.Tiers, Tier(d.Tier)), 0)
	}
	m.position.Level = max(slices.IndexFunc(d.Levels, func(s Step) bool { return s.Name == d.Level }), 0)
	return m
}

// IsNarrowest reports whether the remembered position is the narrowest one, which
// nothing has to be held for.
func (m Memory) IsNarrowest() bool { return m.position == Position{} }

// Successor returns the rule or lane address that takes over from a rule of the
// Rules before: the one with the same name, target, tiers and levels. Kinds of
// callers keep their Memory under it. Successor returns nil if there is none.
func (r *Rules) Successor(old *Rule) *Rule {
	for _, rule := range r.All() {
		if rule.Name == old.Name && rule.Target == old.Target && rule.sameRoads(old) {
			return rule
		}
	}
	return nil
}

// sameRoads reports whether both rules look at the same tiers and levels in the
// same order, so that a Position means the same for both.
func (r *Rule) sameRoads(other *Rule) bool {
	if (r.SET == nil) != (other.SET == nil) || (r.Nearby == nil) != (other.Nearby == nil) {
		return false
	}
	return (r.SET == nil || slices.Equal(r.SET.Tiers, other.SET.Tiers)) &&
		(r.Nearby == nil || r.Nearby.Match == other.Nearby.Match && r.Nearby.Max == other.Nearby.Max)
}

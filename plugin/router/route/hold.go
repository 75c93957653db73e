package route

import (
	"slices"
	"time"
)

// Hold is how many of the first tiers, and of the first levels inside of that
// tier, are not gone back to yet. The zero value holds nothing.
type Hold struct {
	Tier, Level int
}

// Held is what a kind of caller has, across decisions: which tier and level, and
// since when a narrower one is satisfied. The zero value is of one that has
// nothing yet.
type Held struct {
	at     Hold
	rule   SETRule
	stages bool // something was decided
	since  time.Time
}

// Settle is Answer for a kind of caller that has an answer already: it goes on
// to a wider tier or level at once, and back to a narrower one when that has
// been satisfied for the rule's hold-down, so that lists do not flip with
// instances at the threshold. The decision has what is held, and until when it
// stands if nothing changes; zero: for ever.
func (r Route) Settle(callee *Callee, own []Instance, before Held, now time.Time) (Decision, []Member, Held) {
	natural, list := r.Answer(callee, own)
	after := r.held(natural)
	if !before.stages || before.rule != after.rule || !after.at.narrower(before.at) {
		return natural, list, after
	}
	since := before.since
	if since.IsZero() {
		since = now
	}
	until := since.Add(r.Rule.Degrade.HoldDown)
	if !now.Before(until) {
		return natural, list, after
	}
	d, members := r.AnswerHolding(callee, own, before.at)
	kept := r.held(d)
	if kept.at.narrower(before.at) { // the tier or the level that is held is not satisfied any more
		return natural, list, after
	}
	d.Held, d.Until = before.at, until
	kept.since = since
	return d, members, kept
}

// held is the place of a decision among the tiers and levels of the rule.
func (r Route) held(d Decision) Held {
	h := Held{rule: d.SETRule, stages: true}
	if d.SETRule == SETRuleByTiers {
		h.at.Tier = max(slices.Index(r.Rule.SET.Tiers, Tier(d.Tier)), 0)
	}
	h.at.Level = max(slices.IndexFunc(d.Levels, func(s Step) bool { return s.Name == d.Level }), 0)
	return h
}

// Any tells whether there is something to hold: a tier or level that is not the
// narrowest.
func (h Held) Any() bool { return h.at != Hold{} }

// Successor is the rule, or the lane address, under which a kind of caller goes
// on to hold what it held under one of other rules: that of the same name, if
// it has the same tiers and levels. It is nil where there is none.
func (r *Rules) Successor(of *Rule) *Rule {
	for _, rule := range r.All() {
		if rule.Name == of.Name && rule.Target == of.Target && rule.sameRoads(of) {
			return rule
		}
	}
	return nil
}

func (r *Rule) sameRoads(other *Rule) bool {
	if (r.SET == nil) != (other.SET == nil) || (r.Nearby == nil) != (other.Nearby == nil) {
		return false
	}
	return (r.SET == nil || slices.Equal(r.SET.Tiers, other.SET.Tiers)) &&
		(r.Nearby == nil || r.Nearby.Match == other.Nearby.Match && r.Nearby.Max == other.Nearby.Max)
}

// narrower compares tiers, and levels inside of one tier.
func (h Hold) narrower(than Hold) bool {
	return h.Tier < than.Tier || h.Tier == than.Tier && h.Level < than.Level
}

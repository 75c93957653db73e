package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Priority is one step of a client that fails over by itself: a road with the instances
// that no priority before it has (docs/design.md, 6.1).
type Priority struct {
	Tier    string   // of the road; empty where the road has no name, and for a list that is no road
	Level   string   // of the road, as Tier
	Members []Member // at least one, in the order of a list
}

// Priorities returns the roads of a kind of caller, in the order in which a client that
// fails over by itself takes them: the road that the decision took, whatever made it take
// that road, then the roads behind it, and then the roads before it. Nothing that is on no
// road is in any priority.
//
// But for `overprovision`, the first priority is the list that Members returns for the same decision. A list
// leaves evacuated instances out already, and so do the other priorities. If no road has
// a usable instance besides (Choice.LastResort), the list and the priorities have them.
//
// With `overprovision` the roads stand in their own order, with the weights of the instances:
// the client divides its requests itself.
//
// The list is the only priority if the list is no single road: for several SETs, for
// `rollout: {by: weight}` between 0 and 100 percent, and for `onEmpty: all`. With
// `by: absent` the list is the only priority, too: the operators want no failover by
// health. With `tiersBy: absent` there are only roads of the tier that was chosen.
//
// The decision may be an earlier one, if since then nothing has changed that it depends
// on: Dependencies. OwnService is as for Answer. Priorities is deterministic.
func (r Route) Priorities(d Decision, callee *Callee, ownService []Instance) []Priority {
	d, s := r.retake(d, callee)
	if s == nil {
		list := r.Members(d, callee.Instances, ownService)
		if len(list) == 0 {
			return nil
		}
		return []Priority{{Tier: d.Tier(), Level: d.Level(), Members: list}}
	}
	if r.Rule.Degrade.Overprovision > 0 { // the client divides its requests itself
		return s.priorities(0)
	}
	return s.priorities(d.Choices[0].taken)
}

// Retake returns a decision with the indexes of instances in a callee in which nothing has
// changed that the decision depends on (Dependencies). Other instances may have come or
// gone, so that the indexes are others.
func (r Route) Retake(d Decision, callee *Callee) Decision {
	d, _ = r.retake(d, callee)
	return d
}

// retake is Retake. If the roads of the decision are priorities, it also returns their
// selection, and else nil.
func (r Route) retake(d Decision, callee *Callee) (Decision, *selection) {
	var choices []Choice
	var s *selection
	for _, c := range d.Choices {
		s = r.newSelection(callee, c.SET)
		s.roads.first() // looks at the same roads as the decision did
		choices = append(choices, s.retake(c))
	}
	if len(choices) > 1 || choices[0].taken < 0 || r.Rule.Degrade.ByAbsence || r.Rule.Blends() {
		s = nil
	}
	return newDecision(choices), s
}

// retake returns a choice that was made from other instances.
func (s *selection) retake(c Choice) Choice {
	choice := s.take(c.taken)
	if len(c.figures) > 0 {
		s.roads.look(len(c.figures) - 1)
		shares, _ := s.roads.shares(c.figures)
		choice = s.choose(s.roads.dividedBy(division{figures: c.figures}, shares))
	}
	choice.HeldUntil = c.HeldUntil
	return choice
}

// priorities returns the roads as priorities, from the road that was taken.
func (s *selection) priorities(taken int) []Priority {
	var out []Priority
	count := s.roads.count()
	takenTier, _ := s.roads.place(taken)
	isIn := make([]bool, len(s.callee.Instances))
	for n := range count {
		n = (taken + n) % count
		if tier, _ := s.roads.place(n); s.Rule.Degrade.TiersByAbsence && tier != takenTier {
			continue
		}
		road := s.roads.look(n)
		p := Priority{Tier: road.Tier, Level: road.Level}
		for _, i := range road.members {
			if !isIn[i] {
				isIn[i] = true
				p.Members = append(p.Members, Member{Index: i, Weight: s.callee.Instances[i].Weight})
			}
		}
		if len(p.Members) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// PriorityDependencies is Dependencies for Priorities: the SETs of the tiers on all roads.
func (r Route) PriorityDependencies(c *Callee, d Decision) (sets []location.SET, ok bool) {
	for n, choice := range d.Choices {
		_, tiers := r.tiers(c, choice.SET)
		if n == 0 {
			d.Choices = slices.Clone(d.Choices)
		}
		d.Choices[n].tiers = tiers
	}
	return r.Dependencies(c, d)
}

package world

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// judge adds the rows of a pair to a name: of each kind the worst change.
func (p *planner) judge(n *planName, pair pair) {
	cases := n.cases(pair)
	would := n.wouldBe(pair)
	for _, kind := range pair.kinds {
		c := worst(cases, p.callers[kind].place, n.isNew(pair))
		if c.change == ChangeNone {
			n.unchanged++
		} else {
			n.rows = append(n.rows, p.row(n, kind, c))
		}
		if c := worst(would, p.callers[kind].place, n.isNew(pair)); c.change != ChangeNone {
			n.would = append(n.would, p.row(n, kind, c))
		}
	}
}

// judged is what some of the callers of a pair get, before and after.
type judged struct {
	before, after *list
	change        Change
	who           string                // as Row.Judged
	includes      func(netip.Addr) bool // whether a caller is one of them; nil: every caller is
}

// cases returns what callers of a pair get: those inside of a rollout, and those outside.
func (n *planName) cases(pair pair) (out []judged) {
	before, after := n.before.shares[pair.before].Rule, n.after.shares[pair.after].Rule
	if !n.before.decides(pair.before) {
		before = nil
	}
	if !n.after.decides(pair.after) {
		after = nil
	}
	for _, in := range insides(before, after) {
		first, then := n.before.outcomes(pair.before, in[0]), n.after.outcomes(pair.after, in[1])
		for b, one := range first {
			for a, other := range then {
				if !isPossible(b, a, len(first), len(then), before, after) {
					continue
				}
				c := judged{before: one, after: other, who: whoIs(before, after, in, a)}
				if c.who != "" && a == 0 {
					c.includes = func(addr netip.Addr) bool {
						return (!isPartial(before) || before.Includes(addr) == in[0]) && (!isPartial(after) || after.Includes(addr) == in[1])
					}
				}
				out = append(out, c)
			}
		}
	}
	return out
}

// isPossible reports whether a request can have an outcome after that it did not have
// before. Outcomes are numbered: the second one is the share that moves by weight.
func isPossible(b, a, before, after int, ruleBefore, ruleAfter *route.Rule) bool {
	if before < 2 || after < 2 {
		return b == 0
	}
	return b == a || b == 0 && ruleAfter.Rollout > ruleBefore.Rollout // more moves
}

// insides returns where callers can be: inside of the rollout before and after.
func insides(before, after *route.Rule) (out [][2]bool) {
	b, a := threshold(before), threshold(after)
	add := func(hashBefore, hashAfter int) {
		in := [2]bool{hashBefore < b, hashAfter < a}
		if hashBefore < route.FullRollout && hashAfter < route.FullRollout && !slices.Contains(out, in) {
			out = append(out, in)
		}
	}
	if before != nil && after != nil && before.Name == after.Name { // a caller has one hash for both
		add(0, 0)
		add(min(a, b), min(a, b))
		add(max(a, b), max(a, b))
		return out
	}
	for _, hash := range []int{0, b} {
		add(hash, 0)
		add(hash, a)
	}
	return out
}

// threshold returns the hash from which on callers are outside of a rule.
func threshold(rule *route.Rule) int {
	if rule == nil || rule.ByWeight && rule.Rollout > 0 {
		return route.FullRollout
	}
	return rule.Rollout
}

func isPartial(rule *route.Rule) bool { return rule != nil && rule.IsPartial() }

// outcomes returns what callers of a share get, inside of the rollout or outside. A
// second outcome is that of the share of requests that moves by weight.
func (s *side) outcomes(share int, inside bool) []*list {
	switch rule := s.shares[share].Rule; {
	case !s.decides(share) || !inside:
		return []*list{s.stock(share)}
	case rule.Shadow:
		return []*list{s.shadow(share)}
	case rule.Blends():
		return []*list{s.of(share).blended, s.of(share).chosen}
	}
	return []*list{s.of(share).chosen}
}

// whoIs names the callers inside or outside of rollouts, as "outside 1% -> inside 10%".
func whoIs(before, after *route.Rule, in [2]bool, outcome int) string {
	who := func(rule *route.Rule, inside bool) string {
		if !isPartial(rule) {
			return ""
		}
		return map[bool]string{true: "inside ", false: "outside "}[inside] + percent(rule)
	}
	was, is := who(before, in[0]), who(after, in[1])
	if outcome == 1 {
		is = "the share of " + percent(after) + " by weight"
	}
	if was == "" || was == is {
		return is
	}
	if is == "" {
		is = "all"
	}
	return was + " -> " + is
}

// percent returns the share of a rollout, as 0.5%.
func percent(rule *route.Rule) string {
	return strconv.FormatFloat(float64(rule.Rollout)/100, 'f', -1, 64) + "%"
}

// wouldBe returns what callers of a pair would get, if a new or changed rule that nobody
// has yet were in force for all.
func (n *planName) wouldBe(pair pair) []judged {
	rule, old := n.after.shares[pair.after].Rule, n.before.shares[pair.before].Rule
	if !n.after.decides(pair.after) || !rule.Shadow && rule.Rollout > 0 || old != nil && rule.Same(old) {
		return nil
	}
	who := "mode shadow"
	if !rule.Shadow {
		who = "at 0%"
	}
	isIn := !n.before.decides(pair.before) || n.before.shares[pair.before].Rule.Rollout > 0
	var out []judged
	for _, before := range n.before.outcomes(pair.before, isIn) {
		out = append(out, judged{before: before, after: n.after.of(pair.after).chosen, who: who})
	}
	return out
}

// isNew reports whether the name of a pair was nothing before, and is a lane address
// after, whose target has instances: a first list that is empty is as bad as one that
// became empty.
func (n *planName) isNew(pair pair) bool {
	return !n.before.Exists && n.before.Name.Address == nil && n.after.decides(pair.after) && len(n.after.Callees) > 0
}

// worst returns the worst of cases, for callers at a place.
func worst(cases []judged, place location.Location, isNew bool) judged {
	out := judged{change: ChangeNone}
	for _, c := range cases {
		c.change = changeOf(c.before, c.after, place, isNew)
		if slices.Index(Changes, c.change) < slices.Index(Changes, out.change) {
			out = c
		}
	}
	return out
}

// changeOf names what changes between two lists of a caller at a place.
func changeOf(before, after *list, place location.Location, isNew bool) Change {
	switch {
	case (before.state.Instances > 0 || isNew) && after.state.Instances == 0:
		return ChangeEmpty
	case before.state.Usable > 0 && after.state.Usable == 0:
		return ChangeUnusable
	case before.equal(after):
		return ChangeNone
	case leavesPlace(before, after, place, 1):
		return ChangeCrossRegion
	case leavesPlace(before, after, place, 2):
		return ChangeCrossZone
	}
	return ChangeList
}

// leavesPlace reports whether all usable instances of a list before, and not all after,
// are in the caller's place, compared down to depth levels.
func leavesPlace(before, after *list, place location.Location, depth int) bool {
	return before.state.Usable > 0 && place.Depth() >= depth && !before.leaves(place, depth) && after.leaves(place, depth)
}

// row returns the row of a kind.
func (p *planner) row(n *planName, kind int, c judged) Row {
	caller, k := p.callers[kind], p.before.Kinds[kind]
	row := Row{
		Change: c.change, Service: n.service.String(), Callers: caller.text, Then: caller.then, Judged: c.who, Address: caller.address,
		Seen: n.asked(k, func(netip.Addr) bool { return true }), Requests: k.Requests, Before: c.before.shown(), After: c.after.shown(),
		place: cmp.Or(caller.place.Cut(2).String(), "-"),
	}
	if c.includes != nil {
		inside := n.asked(k, c.includes)
		row.Inside = &inside
	}
	return row
}

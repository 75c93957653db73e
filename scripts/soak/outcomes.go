package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// revisionPrefix begins the revisions of views, and no stock revision.
const revisionPrefix = "setrouter-"

// routed reports whether an answer is a view.
func routed(resp *apiservice.DiscoverResponse) bool {
	return strings.HasPrefix(resp.GetService().GetRevision().GetValue(), revisionPrefix)
}

// textOfAnswer writes an answer down, one instance a line, sorted: a stock answer
// has no order. Places and SETs in a stock answer are the stock server's, and are
// left out.
func textOfAnswer(resp *apiservice.DiscoverResponse) string {
	lines := []string{}
	for _, i := range resp.Instances {
		line := fmt.Sprintf("%s %s:%d healthy %t isolate %t weight %d", i.GetId().GetValue(), i.GetHost().GetValue(), i.GetPort().GetValue(),
			i.GetHealthy().GetValue(), i.GetIsolate().GetValue(), i.GetWeight().GetValue())
		if routed(resp) {
			l := i.GetLocation()
			place := oracle.Place{l.GetRegion().GetValue(), l.GetZone().GetValue(), l.GetCampus().GetValue()}
			line += fmt.Sprintf(" %v %s", place, i.GetMetadata()["internal-set-name"])
		}
		lines = append(lines, line)
	}
	return textOf(lines, routed(resp))
}

func textOf(lines []string, routed bool) string {
	slices.Sort(lines)
	head := "stock"
	if routed {
		head = "routed"
	}
	return head + "\n" + strings.Join(lines, "\n")
}

// textOfMembers is textOfAnswer for what the oracle says.
func textOfMembers(list []oracle.Member, routed bool) string {
	lines := []string{}
	for _, m := range list {
		line := fmt.Sprintf("%s %s:%d healthy %t isolate %t weight %d", m.ID, m.Host, m.Port, m.Healthy, m.Isolate, m.SentWeight)
		if routed {
			line += fmt.Sprintf(" %v %s", m.Place, m.SET)
		}
		lines = append(lines, line)
	}
	return textOf(lines, routed)
}

// caseKey is a request in a state of the node.
type caseKey struct {
	state string
	addr  netip.Addr
	asked string
}

// ask returns the case of an answer in the state of a dump.
func (c *checker) ask(a answer, d *dump) *oracle.Case {
	key := caseKey{d.state(a.asked), a.addr, a.asked}
	k := c.cases[key]
	if k == nil {
		asked := d.world.Ask(a.addr, oracle.Service{Namespace: namespace, Name: a.asked})
		k = &asked
		c.cases[key] = k
	}
	return k
}

// expect returns the oracle's answer to a case without a past, and what the oracle
// chooses for each SET.
func expect(k *oracle.Case) (string, []oracle.Choice) {
	if k.Why != "" {
		return textOfMembers(k.Stock(), false), nil
	}
	chosen, choices := k.Rule.Decide(k.SETs, k.Place, k.All, nil, time.Time{})
	return textOfMembers(k.Rule.List(chosen, k.All, k.Own), true), choices
}

// heldRoads are the roads that can be held, for each SET that a caller is routed as.
type heldRoads map[string][]oracle.Road

// expectHeld reports whether an answer is the oracle's while for each SET some road is
// held, or none.
func expectHeld(k *oracle.Case, got string, held heldRoads) ([]oracle.Choice, bool) {
	var lists [][]oracle.Choice
	for _, set := range k.SETs {
		list := []oracle.Choice{}
		for _, road := range append([]oracle.Road{{}}, held[set]...) {
			c := k.Rule.Choose(set, k.Place, k.All, road)
			if !slices.ContainsFunc(list, func(other oracle.Choice) bool { return slices.Equal(other.Chosen, c.Chosen) }) {
				list = append(list, c)
			}
		}
		lists = append(lists, list)
	}
	for choices := range combinations(lists) {
		if textOfMembers(k.Rule.List(oracle.Union(choices), k.All, k.Own), true) == got {
			return choices, true
		}
	}
	return nil, false
}

// mostCombinations bounds how many combinations of choices are looked at. With more,
// an answer is not the oracle's.
const mostCombinations = 10_000

// combinations yields one choice of each list, in every way.
func combinations(lists [][]oracle.Choice) iter.Seq[[]oracle.Choice] {
	return func(yield func([]oracle.Choice) bool) {
		ways := 1
		for _, list := range lists {
			ways *= len(list)
		}
		for n := range min(ways, mostCombinations) {
			var choices []oracle.Choice
			for _, list := range lists {
				choices = append(choices, list[n%len(list)])
				n /= len(list)
			}
			if !yield(choices) {
				return
			}
		}
	}
}

// fit is how an answer fits what the oracle says in a state.
type fit int

const (
	fitNone  fit = iota
	fitExact     // the oracle's answer
	fitHeld      // the oracle's answer while a road is held on which the caller can have been
	fitLoose     // the oracle's answer while some road is held; not enough was seen to say more
)

// match returns how an answer fits in a state, and by what the oracle decided.
func (c *checker) match(a answer, got string, d *dump) (how fit, kind string) {
	k := c.ask(a, d)
	want, choices := expect(k)
	if got == want {
		return fitExact, kindOf(k, choices)
	}
	if k.Why != "" || k.Rule.Degrade.HoldDown == 0 {
		return fitNone, ""
	}
	held, complete := c.roadsHeld(a, k, d)
	if choices, ok := expectHeld(k, got, held); ok {
		return fitHeld, kindOf(k, choices)
	}
	if complete {
		return fitNone, ""
	}
	for n, choice := range choices {
		for number := range mostRoads {
			held[k.SETs[n]] = append(held[k.SETs[n]], oracle.Road{SETRule: choice.SETRule, Number: 1 + number})
		}
	}
	if _, ok := expectHeld(k, got, held); ok {
		return fitLoose, ""
	}
	return fitNone, ""
}

// mostRoads is more than the roads of any rule that the soak draws.
const mostRoads = 40

// kindOf names what the oracle decided a case by.
func kindOf(k *oracle.Case, choices []oracle.Choice) string {
	switch {
	case k.Why != "":
		return k.Why
	case k.Rule.Blends():
		return "by weight"
	case len(choices) > 1:
		return "several SETs"
	}
	return fmt.Sprintf("tier %s level %s", cmp.Or(choices[0].Tier, "-"), cmp.Or(choices[0].Level, "-"))
}

// slack is how much longer than the hold-down a later road can be held: the hold-down
// begins with the first request for which the choice is an earlier road.
const slack = mostGap + 2*time.Second

// roadsHeld returns the roads that can be held when an answer is given: the roads
// on which callers of its kind can have been in the time of the hold-down and the
// slack before. The list is not complete where the caller was of another kind or
// had another rule in that time, or where dumps of that time are missing.
func (c *checker) roadsHeld(a answer, now *oracle.Case, last *dump) (roads heldRoads, complete bool) {
	begin := a.begin.Add(-now.Rule.Degrade.HoldDown - slack)
	dumps, reaches := c.history[a.node].since(begin, a.life)
	roads, complete = heldRoads{}, reaches && a.pollingSince.Before(begin)
	state := ""
	for _, d := range dumps {
		if d.begin.After(last.begin) {
			break
		}
		if d.state(a.asked) == state {
			continue
		}
		state = d.state(a.asked)
		k := c.ask(a, d)
		if d.rules != last.rules || k.Rule.Name != now.Rule.Name || !slices.Equal(k.SETs, now.SETs) || k.Place != now.Place {
			roads, complete = heldRoads{}, false
			continue
		}
		roads = possibleRoads(k, roads)
	}
	return roads, complete
}

// possibleRoads returns the roads on which callers can be in a state, if they can
// have been on certain roads before.
func possibleRoads(k *oracle.Case, before heldRoads) heldRoads {
	out := heldRoads{}
	for _, set := range k.SETs {
		choose := func(held oracle.Road) oracle.Road { return k.Rule.Choose(set, k.Place, k.All, held).Road }
		list := []oracle.Road{choose(oracle.Road{})}
		for _, held := range before[set] {
			for _, next := range []oracle.Road{held, choose(held)} {
				if !slices.Contains(list, next) {
					list = append(list, next)
				}
			}
		}
		out[set] = list
	}
	return out
}

// leak names an instance of another business in an answer. It is empty if there is
// no such instance, or if the answer may have one: only where the SETs decided for
// businesses, in each state in which the answer can have been given, no instance of
// another business may be in the answer.
func (c *checker) leak(a answer, states []*dump) string {
	businesses := map[string]bool{} // "id business" and "host:port business" of each instance, in any state
	own := map[string]bool{"": true}
	for _, d := range states {
		k := c.ask(a, d)
		_, choices := expect(k)
		if k.Why != "" || k.Rule.SET == nil || k.Rule.Blends() || slices.Contains(k.Rule.SET.Tiers, "all") ||
			slices.ContainsFunc(choices, func(c oracle.Choice) bool { return c.SETRule < 3 }) {
			return ""
		}
		for _, set := range k.SETs {
			own[businessOf(set)] = true
		}
		for _, i := range k.All {
			businesses[i.ID+" "+businessOf(i.SET)] = true
			businesses[fmt.Sprintf("%s:%d %s", i.Host, i.Port, businessOf(i.SET))] = true
		}
	}
	if !routed(a.resp) {
		return ""
	}
	if a.onlyLeak {
		c.leakChecked++
	}
	for _, i := range a.resp.Instances {
		said := businessOf(i.GetMetadata()["internal-set-name"])
		isOwn := i.Metadata != nil && own[said]
		for business := range own {
			isOwn = isOwn || businesses[i.GetId().GetValue()+" "+business]
		}
		if !isOwn {
			return fmt.Sprintf("instance %s of business %q is given to a caller of %q", i.GetId().GetValue(), said, slices.Sorted(maps.Keys(own)))
		}
	}
	return ""
}

func businessOf(set string) string {
	business, _, _ := strings.Cut(set, ".")
	return business
}

package main

import (
	"cmp"
	"fmt"
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
			line += fmt.Sprintf(" %v %s", m.Place, m.Told)
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

// expect returns the oracle's answer to a case while a road is held.
func expect(k *oracle.Case, held oracle.Road) (string, oracle.Choice) {
	if k.Why != "" {
		return textOfMembers(k.Stock(), false), oracle.Choice{}
	}
	choice := k.Rule.Choose(k.SET, k.Place, k.All, held)
	return textOfMembers(k.Rule.List(choice.Chosen, k.All, k.Own), true), choice
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
	want, choice := expect(k, oracle.Road{})
	if got == want {
		return fitExact, kindOf(k, choice)
	}
	if k.Why != "" || k.Rule.Degrade.HoldDown == 0 {
		return fitNone, ""
	}
	roads, complete := c.roadsHeld(a, k, d)
	for _, held := range roads {
		if want, choice := expect(k, held); got == want {
			return fitHeld, kindOf(k, choice)
		}
	}
	if complete {
		return fitNone, ""
	}
	for tier := range 8 {
		for level := range 4 {
			if want, _ := expect(k, oracle.Road{Tier: tier, Level: level}); got == want {
				return fitLoose, ""
			}
		}
	}
	return fitNone, ""
}

// kindOf names what the oracle decided a case by.
func kindOf(k *oracle.Case, choice oracle.Choice) string {
	switch {
	case k.Why != "":
		return k.Why
	case k.Rule.Blends():
		return "by weight"
	}
	return fmt.Sprintf("tier %s level %s", cmp.Or(choice.Tier, "-"), cmp.Or(choice.Level, "-"))
}

// slack is how much longer than the hold-down a wider tier or level can be held:
// the hold-down begins with the first request that finds the narrower one
// satisfied.
const slack = mostGap + 2*time.Second

// roadsHeld returns the roads that can be held when an answer is given: the roads
// on which callers of its kind can have been in the time of the hold-down and the
// slack before. The list is not complete where the caller was of another kind or
// had another rule in that time, or where dumps of that time are missing.
func (c *checker) roadsHeld(a answer, now *oracle.Case, last *dump) (roads []oracle.Road, complete bool) {
	begin := a.begin.Add(-now.Rule.Degrade.HoldDown - slack)
	dumps, reaches := c.history[a.node].since(begin, a.life)
	complete = reaches && a.pollingSince.Before(begin)
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
		if d.rules != last.rules || k.Rule.Name != now.Rule.Name || k.SET != now.SET || k.Place != now.Place {
			roads, complete = nil, false
			continue
		}
		roads = possibleRoads(k, roads)
	}
	return roads, complete
}

// possibleRoads returns the roads on which callers can be in a state, if they can
// have been on certain roads before.
func possibleRoads(k *oracle.Case, before []oracle.Road) []oracle.Road {
	choose := func(held oracle.Road) oracle.Road { return k.Rule.Choose(k.SET, k.Place, k.All, held).Road }
	out := []oracle.Road{choose(oracle.Road{})}
	for _, held := range before {
		for _, next := range []oracle.Road{held, choose(held)} {
			if !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}

// leak names an instance of another business in an answer. It is empty if there is
// no such instance, or if the answer may have one: only where the SET stage
// decided for one business, in each state in which the answer can have been given,
// no instance of another business may be in the answer.
func (c *checker) leak(a answer, states []*dump) string {
	businesses := map[string]bool{} // "id business" of each instance, in any state
	business := ""
	for _, d := range states {
		k := c.ask(a, d)
		_, choice := expect(k, oracle.Road{})
		own, _, _ := strings.Cut(k.SET, ".")
		if k.Why != "" || k.Rule.SET == nil || !choice.OwnBusiness || k.Rule.Blends() || slices.Contains(k.Rule.SET.Tiers, "all") ||
			business != "" && own != business {
			return ""
		}
		business = own
		for _, i := range k.All {
			first, _, _ := strings.Cut(i.SET, ".")
			businesses[i.ID+" "+first] = true
		}
	}
	if !routed(a.resp) {
		return ""
	}
	for _, i := range a.resp.Instances {
		id := i.GetId().GetValue()
		said, _, _ := strings.Cut(i.GetMetadata()["internal-set-name"], ".")
		if said != business && said != "" && !businesses[id+" "+business] && !businesses[id+" "] {
			return fmt.Sprintf("instance %s of business %q is given to a caller of %q", id, said, business)
		}
	}
	return ""
}

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

// revisionPrefix tells a view's revision from a stock one.
const revisionPrefix = "setrouter-"

func routed(resp *apiservice.DiscoverResponse) bool {
	return strings.HasPrefix(resp.GetService().GetRevision().GetValue(), revisionPrefix)
}

// listOf writes an answer down, one instance a line. Of a stock answer, which
// has no order, places and SETs are the stock server's to know.
func listOf(resp *apiservice.DiscoverResponse) string {
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
	return text(lines, routed(resp))
}

func text(lines []string, routed bool) string {
	slices.Sort(lines)
	head := "stock"
	if routed {
		head = "routed"
	}
	return head + "\n" + strings.Join(lines, "\n")
}

// write is listOf of what the oracle says.
func write(list []oracle.Member, routed bool) string {
	lines := []string{}
	for _, m := range list {
		line := fmt.Sprintf("%s %s:%d healthy %t isolate %t weight %d", m.ID, m.Host, m.Port, m.Healthy, m.Isolate, m.SentWeight)
		if routed {
			line += fmt.Sprintf(" %v %s", m.Place, m.Told)
		}
		lines = append(lines, line)
	}
	return text(lines, routed)
}

// caseKey is a request in a state.
type caseKey struct {
	state string
	addr  netip.Addr
	asked string
}

func (c *checker) ask(a answer, d *seen) *oracle.Case {
	key := caseKey{d.state(a.asked), a.addr, a.asked}
	found := c.cases[key]
	if found == nil {
		one := d.world.Ask(a.addr, oracle.Service{Namespace: namespace, Name: a.asked})
		found = &one
		c.cases[key] = found
	}
	return found
}

// expect is the answer in a state while tiers and levels are held.
func expect(k *oracle.Case, held oracle.Held) (string, oracle.Choice) {
	if k.Why != "" {
		return write(k.Stock(), false), oracle.Choice{}
	}
	choice := k.Rule.Choose(k.SET, k.Place, k.All, held)
	return write(k.Rule.List(choice.Chosen, k.All, k.Own), true), choice
}

// match tells whether the answer is right in a state: "natural", "held" where a
// wider tier or level is still held, "loose" where it can be, as far as is
// known. Kind says what the oracle decided by.
func (c *checker) match(a answer, got string, d *seen) (how, kind string) {
	k := c.ask(a, d)
	want, choice := expect(k, oracle.Held{})
	if got == want {
		return "natural", kindOf(k, choice)
	}
	if k.Why != "" || k.Rule.Degrade.HoldDown == 0 {
		return "", ""
	}
	held, all := c.holds(a, k, d)
	for _, h := range held {
		if want, choice := expect(k, h); got == want {
			return "held", kindOf(k, choice)
		}
	}
	if all {
		return "", ""
	}
	for tier := range 8 {
		for level := range 4 {
			if want, _ := expect(k, oracle.Held{Tier: tier, Level: level}); got == want {
				return "loose", ""
			}
		}
	}
	return "", ""
}

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

// holds are the places that can be held at an answer: those where the callers of
// its kind can have been since the hold-down and the slack before it. It is not
// complete where the kind of the caller or the rule was another one in that
// time, or not all of it was seen.
func (c *checker) holds(a answer, now *oracle.Case, last *seen) (list []oracle.Held, complete bool) {
	begin := a.begin.Add(-now.Rule.Degrade.HoldDown - slack)
	dumps, reaches := c.history[a.node].since(begin, a.life)
	complete = reaches && a.regular.Before(begin)
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
			list, complete = nil, false
			continue
		}
		list = possible(k, list)
	}
	return list, complete
}

// possible are the places where callers can be in a state that had been in
// others before.
func possible(k *oracle.Case, before []oracle.Held) []oracle.Held {
	choose := func(h oracle.Held) oracle.Held { return k.Rule.Choose(k.SET, k.Place, k.All, h).At }
	out := []oracle.Held{choose(oracle.Held{})}
	for _, h := range before {
		for _, next := range []oracle.Held{h, choose(h)} {
			if !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}

// leak tells of an instance of another business where, in each state that the
// answer can have been given in, the SET stage decided for the business of one.
func (c *checker) leak(a answer, states []*seen) string {
	of := map[string]bool{} // the businesses of each instance, in any state
	business := ""
	for _, d := range states {
		k := c.ask(a, d)
		_, choice := expect(k, oracle.Held{})
		own, _, _ := strings.Cut(k.SET, ".")
		if k.Why != "" || k.Rule.SET == nil || !choice.OwnBusiness || k.Rule.Blends() || slices.Contains(k.Rule.SET.Tiers, "all") ||
			business != "" && own != business {
			return ""
		}
		business = own
		for _, i := range k.All {
			first, _, _ := strings.Cut(i.SET, ".")
			of[i.ID+" "+first] = true
		}
	}
	if !routed(a.resp) {
		return ""
	}
	for _, i := range a.resp.Instances {
		id := i.GetId().GetValue()
		said, _, _ := strings.Cut(i.GetMetadata()["internal-set-name"], ".")
		if said != business && said != "" && !of[id+" "+business] && !of[id+" "] {
			return fmt.Sprintf("instance %s of business %q is given to a caller of %q", id, said, business)
		}
	}
	return ""
}

package world

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// UnknownRequest is a request of a caller of whose SET nothing was known, for a service
// whose instances have SETs.
type UnknownRequest struct {
	Addr    netip.Addr
	Service route.Service // as asked
	Rule    string        // that decided
	Several bool          // the caller got instances of several businesses
}

// Unknown is a caller of whose SET nothing is known, and a service that the caller asked
// for lately.
type Unknown struct {
	Address  string `json:"address"`
	Service  string `json:"service"`
	Rule     string `json:"rule"`
	Gets     Gets   `json:"gets"`
	Requests uint64 `json:"requests"`

	rule *route.Rule
}

// Gets is what a rule gives a caller of whose SET nothing is known.
type Gets string

// What such a caller gets, the worst first.
const (
	GetsEveryBusiness Gets = "every business" // instances of several businesses
	GetsEverything    Gets = "every SET"      // of a service that one business has
	GetsUnset         Gets = "instances without a SET"
	GetsNothing       Gets = "nothing"
	GetsStock         Gets = "the stock answer" // the rule is in mode shadow
)

var getsOrder = []Gets{GetsEveryBusiness, GetsEverything, GetsUnset, GetsNothing, GetsStock}

// Unknown lists who asked for what lately and is unknown still, by the rules in force:
// the worst first, and then the most requests.
func (w *World) Unknown(requests map[UnknownRequest]uint64) []Unknown {
	rules := map[string]*route.Rule{}
	for _, rule := range w.Rules.All() {
		rules[rule.Name] = rule
	}
	type key struct {
		addr    netip.Addr
		service route.Service
		rule    *route.Rule
	}
	found := map[key]*Unknown{}
	for r, n := range requests {
		rule := rules[r.Rule]
		if rule == nil || !w.Rules.MayBeUnknown(rule, w.Identity(r.Addr).Identity) {
			continue
		}
		u := found[key{r.Addr, r.Service, rule}]
		if u == nil {
			u = &Unknown{Address: r.Addr.String(), Service: r.Service.String(), Rule: rule.Name, rule: rule}
			found[key{r.Addr, r.Service, rule}] = u
		}
		u.Requests += n
		if gets := getsBy(rule, r.Several); u.Gets == "" || gets == GetsEveryBusiness {
			u.Gets = gets
		}
	}
	out := make([]Unknown, 0, len(found))
	for _, u := range found {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b Unknown) int {
		return cmp.Or(cmp.Compare(slices.Index(getsOrder, a.Gets), slices.Index(getsOrder, b.Gets)), cmp.Compare(b.Requests, a.Requests),
			cmp.Compare(a.Address, b.Address), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}

// getsBy returns what a rule gives a caller of whose SET nothing is known.
func getsBy(rule *route.Rule, several bool) Gets {
	switch {
	case rule.Shadow:
		return GetsStock
	case rule.SET.Unknown == route.UnknownNone:
		return GetsNothing
	case rule.SET.Unknown == route.UnknownUnset:
		return GetsUnset
	case several:
		return GetsEveryBusiness
	}
	return GetsEverything
}

// CountUnknown counts callers and services. An empty gets stands for all.
func CountUnknown(list []Unknown, gets Gets) (callers, services int) {
	addresses, names := map[string]bool{}, map[string]bool{}
	for _, u := range list {
		if gets == "" || u.Gets == gets {
			addresses[u.Address], names[u.Service] = true, true
		}
	}
	return len(addresses), len(names)
}

// WarnOfUnknown adds one warning to problems if callers got every business lately. It
// reports whether there is one. The list is of World.Unknown.
func WarnOfUnknown(list []Unknown, problems *strict.Problems) bool {
	callers, services := CountUnknown(list, GetsEveryBusiness)
	if callers == 0 {
		return false
	}
	worst := list[0]
	problems.Add(strict.Warning(worst.rule.File, worst.rule.Line, worst.rule.Col, "%s lately got every business of %s, as %s of %q by rule %q: nothing is known of their SET; %s",
		count(callers, "caller"), count(services, "service"), worst.Address, worst.Service, worst.Rule, route.Remedy))
	return true
}

// count returns "1 caller", "2 callers".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

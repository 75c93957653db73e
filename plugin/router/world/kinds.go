package world

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Kind is a group of callers that all rules route alike: one caller stands for all.
type Kind struct {
	Addr     netip.Addr     // of the caller that stands for all
	Identity location.Facts // of the same caller
	Callers  []netip.Addr   // that asked lately, for any service
	Requests uint64         // of these callers
	Implied  int            // mapping entries and pods that imply such callers
}

// Text returns the kind's SET and location in one line.
func (k Kind) Text() string { return explain.IdentityText(k.Identity.Identity) }

// Kinds returns the callers that asked lately, and the callers that mapping entries and
// pods imply, grouped by what rules look at.
func (w *World) Kinds() []Kind { return kinds(w) }

// KindsOf returns the kinds of callers of the first of some states, such that all rules of
// each of the states route the callers of a kind alike.
func KindsOf(states ...*World) []Kind { return kinds(states...) }

// kinds groups callers that are alike in each of the states. Who asked lately, and the
// pods, are those of the first state.
func kinds(states ...*World) []Kind {
	groups := map[string]*Kind{}
	group := func(addr netip.Addr) *Kind {
		var key strings.Builder
		for _, w := range states {
			f := w.Identity(addr)
			fmt.Fprint(&key, f.Location, "|", f.AllSETs(), "|", f.Labels, "|", w.Rules.AddressKey(addr), "|") // maps print sorted
		}
		k := groups[key.String()]
		if k == nil {
			k = &Kind{Addr: addr, Identity: states[0].Identity(addr)}
			groups[key.String()] = k
		}
		return k
	}
	for _, s := range states[0].Seen {
		addr := location.Normalize(s.Addr)
		k := group(addr)
		k.Callers = append(k.Callers, addr)
		k.Requests += s.Requests
	}
	for _, w := range states {
		for prefix := range w.Table.All() {
			if addr, ok := w.Table.AddrOf(prefix); ok {
				group(addr).Implied++
			}
		}
	}
	for _, p := range states[0].Pods {
		group(location.Normalize(p.Addr)).Implied++
	}
	out := make([]Kind, 0, len(groups))
	for _, k := range groups {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Text(), b.Text()), a.Addr.Compare(b.Addr))
	})
	return out
}

// askedFor returns how many callers of a kind asked for a service lately, for any kind.
// Where the state does not say who asked for what, all callers of the kind count.
func (w *World) askedFor(service route.Service) func(Kind) int {
	if w.Asked == nil {
		return func(k Kind) int { return len(k.Callers) }
	}
	asked := map[netip.Addr]bool{}
	for _, addr := range w.Asked(service) {
		asked[addr] = true
	}
	return func(k Kind) (n int) {
		for _, addr := range k.Callers {
			if asked[addr] {
				n++
			}
		}
		return n
	}
}

// HasService reports whether callers can ask for a service.
func (w *World) HasService(service route.Service) bool {
	return slices.Contains(w.Services(), service)
}

// Services returns the services, aliases and lane addresses that callers can ask for,
// sorted.
func (w *World) Services() []route.Service {
	w.index()
	out := slices.Clone(w.Names)
	for s := range w.byService {
		out = append(out, s)
	}
	for s := range w.Aliases {
		out = append(out, s)
	}
	out = append(out, w.Rules.Addresses()...)
	slices.SortFunc(out, route.Service.Compare)
	return slices.Compact(out)
}

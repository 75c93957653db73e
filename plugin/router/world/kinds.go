package world

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"

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
func (w *World) Kinds() []Kind { return kinds((*route.Rules).AddressKeys, w) }

// KindsOf returns the kinds of callers of the first of some states, such that all rules of
// each of the states route the callers of a kind alike.
func KindsOf(states ...*World) []Kind { return kinds((*route.Rules).AddressKeys, states...) }

// kinds groups callers that are alike in each of the states. Addresses are told apart by
// the keys that a function of each state's rules gives them. Who asked lately, and the
// pods, are those of the first state.
func kinds(keysOf func(*route.Rules) func(netip.Addr) string, states ...*World) []Kind {
	g := grouper{groups: map[string]*Kind{}}
	for _, w := range states {
		g.tellers = append(g.tellers, teller{w.resolver(), keysOf(w.Rules)})
	}
	for _, s := range states[0].Seen {
		addr := location.Normalize(s.Addr)
		k := g.group(addr)
		k.Callers = append(k.Callers, addr)
		k.Requests += s.Requests
	}
	for _, w := range states {
		for prefix := range w.Table.All() {
			if addr, ok := w.Table.AddrOf(prefix); ok {
				g.group(addr).Implied++
			}
		}
	}
	for _, p := range states[0].Pods {
		g.group(location.Normalize(p.Addr)).Implied++
	}
	out := make([]Kind, 0, len(g.groups))
	for _, k := range g.groups {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Text(), b.Text()), a.Addr.Compare(b.Addr))
	})
	return out
}

// grouper groups callers that are alike in several states.
type grouper struct {
	tellers []teller
	groups  map[string]*Kind // by what the tellers tell
	key     []byte           // to be used again
}

// teller tells callers of one state apart.
type teller struct {
	resolver *location.Resolver
	keys     func(netip.Addr) string
}

// group returns the kind of a caller. The first caller of a kind stands for all.
func (g *grouper) group(addr netip.Addr) *Kind {
	g.key = g.key[:0]
	var first location.Facts
	for n, t := range g.tellers {
		f := t.resolver.Caller(addr)
		if n == 0 {
			first = f
		}
		g.key = append(appendIdentity(g.key, f.Identity), t.keys(addr)...)
		g.key = append(g.key, '\n')
	}
	k, ok := g.groups[string(g.key)]
	if !ok {
		k = &Kind{Addr: addr, Identity: first}
		g.groups[string(g.key)] = k
	}
	return k
}

// appendIdentity appends a text that is equal for equal identities.
func appendIdentity(key []byte, id location.Identity) []byte {
	for _, level := range []string{id.Region, id.Zone, id.Campus, string(id.SET)} {
		key = strconv.AppendQuote(key, level)
	}
	for _, set := range id.SETs {
		key = strconv.AppendQuote(key, string(set))
	}
	for _, label := range slices.Sorted(maps.Keys(id.Labels)) {
		key = strconv.AppendQuote(append(strconv.AppendQuote(append(key, '|'), label), '='), id.Labels[label])
	}
	return append(key, '|')
}

// askedFor returns a function that counts the callers of a kind that asked for a service
// lately, for any kind. If the state does not say who asked for what, all callers of the
// kind count.
func (w *World) askedFor(service route.Service) func(Kind) int {
	asked := w.whoAsked(service)
	return func(k Kind) int { return asked(k, func(netip.Addr) bool { return true }) }
}

// whoAsked is askedFor for those callers that are included.
func (w *World) whoAsked(service route.Service) func(k Kind, includes func(netip.Addr) bool) int {
	var asked map[netip.Addr]bool
	if w.Asked != nil {
		asked = map[netip.Addr]bool{}
		for _, addr := range w.Asked(service) {
			asked[addr] = true
		}
	}
	return func(k Kind, includes func(netip.Addr) bool) (n int) {
		for _, addr := range k.Callers {
			if (asked == nil || asked[addr]) && includes(addr) {
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
	out := slices.Clone(w.Names)
	for n := range w.Instances {
		if n == 0 || w.Instances[n].Service != w.Instances[n-1].Service {
			out = append(out, w.Instances[n].Service)
		}
	}
	for s := range w.Aliases {
		out = append(out, s)
	}
	out = append(out, w.Rules.Addresses()...)
	slices.SortFunc(out, route.Service.Compare)
	return slices.Compact(out)
}

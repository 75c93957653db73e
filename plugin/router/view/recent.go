package view

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Recent are callers of a kind that asked for a service within RememberFor.
type Recent struct {
	RecentKind
	Callers []RecentCaller // by address
}

// RecentKind is what the callers of a Recent have in common.
type RecentKind struct {
	Service route.Service // as asked for
	Rule    string        // empty: no rule
	Kind    string        // SET and place, as in explanations; empty where the stock server answers
	// State is what they have now; empty if they have not asked for AskedWithin.
	State route.State
}

// RecentCaller is a caller, and how it asked for the service.
type RecentCaller struct {
	Addr     netip.Addr
	Last     time.Time
	Requests uint64 // since the caller is remembered
}

// Recent returns who asked for what within RememberFor: for the service, and as the
// address, that are asked about. The zero value of either stands for all. Recent looks at
// every caller: it is for operators, not for requests. The list is not complete if there
// are more callers than are remembered.
func (s *Store) Recent(service route.Service, addr netip.Addr) (list []Recent, complete bool) {
	groups := map[RecentKind]*Recent{}
	s.asked.each(service, addr, func(service route.Service, addr netip.Addr, last *lastAsked) {
		kind, ok := last.recentKind(service, s.Now())
		if !ok {
			return
		}
		group := groups[kind]
		if group == nil {
			group = &Recent{RecentKind: kind}
			groups[kind] = group
		}
		group.Callers = append(group.Callers, RecentCaller{addr, epoch.Add(time.Duration(last.at.Load())), last.requests.Load()})
	})
	for _, group := range groups {
		slices.SortFunc(group.Callers, func(a, b RecentCaller) int { return a.Addr.Compare(b.Addr) })
		list = append(list, *group)
	}
	slices.SortFunc(list, func(a, b Recent) int {
		return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	return list, !s.asked.left.Load()
}

// LastAsked returns when somebody last asked for a name. It is not ok if nobody did since
// the store was made, or if there were too many names to remember.
func (s *Store) LastAsked(name route.Service) (at time.Time, ok bool) {
	v, ok := s.asked.services.Load(name)
	if !ok {
		return time.Time{}, false
	}
	return epoch.Add(time.Duration(v.(*askedName).at.Load())), true
}

// each calls f for every caller of a service, and for every one with an address. Zero
// values stand for all.
func (l *askedLog) each(service route.Service, addr netip.Addr, f func(route.Service, netip.Addr, *lastAsked)) {
	visit := func(service, v any) bool {
		callers := &v.(*askedName).callers
		if addr.IsValid() {
			if last, ok := callers.Load(addr); ok {
				f(service.(route.Service), addr, last.(*lastAsked))
			}
			return true
		}
		callers.Range(func(addr, last any) bool {
			f(service.(route.Service), addr.(netip.Addr), last.(*lastAsked))
			return true
		})
		return true
	}
	if service == (route.Service{}) {
		l.services.Range(visit)
	} else if v, ok := l.services.Load(service); ok {
		visit(service, v)
	}
}

// recentKind returns what the caller has in common with others. It is not ok if nothing was
// given yet, or if the caller is to be forgotten.
func (a *lastAsked) recentKind(service route.Service, now time.Time) (kind RecentKind, ok bool) {
	what := a.got.Load()
	if what == nil || a.isOlder(now, RememberFor) {
		return kind, false
	}
	kind.Service = service
	kind.Rule, kind.Kind = what.names()
	if key, ok := a.key(service); ok && !a.isPast(now) {
		kind.State = key.State
	}
	return kind, true
}

// names returns the names of the rule and of the kind of caller.
func (g *got) names() (rule, kind string) {
	switch {
	case g.lapsed != nil:
		return g.lapsed.rule, g.lapsed.kind
	case g.kind.Rule != nil:
		caller := g.kind
		return caller.Rule.Name, explain.IdentityText(location.Identity{SET: location.SET(caller.SETs), Location: caller.Location})
	case g.rule != nil:
		return g.rule.Name, ""
	}
	return "", ""
}

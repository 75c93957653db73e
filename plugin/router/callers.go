package router

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// CallersNow returns what the callers of this node have now, the worst first: all kinds
// of callers. It looks at every caller: it is for operators, not for requests.
func (s *Server) CallersNow() api.CallerStates {
	asked, complete := s.views.Asked()
	kinds := make([]api.KindState, len(asked))
	for n, a := range asked {
		kinds[n] = kindState(a)
	}
	return api.NewCallerStates(kinds, complete)
}

// CallerAddresses returns who asked this node lately, and for what. It looks at every
// caller: it is for operators, not for requests.
func (s *Server) CallerAddresses() world.Callers {
	var c world.Callers
	for addr, requests := range s.RecentCallers() {
		c.Seen = append(c.Seen, world.Seen{Addr: addr, Requests: requests})
	}
	recent, complete := s.views.Recent(route.Service{}, netip.Addr{})
	for _, r := range recent {
		asked := world.Asked{Service: r.Service}
		for _, caller := range r.Callers {
			asked.Callers = append(asked.Callers, caller.Addr)
		}
		c.Asked = append(c.Asked, asked)
	}
	c.Add(world.Callers{Complete: true}) // in order, each service once
	c.Complete = complete
	return c
}

// AskedFor returns the callers that asked this node for a service lately.
func (s *Server) AskedFor(service route.Service) []netip.Addr { return s.views.AskedFor(service) }

// Bounds of the addresses of a kind, and of the names, that a node tells of.
const (
	maxAddresses = 200
	maxQuiet     = 2000
)

// CallersSeen returns who asked this node for what lately, and the names that nobody asked
// for. It looks at every caller: it is for operators, not for requests. With q.Names the
// names are those, else all that there are.
func (s *Server) CallersSeen(q api.CallerQuery) api.CallerList {
	service, _ := route.ParseService(q.Service)
	recent, complete := s.views.Recent(service, q.Address)
	list := api.CallerList{
		Now: s.Now(), Since: clock.AsOf(s.Now(), s.started), RememberSeconds: int(view.RememberFor.Seconds()), Complete: complete,
		Kinds: []api.CallerKind{}, Untold: []explain.Untold{}, Forwarded: []api.Forwarded{}, Quiet: []api.QuietName{}, Notes: []string{},
	}
	for _, r := range recent {
		list.Kinds = append(list.Kinds, callerKind(r))
	}
	if q.Service == "" {
		list.Untold, list.Forwarded = s.Untold(q.Address), s.forwardedBy(q.Address)
	}
	if !q.Address.IsValid() {
		list.Quiet = s.quietNames(q)
	}
	list.Sort()
	for n, k := range list.Kinds {
		list.Kinds[n].Addresses = k.Addresses[:min(len(k.Addresses), maxAddresses)]
	}
	return list
}

// callerKind returns callers of a kind for operators.
func callerKind(r view.Recent) api.CallerKind {
	k := api.CallerKind{Service: r.Service.String(), Rule: r.Rule, Kind: r.Kind, State: string(r.State), Callers: len(r.Callers), Addresses: []api.CallerAddress{}}
	for _, c := range r.Callers {
		k.Addresses = append(k.Addresses, api.CallerAddress{Address: c.Addr, Last: c.Last, Requests: c.Requests})
		if c.Last.After(k.Last) {
			k.Last = c.Last
		}
	}
	return k
}

// forwardedBy returns the peers that lately sent a header of proxies and are not trusted:
// one, or all if the address is invalid.
func (s *Server) forwardedBy(addr netip.Addr) []api.Forwarded {
	out := []api.Forwarded{}
	for peer, n := range s.forwarded.Requests() {
		if !addr.IsValid() || peer == addr {
			out = append(out, api.Forwarded{Peer: peer.String(), Requests: n})
		}
	}
	return out
}

// kindState returns a kind of caller for operators.
func kindState(a view.Asked) api.KindState {
	k := api.KindState{
		Service: a.Service.String(), State: string(a.State), Tier: a.Tier, Level: a.Level, Usable: a.Usable, Sent: a.Sent,
		Callers: len(a.Callers), Example: a.Callers[0], Last: a.Last,
	}
	if a.Rule != nil {
		k.Rule = a.Rule.Name
	}
	if a.Kind.Rule != nil {
		k.Kind = explain.IdentityText(location.Identity{SET: location.SET(a.Kind.SETs), Location: a.Kind.Location})
	}
	return k
}

// countCallers counts callers for the metrics.
func (s *Server) countCallers() map[observe.CallersKey]int {
	counts := map[observe.CallersKey]int{}
	asked, _ := s.views.Asked()
	for _, a := range asked {
		key := observe.CallersKey{Tier: a.Tier, Level: a.Level, State: string(a.State)}
		if a.Rule != nil {
			key.Rule = a.Rule.Name
		}
		counts[key] += len(a.Callers)
	}
	return counts
}

package router

import (
	"net/netip"

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

// CallersSeen returns who asked this node lately, and for what. It looks at every caller:
// it is for operators, not for requests.
func (s *Server) CallersSeen() world.Callers {
	var c world.Callers
	for addr, requests := range s.RecentCallers() {
		c.Seen = append(c.Seen, world.Seen{Addr: addr, Requests: requests})
	}
	asked, complete := s.views.Asked()
	for _, a := range asked { // by service, and then by kind
		c.Asked = append(c.Asked, world.Asked{Service: a.Service, Callers: a.Callers})
	}
	c.Complete = complete
	c.Add(world.Callers{Complete: true})
	return c
}

// AskedFor returns the callers that asked this node for a service lately.
func (s *Server) AskedFor(service route.Service) []netip.Addr { return s.views.AskedFor(service) }

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

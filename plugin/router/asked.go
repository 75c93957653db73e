package router

import (
	"fmt"
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
)

// AskedGroups is AskedNow for other nodes: groups of callers who are alike in all that
// rules look at, each with one address.
func (s *Server) AskedGroups() (groups []matrix.Asked, complete bool) {
	asked, complete := s.AskedNow()
	keys, addressKey := map[netip.Addr]string{}, s.Rules().AddressKeys()
	keyOf := func(addr netip.Addr) string {
		key, ok := keys[addr]
		if !ok {
			id := s.Identify(addr)
			key = fmt.Sprint(id.Location, "|", id.AllSETs(), "|", id.Labels, "|", addressKey(addr)) // maps print sorted
			keys[addr] = key
		}
		return key
	}
	for _, g := range asked {
		index := map[string]int{}
		for _, addr := range g.Callers {
			n, ok := index[keyOf(addr)]
			if !ok {
				n = len(groups)
				index[keyOf(addr)] = n
				state := g.State
				state.Callers, state.Example = 0, addr
				groups = append(groups, matrix.Asked{Service: g.Service, State: state})
			}
			groups[n].State.Callers++
		}
	}
	return groups, complete
}

// AskedNow returns the groups of callers of this node that asked lately, with the
// instances in their lists. The groups are not complete if there are more callers than
// are remembered. AskedNow looks at every caller: it is for operators, not for requests.
func (s *Server) AskedNow() (groups []matrix.Asked, complete bool) {
	asked, complete := s.views.Asked()
	groups = make([]matrix.Asked, len(asked))
	for n, a := range asked {
		g := matrix.Asked{Service: a.Service, State: kindState(a), Callers: a.Callers}
		if a.Listed && !a.Kind.Rule.Shadow {
			g.Listed, g.IDs = true, make([]string, len(a.Instances))
			for i, instance := range a.Instances {
				g.IDs[i] = instance.GetId().GetValue()
			}
		}
		groups[n] = g
	}
	return groups, complete
}

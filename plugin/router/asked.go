package router

import (
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
)

// AskedNow returns the groups of callers of this node that asked lately, with the
// instances in their lists. The groups are not complete if there are more callers than
// are remembered. AskedNow looks at every caller: it is for operators, not for requests.
func (s *Server) AskedNow() (groups []matrix.Asked, complete bool) {
	asked, complete := s.views.Asked()
	groups = make([]matrix.Asked, len(asked))
	for n, a := range asked {
		g := matrix.Asked{Service: a.Service, State: kindState(a), Callers: a.Callers}
		if a.Kind.Rule != nil && !a.Kind.Rule.Shadow {
			g.Listed, g.IDs = true, make([]string, len(a.Instances))
			for i, instance := range a.Instances {
				g.IDs[i] = instance.GetId().GetValue()
			}
		}
		groups[n] = g
	}
	return groups, complete
}

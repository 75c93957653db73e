package router

import (
	"slices"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// quietNames returns the names that nobody asked this node for within view.RememberFor:
// lane addresses, aliases, and services that a rule may route. A service that is read by
// way of a name which somebody asked for is not quiet. With q.Names the names are those,
// whatever they are here; with q.Service it is that one.
func (s *Server) quietNames(q api.CallerQuery) []api.QuietName {
	out := []api.QuietName{}
	switch {
	case q.Names != nil:
		for _, name := range q.Names {
			out = s.appendQuiet(out, api.QuietName{Name: name})
		}
		return out
	case s.rules == nil:
		return out
	}
	names, readBy := s.allNames()
	for _, n := range names {
		heard := slices.ContainsFunc(readBy[n.Name], func(name string) bool { return !s.isQuiet(name) })
		if (q.Service == "" || n.Name == q.Service) && !heard && len(out) < maxQuiet {
			out = s.appendQuiet(out, n)
		}
	}
	return out
}

// allNames returns the names that clients can ask for and a rule may route, and by which
// other names each service is read.
func (s *Server) allNames() (names []api.QuietName, readBy map[string][]string) {
	rules := s.Rules()
	readBy = map[string][]string{}
	for _, rule := range rules.All() {
		if rule.IsAddress() {
			names = append(names, api.QuietName{Name: rule.Name, What: api.NameAddress, Target: rule.Target.String()})
			readBy[rule.Target.String()] = append(readBy[rule.Target.String()], rule.Name)
		}
	}
	_ = s.Caches().Service().IteratorServices(func(_ string, found *model.Service) (bool, error) {
		name := route.Service{Namespace: found.Namespace, Name: found.Name}
		resolved := rules.Resolve(s.names.find(name))
		switch {
		case rules.IsAddress(name):
		case found.IsAlias():
			n := api.QuietName{Name: name.String(), What: api.NameAlias}
			for _, source := range resolved.Read {
				n.Target = source.String()
				readBy[n.Target] = append(readBy[n.Target], n.Name)
			}
			names = append(names, n)
		case name.Namespace != route.SystemNamespace && rules.MayRoute(resolved):
			names = append(names, api.QuietName{Name: name.String(), What: api.NameService})
		}
		return true, nil
	})
	return names, readBy
}

// appendQuiet appends a name, with when it was asked for, if the name is quiet.
func (s *Server) appendQuiet(list []api.QuietName, n api.QuietName) []api.QuietName {
	if !s.isQuiet(n.Name) {
		return list
	}
	if name, err := route.ParseService(n.Name); err == nil {
		if at, ok := s.views.LastAsked(name); ok {
			at = clock.AsOf(s.Now(), at)
			n.LastAsked = &at
		}
	}
	return append(list, n)
}

// isQuiet reports whether nobody asked this node for a name within view.RememberFor.
func (s *Server) isQuiet(text string) bool {
	name, err := route.ParseService(text)
	if err != nil {
		return true
	}
	at, ok := s.views.LastAsked(name)
	return !ok || s.Now().Sub(at) > view.RememberFor
}

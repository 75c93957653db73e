package matrix

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The bounds of a page of services: where the query does not say how many, and at most.
const (
	DefaultServices = 200
	MaxServices     = 5000
)

// ServiceQuery says which services to list.
type ServiceQuery struct {
	Filter string // a text in the name of a service or rule, in any case; empty: all
	State  string // the worst state of the callers, or api.StateNone; empty: all
	Offset int
	Limit  int
}

// Services returns services and what their callers have now, those in trouble first.
func Services(w *world.World, groups []Asked, q ServiceQuery) api.ServiceStates {
	all := w.Services()
	out := api.ServiceStates{Counts: map[string]int{}, Total: len(all), Offset: q.Offset, Services: []api.ServiceState{}, Complete: true, Notes: []string{}}
	groups, asked := sortByService(groups)
	all = append(all, asked...) // also services that are not there any more
	slices.SortFunc(all, route.Service.Compare)
	var matched []api.ServiceState
	names := map[string]route.Service{}
	for _, service := range slices.Compact(all) {
		s := serviceState(service, groupsOf(groups, service))
		if !q.hasText(s) {
			continue
		}
		out.Counts[s.State]++
		if q.State == "" || q.State == s.State {
			matched, names[s.Service] = append(matched, s), service
		}
	}
	slices.SortStableFunc(matched, func(a, b api.ServiceState) int {
		return cmp.Or(cmp.Compare(rankOf(a.State), rankOf(b.State)), cmp.Compare(b.Callers, a.Callers))
	})
	out.Matched = len(matched)
	matched = matched[min(q.Offset, len(matched)):]
	for _, s := range matched[:min(q.Limit, len(matched))] {
		for _, c := range w.Read(names[s.Service]) {
			s.Instances++
			s.Usable += number(c.Usable())
			s.Evacuated += number(c.Evacuated)
		}
		out.Services = append(out.Services, s)
	}
	addLoads(w, groups, out.Services, names)
	return out
}

// rankOf returns the number of a state, of which the worst has 0, and api.StateNone the
// highest.
func rankOf(state string) int {
	if n := rank(state); n >= 0 {
		return n
	}
	return len(api.States)
}

// hasText reports whether the name of the service or of a rule has the text of the query.
func (q ServiceQuery) hasText(s api.ServiceState) bool {
	text := strings.ToLower(q.Filter)
	return strings.Contains(strings.ToLower(s.Service), text) ||
		slices.ContainsFunc(s.Rules, func(rule string) bool { return strings.Contains(strings.ToLower(rule), text) })
}

// serviceState returns what the callers of a service have.
func serviceState(service route.Service, groups []Asked) api.ServiceState {
	s := api.ServiceState{Service: service.String(), State: api.StateNone, Rules: []string{}, States: map[string]int{}, Kinds: len(groups)}
	var last time.Time
	for _, g := range groups {
		s.States[g.State.State] += g.State.Callers
		s.Callers += g.State.Callers
		if rankOf(g.State.State) < rankOf(s.State) {
			s.State = g.State.State
		}
		if g.State.Rule != "" && !slices.Contains(s.Rules, g.State.Rule) {
			s.Rules = append(s.Rules, g.State.Rule)
		}
		if g.State.Last.After(last) {
			last = g.State.Last
		}
	}
	slices.Sort(s.Rules)
	if !last.IsZero() {
		s.Last = &last
	}
	return s
}

// addLoads adds the highest load of the roads of each service, of those for which somebody
// asked and whose instances do not all work (docs/design.md, 8). Callers of other names
// that read the same instances put their load on them, too.
func addLoads(w *world.World, groups []Asked, services []api.ServiceState, names map[string]route.Service) {
	read := map[*explain.Callee]bool{} // the first instance of what a listed service reads
	for _, s := range services {
		if list := w.Read(names[s.Service]); len(list) > 0 {
			read[&list[0]] = true
		}
	}
	var asking []world.Asking
	for _, g := range groups {
		if list := w.Read(g.Service); len(list) == 0 || !read[&list[0]] {
			continue
		}
		for _, addr := range g.callers() {
			a := world.Asking{Service: g.Service, Addr: addr, Callers: 1}
			if g.Callers == nil {
				a.Callers = g.State.Callers
			}
			asking = append(asking, a)
		}
	}
	loads := map[string]float64{}
	for _, road := range w.Loads(asking, workers) {
		loads[road.Service] = max(loads[road.Service], road.Times)
	}
	for n, s := range services {
		if load, ok := loads[s.Service]; ok {
			services[n].Load = &load
		}
	}
}

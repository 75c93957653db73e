package matrix

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
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
	Loads  map[string]float64 // of services, as Loads returns them; nil: not known
}

// Loads returns the highest load of the roads of each service, of those for which somebody
// asked and whose instances do not all work (docs/design.md, 8).
func Loads(w *world.World, groups []Asked) map[string]float64 {
	var asking []world.Asking
	for _, g := range groups {
		for _, addr := range g.callers() {
			asking = append(asking, world.Asking{Service: g.Service, Addr: addr, Callers: max(g.State.Callers*number(g.Callers == nil), 1)})
		}
	}
	out := map[string]float64{}
	for _, road := range w.Loads(asking, workers) {
		out[road.Service] = max(out[road.Service], road.Times)
	}
	return out
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
		if load, ok := q.Loads[s.Service]; ok {
			s.Load = &load
		}
		out.Services = append(out.Services, s)
	}
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

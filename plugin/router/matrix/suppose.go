package matrix

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Supposition is what a what-if supposes.
type Supposition struct {
	Lost     []Target // whose instances are unhealthy
	Evacuate []Target // whose instances are evacuated
	// World has other files in force, and the same instances; nil: the files stay.
	World *world.World
	Files []string // the names of these files
}

// IsEmpty reports whether nothing is supposed.
func (s Supposition) IsEmpty() bool {
	return len(s.Lost)+len(s.Evacuate) == 0 && s.World == nil
}

// Target is a place or a SET of instances.
type Target struct{ route.Evacuation }

// String returns the target as ParseTarget reads it.
func (t Target) String() string { return t.Kind() + ":" + t.Place() }

// targetKinds are the words before the colon of a target.
var targetKinds = []string{"region", "zone", "campus", "set"}

// ParseTarget reads region:R, zone:R/Z, campus:R/Z/C or set:a.b.c. The name is that of the
// parameter.
func ParseTarget(name, text string) (t Target, err error) {
	kind, place, ok := strings.Cut(text, ":")
	switch {
	case len(text) > maxFilter:
		return t, fmt.Errorf("%s has %d bytes, expected %d at most", name, len(text), maxFilter)
	case !ok || !slices.Contains(targetKinds, kind):
		return t, fmt.Errorf("%s %q is not region:R, zone:R/Z, campus:R/Z/C or set:a.b.c", name, text)
	case kind == "set":
		t.SET, err = location.ParseSET(place)
	default:
		t.Location, err = route.ParsePlace(kind, place)
	}
	if err != nil {
		return Target{}, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// hasCallee reports whether one of some targets has an instance.
func hasCallee(targets []Target, c *explain.Callee) bool {
	return slices.ContainsFunc(targets, func(t Target) bool { return t.TakesOut(c.Location, c.SET) })
}

// edit makes an instance as it is supposed.
func (s *Supposition) edit(c *explain.Callee) {
	c.Healthy = c.Healthy && !hasCallee(s.Lost, c)
	c.Evacuated = c.Evacuated || hasCallee(s.Evacuate, c)
}

// Suppose returns what callers would have, beside what they have now by the world. Groups
// are as for Now. With Query.All all kinds of callers are compared, and else those that
// asked.
func Suppose(w *world.World, groups []Asked, q Query, s Supposition) api.Matrix {
	then := w
	if s.World != nil {
		then = s.World
	}
	k := newKinds(world.KindsOf(w, then))
	survey := then.Survey(k.list)
	if len(s.Lost)+len(s.Evacuate) > 0 {
		survey = survey.WithCallees(s.edit)
	}
	registry := NewRegistry()
	c := comparison{
		now:   newCollector(registry, w.Survey(k.list), k, hasEvacuations(w)),
		then:  newCollector(registry.withNumbers(), survey, k, hasEvacuations(then) || len(s.Evacuate) > 0),
		kinds: k,
	}
	c.before, c.after = NewBuilder(q, c.now.registry), NewBuilder(q, c.then.registry)
	c.after.columns = c.before.columns
	c.whatIf = api.WhatIf{Lost: texts(s.Lost), Evacuate: texts(s.Evacuate), Files: append([]string{}, s.Files...), Changes: []api.WhatIfChange{}}
	c.compare(groups, q, w, then)
	m := c.matrix()
	m.Now = w.Now
	m.WhatIf.Warnings = warnings(w, s)
	return m
}

func texts(targets []Target) []string {
	out := []string{}
	for _, t := range targets {
		out = append(out, t.String())
	}
	return out
}

// comparison compares two worlds.
type comparison struct {
	now, then     *collector
	kinds         *kinds
	before, after *Builder
	whatIf        api.WhatIf
	changes       []change
	last          string // service with a change
}

// compare adds what callers have and would have of each service.
func (c *comparison) compare(groups []Asked, q Query, now, then *world.World) {
	groups, services := sortByService(groups)
	if q.All {
		services = slices.Concat(now.Services(), then.Services())
		slices.SortFunc(services, route.Service.Compare)
		services = slices.Compact(services)
	}
	if q.Service.Name != "" {
		services = []route.Service{q.Service}
	}
	wanted := func(service route.Service) []bool {
		if q.All {
			return nil
		}
		return c.now.wanted(groupsOf(groups, service), func(*Asked) bool { return true })
	}
	next, stop := iter.Pull(c.then.each(services, wanted))
	defer stop()
	for a := range c.now.each(services, wanted) {
		b, _ := next()
		counts := c.counts(groupsOf(groups, a.Name.Service))
		for kind := range c.kinds.list {
			if callers, ok := counts[kind]; ok || q.All {
				c.add(a, b, kind, callers)
			}
		}
	}
}

// counts returns how many callers of each kind asked, by groups of one service.
func (c *comparison) counts(groups []Asked) map[int]int {
	out := map[int]int{}
	for _, g := range groups {
		for _, addr := range g.callers() {
			kind, ok := c.kinds.at[addr]
			switch {
			case ok && g.Callers == nil:
				out[kind] += g.State.Callers
			case ok:
				out[kind]++
			}
		}
	}
	return out
}

// add adds what a kind of callers has and would have of a service.
func (c *comparison) add(a, b *answers, kind, callers int) {
	before, after := c.now.decided(a, kind, callers), c.then.decided(b, kind, callers)
	if !c.before.Add(&before) {
		return
	}
	c.after.Add(&after)
	if c.differ(a, b, kind) {
		c.note(a, b, kind, callers)
	}
}

// differ reports whether a kind of callers would have another list or another state. Kinds
// with the same answers differ alike.
func (c *comparison) differ(a, b *answers, kind int) bool {
	groups := [2]int{a.groups[kind], b.groups[kind]}
	differ, ok := a.differ[groups]
	if !ok {
		differ = listState(a, kind) != listState(b, kind) || !slices.Equal(a.members(kind), b.members(kind))
		a.differ[groups] = differ
	}
	return differ
}

// warnings says which targets have no instance.
func warnings(w *world.World, s Supposition) []string {
	out := []string{}
	for _, t := range slices.Concat(s.Lost, s.Evacuate) {
		if w.CountTakenOut(t.Evacuation) > 0 {
			continue
		}
		hint := ""
		if near, ok := strict.Nearest(t.Place(), names(w, t)); ok {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		out = append(out, fmt.Sprintf("%s %q: no instance is there%s", t.Kind(), t.Place(), hint))
	}
	return out
}

// names returns the places or SETs of instances that are of the kind of a target.
func names(w *world.World, t Target) []string {
	var out []string
	for _, service := range w.Services() {
		for _, c := range w.Callees(service) {
			if t.SET != "" {
				out = append(out, string(c.SET))
			} else if depth := t.Location.Depth(); c.Location.Depth() >= depth {
				out = append(out, c.Location.Cut(depth).String())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

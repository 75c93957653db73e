package matrix_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// What random worlds are made of.
var (
	someSETs   = []string{"", "a.b.c", "a.b.c", "a.b.d", "a.b.*", "f.b.c"}
	somePlaces = []string{",,", "r1,z1,c1", "r1,z1,c2", "r1,z2,c3", "r2,z3,c4", "r2,,"}
	someRules  = []string{"set: {}", "set: {}, nearby: {}", "nearby: {}", "set: {unknown: none}, nearby: {maxMatchLevel: zone, strict: true}", "set: {}, mode: shadow", "set: {}, nearby: {}, degrade: {minUsable: 2}", "set: {}, rollout: {percent: 50}", "set: {}, rollout: {percent: 40, by: weight}", "set: {callee: a.b.d}, onEmpty: all"}
	someCasts  = []string{"", "", "evacuate: [{zone: r1/z1, until: 2026-12-02T00:00:00Z, reason: drill}]\n", "evacuate: [{set: a.b.c, until: 2026-12-02T00:00:00Z, reason: drill}]\n"}
)

func pick(t *rapid.T, list []string, label string) string {
	return rapid.SampledFrom(list).Draw(t, label)
}

// drawRules draws the text of a routing file.
func drawRules(t *rapid.T) string {
	text := "version: 1\nrules:\n"
	for n, subject := range []string{"default/s", "default/[st]*", "default/*"} {
		if rapid.IntRange(0, 3).Draw(t, "there") > 0 || n == 0 {
			text += fmt.Sprintf("  - {name: r%d, service: %q, %s}\n", n, strings.Replace(subject, "[st]", "t", 1), pick(t, someRules, "rule"))
		}
	}
	return text + "addresses: [{service: default/lane, target: default/s, " + pick(t, []string{"set: {callee: a.b.c}", "set: {caller: a.b.d}, nearby: {}, rollout: {percent: 40, by: weight}"}, "lane") + "}]\n" + pick(t, someCasts, "evacuation")
}

func loadRules(t *rapid.T, text string) *route.Rules {
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, now, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return rules
}

// drawWorld draws a state, with callers.
func drawWorld(t *rapid.T) *world.World {
	mapping := "match,region,zone,campus,set\n10.9.0.0/16,r9,z9,c9,\n"
	for n := range 4 {
		mapping += fmt.Sprintf("10.%d.0.0/16,%s,%s\n", n+1, pick(t, somePlaces[1:], "place"), pick(t, someSETs, "set"))
	}
	var problems strict.Problems
	w := &world.World{Now: now, Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping)}}, &problems), Rules: loadRules(t, drawRules(t)), Aliases: map[route.Service]route.Service{named("alias"): named("s")}}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for n := range rapid.IntRange(0, 10).Draw(t, "instances") {
		name := pick(t, []string{"s", "s", "t", "u", "lane"}, "service")
		w.Instances = append(w.Instances, world.Instance{
			ID: fmt.Sprint(n), Service: named(name), Host: fmt.Sprintf("10.%d.0.%d", n%4+1, n), Port: 80, Healthy: rapid.IntRange(0, 2).Draw(t, "healthy") > 0,
			Weight: uint32(rapid.SampledFrom([]int{0, 100, 100}).Draw(t, "weight")), Metadata: map[string]string{location.MetaSetGroup: pick(t, someSETs, "registered")},
		})
	}
	w.AddService(named("t"), nil)
	w.Sort()
	return w
}

// drawAsked draws who asked for what, with what the world says that they have.
func drawAsked(t *rapid.T, w *world.World) (groups []matrix.Asked) {
	for n := range rapid.IntRange(0, 8).Draw(t, "groups") {
		service := named(pick(t, []string{"s", "s", "t", "u", "lane", "alias", "gone"}, "asked"))
		addr := netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(1, 5).Draw(t, "net")), 0, byte(100 + n)})
		g := matrix.Asked{Service: service, State: kindState(w, service, addr), Callers: []netip.Addr{addr}}
		if g.State.Example, g.State.Callers = addr, 1; rapid.Bool().Draw(t, "remote") {
			g.Callers, g.State.Callers = nil, rapid.IntRange(1, 5).Draw(t, "callers")
		}
		groups = append(groups, g)
	}
	w.Seen = matrix.Seen(groups)
	return groups
}

// kindState returns what a caller has of a service: the state by the survey, and the rest
// by the explanation.
func kindState(w *world.World, service route.Service, addr netip.Addr) api.KindState {
	e := w.Explain(world.Request{Addr: addr, Service: service})
	k := api.KindState{Service: service.String(), State: string(w.Survey([]world.Kind{{Addr: addr}}).Of(service).Groups[0].State)}
	if e.Rule != nil {
		k.Rule = e.Rule.Name
	}
	if e.RoutedAs != nil {
		k.Kind = explain.IdentityText(location.Identity{SET: location.SET(strings.Join(e.RoutedAs.SETs, " ")), Location: e.RoutedAs.Location})
		k.Tier, k.Level, k.Sent, k.Usable = e.Tier, e.Level, e.State().Instances, e.State().Usable
	}
	return k
}

// listedOf returns a matrix as oracle.listed does. With before it is of what is now, beside
// a what-if.
func listedOf(m api.Matrix, before bool) map[string]map[string]api.CellCounts {
	out := map[string]map[string]api.CellCounts{}
	for _, r := range m.Rows {
		states := r.States
		if before {
			states = r.Before.States
		}
		cells := map[string]api.CellCounts{"": {States: states, Callers: r.Callers, Services: r.Services, Sent: r.Kinds}}
		for _, c := range r.Cells {
			counts := &c.CellCounts
			if before {
				counts = c.Before
			}
			if counts != nil && counts.State != "nothing" {
				cells[m.Columns[c.Column].SET+"|"+m.Columns[c.Column].Place] = *counts
			}
		}
		out[r.SET+"|"+r.Place] = cells
	}
	return out
}

func drawQuery(t *rapid.T) matrix.Query {
	return matrix.Query{
		Rows:    rapid.SampledFrom([]matrix.By{matrix.ByBusiness, matrix.BySET, matrix.ByKind}).Draw(t, "rows"),
		Columns: rapid.SampledFrom([]matrix.By{matrix.ByZone, matrix.BySET, matrix.ByCampus}).Draw(t, "columns"), Limit: matrix.MaxRows,
	}
}

func withoutEvacuations(w *world.World) *world.World {
	bare := *w
	return bare.WithCallees(func(c *explain.Callee) { c.Evacuated = false })
}

// A matrix says in each cell what explanations say, caller by caller and instance by
// instance.
func TestNowIsWhatExplanationsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		groups, q := drawAsked(t, w), drawQuery(t)
		o, bare := newOracle(q), withoutEvacuations(w)
		counts := map[string]int{}
		for _, g := range groups {
			o.add(w, bare, g.Service, g.State.Example, g.State)
			counts[g.State.State] += g.State.Callers
		}
		m := matrix.Now(w, groups, q)
		if diff := gocmp.Diff(o.listed(), listedOf(m, false)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(counts, m.Counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		checkWhole(t, m)
	})
}

// checkWhole checks what the oracle does not: order, and which column is home.
func checkWhole(t *rapid.T, m api.Matrix) {
	order := func(r api.MatrixRow) int { return slices.Index(api.States, r.State) }
	if !slices.IsSortedFunc(m.Rows, func(a, b api.MatrixRow) int { return cmp.Or(order(a)-order(b), b.Callers-a.Callers) }) {
		t.Errorf("the rows are not in order: %+v", m.Rows)
	}
	for _, r := range m.Rows {
		if !slices.IsSortedFunc(r.Cells, func(a, b api.MatrixCell) int { return a.Column - b.Column }) {
			t.Errorf("the cells are not in order: %+v", r.Cells)
		}
		if r.Home >= 0 && m.Columns[r.Home].Place != r.Place && m.RowsBy != "kind" {
			t.Errorf("home of %q is %q", r.Place, m.Columns[r.Home].Place)
		}
		for _, k := range r.Worst {
			if r.States[k.State] < 1 || slices.Index(api.States, k.State) >= slices.Index(api.States, "first") {
				t.Errorf("%+v is among the worst of %+v", k, r.States)
			}
		}
	}
}

// A what-if has what is now, and what a world says in which it is so.
func TestSupposeIsWhatThatWorldSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		groups, q := drawAsked(t, w), drawQuery(t)
		s := matrix.Supposition{}
		then := *w
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			s.Lost = targets(t, "zone:r1/z1", "set:a.b.c", "region:r2", "campus:r1/z1/c2")
			then = *w.WithCallees(func(c *explain.Callee) { c.Healthy = c.Healthy && !s.Lost[0].TakesOut(c.Location, c.SET) })
		case 1:
			s.Evacuate = targets(t, "zone:r1/z1", "set:a.b.d")
			then = *w.WithCallees(func(c *explain.Callee) { c.Evacuated = c.Evacuated || s.Evacuate[0].TakesOut(c.Location, c.SET) })
		case 2:
			s.World = w.WithFiles(w.Table, loadRules(t, drawRules(t)))
			then = *s.World
		}
		before, after := newOracle(q), newOracle(q)
		bare, bareThen := withoutEvacuations(w), withoutEvacuations(&then)
		for _, g := range groups {
			count := func(k api.KindState) api.KindState { k.Callers = g.State.Callers; return k }
			before.add(w, bare, g.Service, g.State.Example, count(kindState(w, g.Service, g.State.Example)))
			after.add(&then, bareThen, g.Service, g.State.Example, count(kindState(&then, g.Service, g.State.Example)))
		}
		m := matrix.Suppose(w, groups, q, s)
		if diff := gocmp.Diff(after.listed(), listedOf(m, false)); diff != "" {
			t.Errorf("then (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(before.listed(), listedOf(m, true)); diff != "" {
			t.Errorf("now (-want +got):\n%s", diff)
		}
		checkWhole(t, m)
		checkDifference(t, w, &then, groups, m.WhatIf)
	})
}

func targets(t *rapid.T, texts ...string) []matrix.Target {
	target, err := matrix.ParseTarget("lost", pick(t, texts, "target"))
	if err != nil {
		t.Fatal(err)
	}
	return []matrix.Target{target}
}

// checkDifference counts caller by caller what changes.
func checkDifference(t *rapid.T, now, then *world.World, groups []matrix.Asked, got *api.WhatIf) {
	var want api.WhatIf
	services := map[string]bool{}
	for _, g := range groups {
		r := world.Request{Addr: g.State.Example, Service: g.Service}
		a, b := now.Explain(r), then.Explain(r)
		home := now.Identity(r.Addr).Location
		if !slices.Equal(sentOf(a), sentOf(b)) {
			want.Callers += g.State.Callers
			services[g.Service.String()] = true
		}
		if a.Sent > 0 && b.Sent == 0 {
			want.Emptied += g.State.Callers
		}
		if home.Depth() >= 2 && a.State().Usable > 0 && !leaves(a, home) && leaves(b, home) {
			want.LeaveCity += g.State.Callers
		}
	}
	figures := func(w *api.WhatIf, services int) [4]int { return [4]int{w.Callers, services, w.Emptied, w.LeaveCity} }
	if want, got := figures(&want, len(services)), figures(got, got.Services); want != got {
		t.Errorf("callers, services, emptied and leaving their city are %v, want %v", got, want)
	}
}

func leaves(e explain.Explanation, home location.Location) bool {
	return slices.ContainsFunc(e.Instances, func(i explain.Instance) bool { return i.Sent && i.Usable && i.Location.Cut(2) != home.Cut(2) })
}

func sentOf(e explain.Explanation) (out []string) {
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, fmt.Sprint(i.ID, " ", i.Weight))
		}
	}
	slices.Sort(out)
	return out
}

package view

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// roads asks for the roads of a SET, and returns them as ids.
func (f *fixture) roads(q *Query, set location.SET) (*Roads, string) {
	f.Helper()
	r, refused, err := f.store.Roads(q, Kind{Route: route.Route{Rule: f.rule, SETs: route.SETs(set)}})
	if err != nil || refused != nil {
		f.Fatal(refused, err)
	}
	var out []string
	for _, p := range r.Priorities {
		text := p.Tier + ":"
		for _, i := range p.Instances {
			text += " " + i.GetId().GetValue()
		}
		out = append(out, text)
	}
	return r, strings.Join(out, "; ")
}

// Roads are made anew when something changes on any road, though the list stands; and by
// the decision of the list.
func TestRoads(t *testing.T) {
	f := newFixture(t)
	now := time.Unix(1000, 0)
	f.store.Now = func() time.Time { return now }
	f.rule.Degrade.HoldDown = 10 * time.Second
	q := f.query("s")
	first, _ := f.roads(q, "a.b.c")
	for _, step := range []struct {
		name   string
		change func()
		want   string
		same   bool // the same pointer as before
	}{
		{"nothing", func() {}, "own: 1; pool: 3", true},
		{"another SET", func() { f.stock.set(1, "a.b.d", true, 7) }, "own: 1; pool: 3", true},
		{"the pool", func() { f.stock.set(2, "a.b.*", true, 7) }, "own: 1; pool: 3", false},
		{"the own SET is unhealthy", func() { f.stock.set(0, "a.b.c", false, 100) }, "pool: 3; own: 1", false},
		{"the own SET is healthy, and held", func() { f.stock.set(0, "a.b.c", true, 100) }, "pool: 3; own: 1", false},
		{"the hold-down ends", func() { now = now.Add(10 * time.Second) }, "own: 1; pool: 3", false},
	} {
		step.change()
		next, got := f.roads(q, "a.b.c")
		if got != step.want || (next == first) != step.same {
			t.Errorf("%s: %s, same %t, want %s, same %t", step.name, got, next == first, step.want, step.same)
		}
		if ids, _, _ := strings.Cut(got, ";"); ids[strings.Index(ids, " ")+1:] != f.ask(q, "a.b.c") {
			t.Errorf("%s: the first of %s is not the list %s", step.name, got, f.ask(q, "a.b.c"))
		}
		first = next
	}
}

// The instances of roads count among those that are kept of a service, once.
func TestRoadsAreBounded(t *testing.T) {
	f := newFixture(t)
	q := f.query("s")
	for range 2 {
		f.roads(q, "a.b.c")
		f.stock.set(2, "a.b.*", true, uint32(len(f.stock.revision)))
	}
	f.roads(q, "a.b.c")
	if n := f.store.Kept().Bytes; n != viewBytes+2*instanceBytes {
		t.Errorf("%d bytes are counted, want a view, one instance of the list and one behind it", n)
	}
	if list, _ := f.store.Asked(); len(list) != 0 {
		t.Errorf("callers are noted: %v", list)
	}
	if _, _, err := f.store.View(q, netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c"}}); err != nil || f.store.Kept().Views != 1 {
		t.Errorf("%+v, %v", f.store.Kept(), err)
	}
}

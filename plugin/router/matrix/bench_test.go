package matrix_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

var now = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

func named(name string) route.Service { return route.Service{Namespace: "default", Name: name} }

// loadWorld returns a world with files and no instances.
func loadWorld(tb testing.TB, mapping, routing string) *world.World {
	tb.Helper()
	var problems strict.Problems
	w := &world.World{
		Now:     now,
		Table:   location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping)}}, &problems),
		Rules:   route.Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, now, &problems),
		Aliases: map[route.Service]route.Service{},
	}
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return w
}

// newCompany returns 2,000 services with 20,000 instances, and 200 kinds of callers, of
// whom 5 each ask for 20 services.
func newCompany(tb testing.TB, evacuate string) (w *world.World, groups []matrix.Asked) {
	mapping := "match,region,zone,campus,set\n"
	for kind := range 200 {
		business, campus := kind/10, kind%10
		mapping += fmt.Sprintf("10.%d.%d.0/24,r%d,z%d,c%d,b%d.core.%s\n", business, campus, campus/6, campus/2, campus, business, []string{"*", "x", "y"}[kind%3])
	}
	routing := "version: 1\nrules:\n"
	for business := range 20 {
		routing += fmt.Sprintf("  - {name: b%d, service: 'default/b%d.*', set: {}, nearby: {}}\n", business, business)
	}
	w = loadWorld(tb, mapping, routing+evacuate)
	for s := range 2000 {
		service := named(fmt.Sprintf("b%d.s%d", s/5%20, s))
		w.AddService(service, nil)
		for n := range 10 {
			w.Instances = append(w.Instances, world.Instance{
				ID: fmt.Sprintf("%d-%d", s, n), Service: service, Host: fmt.Sprintf("10.%d.%d.%d", s/5%20, n, s%200+1), Port: 80, Healthy: n%4 > 0, Weight: 100,
			})
		}
		for n := range 10 { // the callers of the business, and of the next one
			addr := netip.AddrFrom4([4]byte{10, byte(s / 5 % 20), byte(n), byte(240 + s%5)})
			w.Seen = append(w.Seen, world.Seen{Addr: addr, Requests: 1})
			groups = append(groups, matrix.Asked{Service: service, State: api.KindState{Service: service.String(), State: "first", Callers: 5}, Callers: []netip.Addr{addr, addr.Next()}})
		}
	}
	w.Seen = matrix.Seen(groups)
	w.Sort()
	return w, groups
}

const benchEvacuation = "evacuate: [{zone: r0/z0, until: 2026-12-02T00:00:00Z, reason: drill}]\n"

func BenchmarkNow(b *testing.B) {
	for _, tt := range []struct {
		name, evacuate string
		q              matrix.Query
	}{
		{"asked", "", matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone}},
		{"asked, kinds by SETs", "", matrix.Query{Rows: matrix.ByKind, Columns: matrix.BySET}},
		{"asked, evacuated", benchEvacuation, matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone}},
		{"all kinds", "", matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone, All: true}},
		{"all kinds, evacuated", benchEvacuation, matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone, All: true}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			w, groups := newCompany(b, tt.evacuate)
			for b.Loop() {
				fresh := *w
				matrix.Now(&fresh, groups, tt.q)
			}
		})
	}
}

func BenchmarkSuppose(b *testing.B) {
	lost, err := matrix.ParseTarget("lost", "zone:r0/z0")
	if err != nil {
		b.Fatal(err)
	}
	for _, all := range []bool{false, true} {
		b.Run(fmt.Sprint("all ", all), func(b *testing.B) {
			w, groups := newCompany(b, "")
			for b.Loop() {
				fresh := *w
				matrix.Suppose(&fresh, groups, matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone, All: all}, matrix.Supposition{Lost: []matrix.Target{lost}})
			}
		})
	}
}

func BenchmarkServices(b *testing.B) {
	w, groups := newCompany(b, "")
	for b.Loop() {
		fresh := *w
		matrix.Services(&fresh, groups, matrix.ServiceQuery{Limit: matrix.DefaultServices})
	}
}

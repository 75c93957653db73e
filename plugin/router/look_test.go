package router

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// looked returns what a look has for a caller: the ids of the list, or what stands in its
// place.
func looked(l *Look, addr, name string) string {
	caller, _ := netip.ParseAddr(addr)
	list, err := l.Routed(caller, route.Service{Namespace: "default", Name: name})
	switch {
	case err != nil:
		return err.Error()
	case list == nil:
		return "stock"
	}
	var ids []string
	for _, i := range list.Instances {
		ids = append(ids, i.GetId().GetValue())
	}
	return strings.Join(ids, " ")
}

// A look has what Routed has, for each caller.
func TestLook(t *testing.T) {
	s, _ := newTestServer(t)
	tests := []struct{ caller, name, want string }{
		{"10.1.0.1", "s", "1"},
		{"10.1.0.2", "s", "1"},
		{"10.2.0.1", "s", "2"},
		{"10.9.0.1", "s", "1 2 3 4"},
		{"10.1.0.1", "lane", "2"},
		{"10.1.0.1", "other", "stock"},
		{"10.1.0.1", "made-up-1", "stock"},
		{"", "s", ErrNoList.Error()},
		{"", "other", "stock"},
	}
	l := s.Look("test")
	for _, tt := range tests {
		if got := looked(l, tt.caller, tt.name); got != tt.want {
			t.Errorf("%q, %s: %s, want %s", tt.caller, tt.name, got, tt.want)
		}
		caller, _ := netip.ParseAddr(tt.caller)
		list, err := s.Routed(caller, route.Service{Namespace: "default", Name: tt.name})
		var ids []string
		for _, i := range list.GetInstances() {
			ids = append(ids, i.GetId().GetValue())
		}
		if got := strings.Join(ids, " "); err == nil && list != nil && got != tt.want || (err != nil) != (tt.want == ErrNoList.Error()) {
			t.Errorf("%q, %s: Routed has %s and %v, the look %s", tt.caller, tt.name, got, err, tt.want)
		}
		roads, err := l.Roads(caller, route.Service{Namespace: "default", Name: tt.name})
		again, _ := l.Roads(caller, route.Service{Namespace: "default", Name: tt.name})
		if fmt.Sprint(err) == tt.want && roads == nil || tt.want == "stock" && roads == nil && err == nil {
			continue
		}
		ids = nil
		for _, i := range roads.Priorities[0].Instances {
			ids = append(ids, i.GetId().GetValue())
		}
		if got := strings.Join(ids, " "); got != tt.want || roads != again {
			t.Errorf("%q, %s: the first of the roads is %s, want %s", tt.caller, tt.name, got, tt.want)
		}
	}
}

// A look decides once for each kind of caller, and its callers count as callers who ask.
func TestLookDecidesOnce(t *testing.T) {
	s, stock := newTestServer(t)
	decided, identified := 0, 0
	decide := s.views.Decide
	s.views.Decide = func(r route.Route, callee *route.Callee, own []route.Instance, before route.Memory, now time.Time) (route.Decision, []route.Member, route.Memory) {
		decided++
		return decide(r, callee, own, before, now)
	}
	s.sources = []location.Source{countingSource{s.sources[0], &identified}}
	l := s.Look("test")
	for range 3 {
		for n := range 100 {
			for _, name := range []string{"s", "lane"} {
				looked(l, fmt.Sprintf("10.%d.0.%d", 1+n%2, n), name)
			}
		}
	}
	if decided != 3 || identified != 100 || stock.lists != 2 {
		t.Errorf("decided %d times, identified %d addresses, read %d lists, want 3 (two SETs, one lane address), 100, 2", decided, identified, stock.lists)
	}
	asked, _ := s.views.Asked()
	callers := map[string]int{}
	for _, a := range asked {
		callers[a.Service.Name] += len(a.Callers)
	}
	if fmt.Sprint(callers) != "map[lane:100 s:100]" {
		t.Errorf("callers who ask: %v, want 100 of each service", callers)
	}
	if got := len(s.recent.Requests()); got != 100 {
		t.Errorf("%d recent callers, want 100", got)
	}
}

type countingSource struct {
	location.Source
	count *int
}

func (c countingSource) Facts(addr netip.Addr) (location.Found, bool) {
	*c.count++
	return c.Source.Facts(addr)
}

// The next look sees what has changed.
func TestLookAfterChange(t *testing.T) {
	s, stock := newTestServer(t)
	if got := looked(s.Look("test"), "10.1.0.1", "s"); got != "1" {
		t.Fatalf("at first %s", got)
	}
	stock.cached, stock.revision = []*apiservice.Instance{stockInstance("5", "a.b.c")}, "2"
	if got := looked(s.Look("test"), "10.1.0.1", "s"); got != "5" {
		t.Errorf("after the change %s, want 5", got)
	}
}

// A fault in routing is one for each kind of caller, and what callers get then is as
// failOpen says.
func TestLookFaults(t *testing.T) {
	for failOpen, want := range map[bool]string{true: "stock", false: ErrNoList.Error()} {
		s, _ := newTestServer(t)
		s.config.FailOpen = failOpen
		builds := 0
		s.views.Decide = func(route.Route, *route.Callee, []route.Instance, route.Memory, time.Time) (route.Decision, []route.Member, route.Memory) {
			builds++
			panic("a bug")
		}
		l := s.Look("test")
		for range 3 {
			if got := looked(l, "10.1.0.1", "s"); got != want {
				t.Errorf("failOpen %v: %s, want %s", failOpen, got, want)
			}
		}
		s.names.services = func() cachetypes.ServiceCache { panic("another bug") }
		if got := looked(s.Look("test"), "10.1.0.1", "s"); got != want {
			t.Errorf("failOpen %v, names: %s, want %s", failOpen, got, want)
		}
		if builds != 1 {
			t.Errorf("%d faults for three callers of a kind, want 1", builds)
		}
	}
}

// Without rules every list is the stock one, with its revision.
func TestLookWithoutRules(t *testing.T) {
	s, _ := newTestServer(t)
	s.names.revision = func(string) string { return "7" }
	name := route.Service{Namespace: "default", Name: "s"}
	routed := s.Look("test").StockRevision(name)
	s.rules = nil
	if got := looked(s.Look("test"), "10.1.0.1", "s"); got != "stock" {
		t.Errorf("without rules: %s", got)
	}
	if got := s.Look("test").StockRevision(name); got != "7" || routed != "7" {
		t.Errorf("stock revision %q, with rules %q, want 7", got, routed)
	}
	if got := len(s.StockList(name).GetInstances()); got != 4 {
		t.Errorf("the stock list has %d instances, want 4", got)
	}
	if got := s.Look("test").StockRevision(route.Service{Namespace: "default", Name: "none"}); got != "" {
		t.Errorf("stock revision of what is no service: %q", got)
	}
}

// In shadow the list is the stock one, and the decision is noted.
func TestLookInShadow(t *testing.T) {
	s, _ := newTestServer(t)
	rules := rulesOf(t, "rules: [{name: r, service: default/s, set: {}, mode: shadow}]")
	s.rules = func() *route.Rules { return rules }
	if got := looked(s.Look("test"), "10.1.0.1", "s"); got != "stock" {
		t.Errorf("in shadow: %s", got)
	}
	if asked, _ := s.views.Asked(); len(asked) != 1 || asked[0].State != route.StateShadow {
		t.Errorf("callers who ask: %+v, want one in shadow", asked)
	}
}

// 100,000 subscribers of one look, in 1,350 kinds of callers of one service, where nothing
// has changed.
func BenchmarkLook(b *testing.B) {
	const subscribers = 100_000
	s, _ := newBenchServer(b, 10_000, 50)
	s.names.revision = func(string) string { return "1" }
	name := route.Service{Namespace: "default", Name: "s"}
	addrs := make([]netip.Addr, 0, 50*campuses)
	for set := range 50 {
		for campus := range campuses {
			addrs = append(addrs, netip.AddrFrom4([4]byte{10, byte(set >> 8), byte(set), byte(1 + campus)}))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		l := s.Look("test")
		for n := range subscribers {
			if list, err := l.Routed(addrs[n%len(addrs)], name); list == nil || err != nil {
				b.Fatal(list, err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*subscribers), "ns/subscriber")
}

// rulesOf loads a routing file.
func rulesOf(t *testing.T, text string) *route.Rules {
	t.Helper()
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + text)}}, time.Now(), &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return rules
}

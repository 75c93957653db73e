package view

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// recentText returns who asked for what, one kind a line.
func (f *fixture) recentText(service route.Service, addr netip.Addr) string {
	list, _ := f.store.Recent(service, addr)
	var lines []string
	for _, r := range list {
		var callers []string
		for _, c := range r.Callers {
			callers = append(callers, fmt.Sprintf("%s %d %v", c.Addr, c.Requests, f.store.Now().Sub(c.Last).Round(time.Second)))
		}
		lines = append(lines, fmt.Sprintf("%s rule %q kind %q %s: %s", r.Service, r.Rule, r.Kind, r.State, strings.Join(callers, ", ")))
	}
	return strings.Join(lines, "\n")
}

// Callers are remembered for a while after they count no more, without their view; names
// stay.
func TestRecent(t *testing.T) {
	f := newFixture(t)
	now := time.Now()
	f.store.Now = func() time.Time { return now }
	all, nobody := route.Service{}, netip.Addr{}
	service := func(name string) route.Service { return route.Service{Namespace: "default", Name: name} }
	check := func(when, want, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s, got\n%s\nwant\n%s", when, got, want)
		}
	}
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1", "10.0.0.2", "10.0.0.1")
	f.askAs("t", f.rule, "a.b.c", "10.0.0.1")
	f.store.NoteStock(f.query("u"), netip.MustParseAddr("10.0.0.3"), nil)
	const sFirst = `default/s rule "r" kind "a.b.c in -" first: 10.0.0.1 2 0s, 10.0.0.2 1 0s`
	check("at once", sFirst+`
default/t rule "r" kind "a.b.c in -" first: 10.0.0.1 1 0s
default/u rule "" kind "" stock: 10.0.0.3 1 0s`, f.recentText(all, nobody))
	check("of a service", sFirst, f.recentText(service("s"), nobody))
	check("of an address", `default/s rule "r" kind "a.b.c in -" first: 10.0.0.1 2 0s
default/t rule "r" kind "a.b.c in -" first: 10.0.0.1 1 0s`, f.recentText(all, netip.MustParseAddr("10.0.0.1")))
	check("of nobody", "", f.recentText(service("v"), nobody))

	now = now.Add(AskedWithin + time.Second)
	f.store.Prune()
	f.askAs("s", f.rule, "a.b.c", "10.0.0.2")
	check("who asks no more has no state", `default/s rule "r" kind "a.b.c in -" : 10.0.0.1 2 2m1s
default/s rule "r" kind "a.b.c in -" first: 10.0.0.2 2 0s
default/t rule "r" kind "a.b.c in -" : 10.0.0.1 1 2m1s
default/u rule "" kind "" : 10.0.0.3 1 2m1s`, f.recentText(all, nobody))
	if v, _ := f.store.asked.services.Load(service("t")); v != nil {
		last, _ := v.(*askedName).callers.Load(netip.MustParseAddr("10.0.0.1"))
		if last.(*lastAsked).got.Load().list.Load() != nil {
			t.Error("the view of a caller that asks no more is kept")
		}
	}
	now = now.Add(RememberFor - time.Minute)
	f.store.Prune()
	check("who asked long ago is forgotten", `default/s rule "r" kind "a.b.c in -" : 10.0.0.2 2 14m0s`, f.recentText(all, nobody))
	for name, want := range map[string]string{"s": "14m0s", "t": "16m1s", "u": "16m1s", "v": "never"} {
		got := "never"
		if at, ok := f.store.LastAsked(service(name)); ok {
			got = now.Sub(at).Round(time.Second).String()
		}
		if got != want {
			t.Errorf("%s was asked for %s ago, want %s", name, got, want)
		}
	}
	f.store.asked.names = maxNames + 1
	f.store.Prune()
	if _, ok := f.store.LastAsked(service("t")); ok {
		t.Error("more names than the bound are remembered")
	}
	if _, ok := f.store.LastAsked(service("s")); !ok {
		t.Error("a name with callers is forgotten")
	}
}

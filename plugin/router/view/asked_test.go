package view

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// askAs asks for a service as callers of a kind.
func (f *fixture) askAs(service string, rule *route.Rule, set string, addrs ...string) {
	f.Helper()
	for _, addr := range addrs {
		if _, _, err := f.store.View(f.query(service), netip.MustParseAddr(addr), Kind{Route: route.Route{Rule: rule, SETs: route.SETs(set)}}); err != nil {
			f.Fatal(err)
		}
	}
}

// asked returns who asked for what, one kind a line.
func (f *fixture) askedText() string {
	f.Helper()
	list, _ := f.store.Asked()
	var lines []string
	for _, a := range list {
		name := "-"
		if a.Rule != nil {
			name = a.Rule.Name
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s %s %d/%d %v", a.Service, name, a.Kind.SETs, a.State, a.Tier, a.Usable, a.Sent, a.Callers))
	}
	return strings.Join(lines, "\n")
}

// Callers count for the service and kind that they ask for, with what they have now.
func TestAsked(t *testing.T) {
	f := newFixture(t)
	now := time.Now()
	f.store.Now = func() time.Time { return now }
	f.rule.SET.Unknown = route.UnknownNone
	shadow, all := *f.rule, *f.rule
	shadow.Name, shadow.Shadow = "shadow", true
	all.Name, all.OnEmptyAll, all.SET = "all", true, &route.SETStage{Tiers: []route.Tier{route.TierOwn, route.TierUnset}}
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1", "10.0.0.2")
	f.askAs("s", f.rule, "a.b.q", "10.0.0.3")
	f.askAs("s", f.rule, "a.q.q", "10.0.0.4")
	f.askAs("s", f.rule, "", "10.0.0.5")
	open := *f.rule
	open.Name, open.SET = "open", &route.SETStage{Tiers: f.rule.SET.Tiers, Unknown: route.UnknownAll}
	f.askAs("s", &open, "", "10.0.0.8")
	f.askAs("s", &shadow, "a.b.c", "10.0.0.6")
	f.askAs("t", &all, "a.b.q", "10.0.0.1")
	f.store.NoteStock(f.query("u"), netip.MustParseAddr("10.0.0.1"), nil)
	f.store.NoteStock(f.query("u"), netip.Addr{}, nil)
	f.askAs("s", f.rule, "x.y.z", "10.0.0.7")
	f.stock.set(3, "x.y.z", false, 100)
	f.askAs("s", f.rule, "x.y.z", "10.0.0.7")
	const want = `default/s open : stock  4/4 [10.0.0.8]
default/s r : unknown  0/0 [10.0.0.5]
default/s r a.b.c: first own 1/1 [10.0.0.1 10.0.0.2]
default/s r a.b.q: widened pool 1/1 [10.0.0.3]
default/s r a.q.q: empty  0/0 [10.0.0.4]
default/s r x.y.z: unusable own 0/1 [10.0.0.7]
default/s shadow a.b.c: shadow own 1/1 [10.0.0.6]
default/t all a.b.q: empty  0/0 [10.0.0.1]
default/u - : stock  0/0 [10.0.0.1]`
	if got := f.askedText(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	now = now.Add(AskedWithin)
	f.store.NoteStock(f.query("s"), netip.MustParseAddr("10.0.0.1"), f.rule) // out of the rollout by now
	f.askAs("s", f.rule, "a.b.c", "10.0.0.3")                                // of another kind by now
	now = now.Add(time.Second)
	f.store.Prune()
	const later = `default/s r : stock  0/0 [10.0.0.1]
default/s r a.b.c: first own 1/1 [10.0.0.3]`
	if got := f.askedText(); got != later {
		t.Errorf("two minutes later, got\n%s\nwant\n%s", got, later)
	}
	now = now.Add(RememberFor)
	f.store.Prune()
	if n := f.store.asked.count.Load(); n != 0 {
		t.Errorf("%d callers are remembered", n)
	}
}

// A caller has what it was given, until it asks again.
func TestAskedIsWhatCallersHave(t *testing.T) {
	f := newFixture(t)
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1", "10.0.0.2")
	f.stock.set(0, "a.b.c", false, 100)
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1")
	const want = `default/s r a.b.c: first own 1/1 [10.0.0.2]
default/s r a.b.c: widened pool 1/1 [10.0.0.1]`
	if got := f.askedText(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// More callers than are remembered are not counted, and the list says so.
func TestAskedIsBounded(t *testing.T) {
	f := newFixture(t)
	f.store.asked.count.Store(maxAsked - 1)
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1", "10.0.0.2", "10.0.0.1")
	list, complete := f.store.Asked()
	if complete || len(list) != 1 || !slices.Equal(list[0].Callers, []netip.Addr{netip.MustParseAddr("10.0.0.1")}) {
		t.Errorf("%v, complete %t", list, complete)
	}
	f.store.Prune()
	f.askAs("s", f.rule, "a.b.c", "10.0.0.2")
	if list, complete := f.store.Asked(); !complete || len(list[0].Callers) != 2 {
		t.Errorf("%v, complete %t", list, complete)
	}
	q := f.query("invented")
	q.Kept = false
	f.store.NoteStock(q, netip.MustParseAddr("10.0.0.1"), nil)
	kind := Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c", Location: location.Location{}}}
	if _, _, err := f.store.View(q, netip.MustParseAddr("10.0.0.1"), kind); err != nil {
		t.Fatal(err)
	}
	if list, _ := f.store.Asked(); len(list) != 1 {
		t.Errorf("names that clients invent are remembered: %v", list)
	}
}

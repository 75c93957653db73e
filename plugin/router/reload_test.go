package router

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// A reload that changes one mapping entry, or one rule, gives nobody else
// another revision: no other client fetches anything.
func TestReloadsConcernNobodyElse(t *testing.T) {
	const kinds = 30
	s, stock := newTestServer(t)
	stock.cached = nil
	for n := range 4 * kinds {
		stock.cached = append(stock.cached, stockInstance(fmt.Sprintf("10.9.0.%d", n), fmt.Sprintf("a.b.c%d", n%kinds)))
	}
	mapping := func(moved int) string {
		out := "match,set\n"
		for k := range kinds {
			set := k
			if k == moved {
				set = k + 1
			}
			out += fmt.Sprintf("10.%d.0.0/16,a.b.c%d\n", 100+k, set)
		}
		return out
	}
	rules := func(other int) string {
		out := "version: 1\nrules:\n"
		for k := range kinds {
			tiers := "own, pool"
			if k == other {
				tiers = "own, siblings"
			}
			out += fmt.Sprintf("  - {name: r%d, service: default/s, when: {ip: [10.%d.0.0/16]}, set: {tiers: [%s]}, degrade: {minUsable: 5}}\n", k, 100+k, tiers)
		}
		return out
	}
	load := func(csv, yaml string) {
		var problems strict.Problems
		table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(csv)}}, &problems)
		inForce := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(yaml)}}, time.Now(), &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		s.table, s.rules = func() *location.Table { return table }, func() *route.Rules { return inForce }
		s.sources = []location.Source{location.TableSource{Table: s.table}}
	}
	have := make([]string, kinds)
	fetched := func() (who []string) {
		for k := range kinds {
			resp, got := get(s, fmt.Sprintf("10.%d.0.1", 100+k), "s", have[k])
			if strings.HasPrefix(got, "200000 ") {
				have[k] = resp.Service.Revision.GetValue()
				who = append(who, fmt.Sprint(k))
			}
		}
		return who
	}
	load(mapping(-1), rules(-1))
	if n := len(fetched()); n != kinds {
		t.Fatalf("%d callers have a list, want all", n)
	}
	for _, step := range []struct {
		name, csv, yaml, want string
	}{
		{"the same files again", mapping(-1), rules(-1), ""},
		{"one mapping entry", mapping(3), rules(-1), "3"},
		{"one rule", mapping(3), rules(7), "7"},
		{"both back", mapping(-1), rules(-1), "3 7"},
	} {
		load(step.csv, step.yaml)
		if got := strings.Join(fetched(), " "); got != step.want {
			t.Errorf("%s: callers %q fetch a list, want %q", step.name, got, step.want)
		}
	}
}

// idleTicks is after how many calls of Prune package view forgets.
const idleTicks = 12

// What a kind of caller holds outlasts a reload of the routing files, where its
// rule has the same tiers and levels, and a minute in which nobody asks does not.
func TestHoldDownOutlastsReloads(t *testing.T) {
	begin := time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)
	s, stock := newTestServer(t)
	load := func(yaml string) {
		var problems strict.Problems
		inForce := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(yaml)}}, begin, &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		s.rules = func() *route.Rules { return inForce }
	}
	revision := 1
	healthy := func(is bool) { // the caller's own instance
		for n, i := range stock.cached {
			if i.Id.GetValue() == "1" {
				c := *i
				c.Healthy = wrapperspb.Bool(is)
				stock.cached[n] = &c
			}
		}
		revision++
		stock.revision = fmt.Sprint(revision)
	}
	const (
		rule   = "{name: r, service: default/s, set: {}}"
		same   = "version: 1\nrules:\n - " + rule
		edited = "version: 1\nrules:\n - {name: new, service: default/other, set: {}}\n - {name: r, service: default/s, set: {}, rollout: {percent: 99.5}}\n" +
			"evacuate: [{set: x.y.z, until: 2029-01-01T01:00:00Z}]"
		roads = "version: 1\nrules: [{name: r, service: default/s, set: {tiers: [own, pool, siblings]}}]"
		limit = "version: 1\nrules: [{name: r, service: default/s, set: {}, degrade: {unhealthyPercent: 90}}]"
		empty = "version: 1\nrules: [{name: r, service: default/s, set: {}, onEmpty: all}]"
		bound = "version: 1\nrules: [{name: r, service: default/s, set: {unknown: none}}]"
		asSET = "version: 1\nrules: [{name: r, service: default/s, set: {caller: '{caller.set|alias}'}}]\naliases: {A: B}"
		names = "version: 1\nrules: [{name: q, service: default/s, set: {}}]"
	)
	for _, test := range []struct {
		name    string
		reloads []string
		ticks   int
		after   time.Duration
		want    string
	}{
		{"the same files", []string{same}, 0, time.Second, "pool"},
		{"other rules and an evacuation", []string{edited}, 0, time.Second, "pool"},
		{"two reloads between two requests", []string{edited, same}, idleTicks / 2, time.Second, "pool"},
		{"the hold-down is over", []string{edited}, 0, route.DefaultHoldDown, "own"},
		{"other tiers", []string{roads}, 0, time.Second, "own"},
		{"another threshold", []string{limit}, 0, time.Second, "own"},
		{"another onEmpty", []string{empty}, 0, time.Second, "own"},
		{"another unknown", []string{bound}, 0, time.Second, "own"},
		{"another SET to route as", []string{asSET}, 0, time.Second, "own"},
		{"another name", []string{names}, 0, time.Second, "own"},
		{"nobody asks for a minute", []string{same}, idleTicks + 1, time.Second, "own"},
		{"the same, with reloads in it", []string{same, same, same}, idleTicks/2 + 1, time.Second, "own"},
	} {
		now := begin
		s.views = view.NewStore(func() time.Time { return now }, view.Pods{}, 1<<30)
		ask := func(want string) {
			t.Helper()
			if _, got := get(s, "10.1.0.1", "s", ""); got != map[string]string{"own": "200000 1", "pool": "200000 3"}[want] {
				t.Errorf("%s: %s, want the instances of %s", test.name, got, want)
			}
		}
		load(same)
		healthy(false)
		ask("pool")
		healthy(true)
		ask("pool")
		for _, yaml := range test.reloads {
			load(yaml)
			for range test.ticks {
				get(s, "10.2.0.1", "s", "") // another kind of caller, who brings the rules into force
				s.views.Prune()
			}
			get(s, "10.2.0.1", "s", "")
		}
		now = now.Add(test.after)
		ask(test.want)
	}
}

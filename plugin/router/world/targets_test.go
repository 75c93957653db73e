package world_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Of a lane address whose target is no service, check, plan and the status warn, and say
// what its callers get.
func TestWarnOfTargets(t *testing.T) {
	const set = ", set: {callee: qb.novel.z}}]"
	for _, tt := range []struct {
		name, addresses string
		want            []string
	}{
		{"a service with instances", "[{service: default/lane, target: default/near" + set, nil},
		{"a service without instances", "[{service: default/lane, target: default/empty" + set, nil},
		{"an alias of a service", "[{service: default/lane, target: default/alias" + set, nil},
		{"no service", "[{service: default/lane, target: default/nothing" + set, []string{
			`r.yaml:2:13: warning: address "default/lane": its target "default/nothing" is no service: callers are told that there is no such service (400202)`}},
		{"an alias of nothing", "[{service: default/lane, target: default/dangling" + set, []string{
			`r.yaml:2:13: warning: address "default/lane": its target "default/dangling" is no service: callers are told that there is no such service (400202)`}},
		{"no service, and the address is one", "[{service: default/s, target: default/naer" + set, []string{
			`r.yaml:2:13: warning: address "default/s": its target "default/naer" is no service: callers get the whole list of the service "default/s" itself, with every SET; did you mean "default/near"?`}},
		{"no service, and the address is an alias of one", "[{service: default/alias, target: default/nothing" + set, []string{
			`r.yaml:2:13: warning: address "default/alias": its target "default/nothing" is no service: callers get the whole list of the service "default/alias" itself, with every SET`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "addresses: "+tt.addresses)
			w.AddService(service2("empty"), nil)
			w.Aliases = map[route.Service]route.Service{service2("alias"): service2("s"), service2("dangling"): service2("gone")}
			for name, warn := range map[string]func(*strict.Problems){
				"the status":     w.WarnOfTargets,
				"check --server": func(problems *strict.Problems) { w.Warn(problems) },
				"plan": func(problems *strict.Problems) {
					for _, p := range world.NewPlan(w, w).Warnings {
						problems.Add(p)
					}
				},
			} {
				var problems strict.Problems
				warn(&problems)
				var got []string
				for _, p := range problems.List() {
					got = append(got, p.String())
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// Of an evacuation of a SET that nothing has, check, plan and the status warn.
func TestWarnOfEvacuations(t *testing.T) {
	evacuate := func(set string) string { return "evacuate: [{set: \"" + set + "\", until: 2026-11-25T00:00:00Z}]" }
	for _, tt := range []struct {
		name, routing   string
		offline, online []string
	}{
		{"of the mapping", evacuate("qb.novel.h"), nil, nil},
		{"of an instance", evacuate("ams.x.y"), []string{
			`r.yaml:2:1: warning: evacuation of set "ams.x.y": no mapping entry has that SET; only instances that register it themselves are taken out`}, nil},
		{"of nothing", evacuate("qb.nove.h"), []string{
			`r.yaml:2:1: warning: evacuation of set "qb.nove.h": no mapping entry has that SET; only instances that register it themselves are taken out; did you mean "qb.novel.h"?`}, []string{
			`r.yaml:2:1: warning: evacuation of set "qb.nove.h": no mapping entry and no instance has that SET; did you mean "qb.novel.h"?`}},
		{"of a place", "evacuate: [{zone: east/nj, until: 2026-11-25T00:00:00Z}]", nil, nil},
		{"of no place", "evacuate: [{zone: \"east/*\", until: 2026-11-25T00:00:00Z}]", []string{
			`r.yaml:2:1: warning: evacuation of zone "east/*": no mapping entry has that zone; only instances that register it themselves are taken out; did you mean "east/nj"?`}, []string{
			`r.yaml:2:1: warning: evacuation of zone "east/*": no mapping entry and no instance has that zone; did you mean "east/nj"?`}},
		{"of a region in another case", "evacuate: [{region: South, until: 2026-11-25T00:00:00Z}]", []string{
			`r.yaml:2:1: warning: evacuation of region "South": no mapping entry has that region; only instances that register it themselves are taken out; did you mean "south"?`}, []string{
			`r.yaml:2:1: warning: evacuation of region "South": no mapping entry and no instance has that region; did you mean "south"?`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.routing)
			var offline, online strict.Problems
			w.Rules.WarnEvacuated(w.Table, nil, &offline)
			w.Warn(&online)
			for _, got := range []struct {
				problems strict.Problems
				want     []string
			}{{offline, tt.offline}, {online, tt.online}} {
				var lines []string
				for _, p := range got.problems.List() {
					lines = append(lines, p.String())
				}
				if diff := cmp.Diff(got.want, lines); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	var problems strict.Problems
	w := newWorld(t, evacuate("qb.novel.h"))
	w.Instances = w.Instances[:1]
	w.WarnOfEvacuations(&problems)
	if got := fmt.Sprint(problems.List()); got != `[r.yaml:2:1: warning: evacuation of set "qb.novel.h": no instance has that SET]` {
		t.Errorf("of the mapping, without an instance: %s", got)
	}
	problems = strict.Problems{}
	w = newWorld(t, evacuate("a.b.c"))
	if w.Rules.WarnEvacuated(nil, nil, &problems); len(problems.List()) > 0 {
		t.Errorf("%v, want nothing where no SET is known", problems.List())
	}
}

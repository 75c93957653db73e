package world_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Of services that are half-way to SETs, and of registered SETs that break the naming,
// check --server warns once.
func TestWarnOfSETs(t *testing.T) {
	const naming = "naming: {segments: [b, a, g], values: {b: [qb]}}\n"
	for _, tt := range []struct {
		name, routing string
		want          []string
	}{
		{"without unset", `rules: [{name: a, service: "default/*", set: {}}]`, []string{
			`r.yaml:2:9: warning: rule "a": of the instances of "default/half" 1 have a SET and 2 have none, and tiers lack unset: callers of the SETs there never get those without, and 2 other services are like it`}},
		{"a rule for some callers, and one for the others", `rules: [{name: a, service: default/half, when: {set: "qb.*"}, set: {}}, {name: b, service: default/half, set: {tiers: [own, unset]}}, {name: c, service: default/half, set: {}}]`, []string{
			`r.yaml:2:9: warning: rule "a": of the instances of "default/half" 1 have a SET and 2 have none, and tiers lack unset: callers of the SETs there never get those without`}},
		{"with unset", `rules: [{name: a, service: "default/*", set: {tiers: [own, pool, unset]}}]`, nil},
		{"with all", `rules: [{name: a, service: "default/*", set: {tiers: [own, all]}}]`, nil},
		{"a callee", `rules: [{name: a, service: "default/*", set: {callee: qb.novel.h}}]`, nil},
		{"no SET stage", `rules: [{name: a, service: "default/*", nearby: {}}]`, nil},
		{"no rule", "rules: []", nil},
		{"naming", naming, []string{
			`default/s: warning: the instance at 10.3.0.1 registered a SET: SET name "ams.x.y" breaks the naming of r.yaml:2: b "ams" is not listed, expected one of qb; 1 other registered SET breaks it`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.routing)
			w.Instances = append(w.Instances,
				instance("half", "10.77.0.1", "qb.novel.h", true), instance("half", "10.77.0.2", "", true), instance("half", "10.77.0.3", "", true),
				instance("twin", "10.77.0.1", "ams.x.z", true), instance("twin", "10.77.0.2", "", true), instance("none", "10.77.0.2", "", true))
			var problems strict.Problems
			w.WarnOfSETs(&problems)
			var got []string
			for _, p := range problems.List() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

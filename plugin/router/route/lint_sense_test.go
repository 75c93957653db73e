package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// lintCase is a mapping and a routing file, and the warnings in one of them.
type lintCase struct {
	name, mapping, routing string
	want                   []string
}

// lint checks the warnings in the routing file.
func lint(t *testing.T, tt lintCase) {
	t.Helper()
	lintOf(t, tt, "r.yaml")
}

// lintOf checks the warnings in a file.
func lintOf(t *testing.T, tt lintCase, file string) {
	t.Helper()
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1\n" + tt.mapping)}}, &problems)
	rules := Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + tt.routing)}}, today, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	rules.Lint(table, &problems)
	var got []string
	for _, p := range problems.List() {
		if p.File == file {
			got = append(got, p.String())
		}
	}
	if diff := cmp.Diff(tt.want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// Of what loads, and means something else than it seems to, check warns.
func TestLintSense(t *testing.T) {
	rule := func(s string) string { return "rules: [{name: r, service: d/s, " + s + "}]" }
	stages := func(key string) []string {
		return []string{`r.yaml:2:9: warning: rule "r" has ` + key + `, and neither set nor nearby: its callers get every instance; is set: {} missing?`}
	}
	for _, tt := range []lintCase{
		{"a rollout of nothing", "", rule("set: {}, rollout: {}"), []string{
			`r.yaml:2:51: warning: the rollout has no percent, and is 100 percent, expected percent: 0 to 100`}},
		{"a rollout without percent", "", rule("set: {}, rollout: {by: weight}"), []string{
			`r.yaml:2:51: warning: the rollout has no percent, and is 100 percent, expected percent: 0 to 100`}},
		{"a rollout of an address without percent", "", "addresses: [{service: d/a, target: d/s, set: {callee: a.b.c}, rollout: {by: caller}}]", []string{
			`r.yaml:2:72: warning: the rollout has no percent, and is 100 percent, expected percent: 0 to 100`}},
		{"a rollout of 100", "", rule("set: {}, rollout: {percent: 100}"), nil},
		{"order without stages", "", rule("order: [nearby, set]"), stages("order")},
		{"degrade without stages", "", rule("degrade: {minUsable: 2}"), stages("degrade")},
		{"onEmpty without stages", "", rule("onEmpty: all"), stages("onEmpty")},
		{"shadow without stages", "", rule("mode: shadow"), stages("mode: shadow")},
		{"rollout without stages", "", rule("rollout: {percent: 1}"), stages("rollout")},
		{"no stages and nothing for them", "", rule("mode: enforce"), nil},
		{"defaults do not count as keys of the rule", "", "defaults: {onEmpty: all, degrade: {minUsable: 2}}\n" + strings.Replace(rule("mode: enforce"), ", mode: enforce", "", 1), nil},
		{"an alias that is no segment", "", `aliases: {c: "x.y", d: "x y", p: "*", s: x.y.z, g: h}`, []string{
			`r.yaml:2:14: warning: alias "c" is "x.y", which is no segment of a SET name: a template with it counts as empty there`,
			`r.yaml:2:24: warning: alias "d" is "x y", which is no segment of a SET name: a template with it counts as empty there`}},
	} {
		t.Run(tt.name, func(t *testing.T) { lint(t, tt) })
	}
}

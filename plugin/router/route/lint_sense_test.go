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

// A condition that no caller can meet is warned of, and so is a service that nobody can
// ask for.
func TestLintNever(t *testing.T) {
	const topology = "topology: {R1: {Z1: [C1, C2], Z2: [C3]}, R2: {Z3: [C4]}}"
	const mapping = `mappings:
  - {match: 10.1.0.1, region: R1, zone: Z1, campus: C1}
  - {match: 10.1.0.2, region: R1, zone: Z2, campus: C3}
  - {match: 10.1.0.3, region: R2, zone: Z3}
  - {match: 10.1.0.4, region: R2, zone: Z3, campus: C9}`
	when := func(s string) string { return "rules: [{name: r, service: d/s, when: {" + s + "}, nearby: {}}]" }
	never := func(why string) []string { return []string{`r.yaml:2:9: warning: rule "r" can never match: ` + why} }
	for _, tt := range []lintCase{
		{"a literal of two segments", "", when("set: a.b"), never(`SET name "a.b" has 2 segments, expected three: business.area.group`)},
		{"a literal with a blank", "", when("set: a.b.c d"), never(`SET name "a.b.c d": segment "c d" is not 1 to 64 letters, digits, '_' or '-'`)},
		{"a literal", "", when("set: a.b.c"), nil},
		{"a pool", "", when(`set: "a.b.*"`), nil},
		{"a glob over dots", "", when(`set: "a*"`), nil},
		{"any SET", "", when(`set: "*"`), nil},
		{"a glob with two dots too many", "", when(`set: "a.*.b.c.d"`), never(`when.set "a.*.b.c.d" has 4 dots, and a SET name has two: business.area.group`)},
		{"a glob with a blank", "", when(`set: "a .*"`), never(`when.set "a .*" has "a ", and a SET name has letters, digits, '_' and '-' between its dots`)},
		{"a glob of one segment", "", when(`set: "a?b"`), never(`when.set "a?b" has no room for two dots, and a SET name has two: business.area.group`)},
		{"a glob with room for the dots", "", when(`set: "a?b?c"`), nil},
		{"a glob with an empty segment", "", when(`set: "a..*"`), never(`when.set "a..*" has an empty segment, and a SET name has none`)},
		{"a glob that begins with a dot", "", when(`set: ".b.*"`), never(`when.set ".b.*" has an empty segment, and a SET name has none`)},
		{"a campus of the region", topology, when("region: R1, campus: C3"), nil},
		{"a campus of another region", topology, when("region: R2, campus: C3"), never(`campus "C3" is in zone "R1/Z2", not in region "R2"`)},
		{"a campus that is nowhere, in a region", topology, when("region: R2, campus: C5"), never(`campus "C5" is not in the topology, in region "R2"; did you mean "C4"?`)},
		{"a campus of another zone", topology, when("zone: Z1, campus: C3"), never(`campus "C3" is in zone "R1/Z2", not in zone "Z1"`)},
		{"a campus of another zone of the region", topology, when("region: R1, zone: Z1, campus: C3"), never(`campus "C3" is in zone "R1/Z2", not in zone "Z1"`)},
		{"a zone of another region", topology, when("region: R2, zone: Z1"), never(`zone "Z1" is in region "R1", not in "R2"`)},
		{"a campus that is nowhere, in a zone", topology, when("zone: Z3, campus: C5"), never(`campus "C5" is not in the topology, in zone "Z3"; did you mean "C4"?`)},
		{"without topology, a campus of the region", mapping, when("region: R1, campus: C3"), nil},
		{"without topology, a campus of another region", mapping, when("region: R2, campus: C3"), never(`the mapping has campus "C3" in "R1/Z2" only, not in "R2"`)},
		{"without topology, a campus of another zone", mapping, when("zone: Z1, campus: C3"), never(`the mapping has campus "C3" in "R1/Z2" only, not in "Z1"`)},
		{"without topology, a zone of another region", mapping, when("region: R2, zone: Z1"), never(`the mapping has zone "Z1" in "R1" only, not in "R2"`)},
		{"without topology, a campus that is nowhere", mapping, when("region: R2, campus: C5"), nil},
		{"without topology, a campus of an unknown zone", mapping, when("region: R2, zone: Z3, campus: C9"), nil},
		{"a service with a blank behind it", "", `rules: [{name: r, service: "d/s ", nearby: {}}]`, []string{
			`r.yaml:2:9: warning: rule "r": "s " in a service has blanks at an end, and no service in Polaris has them, expected "s"`}},
		{"services with blanks", "", `rules: [{name: r, service: [d/s, " d/a*", {namespace: d, name: "\tx"}], nearby: {}}]`, []string{
			`r.yaml:2:9: warning: rule "r": " d" in a service has blanks at an end, and no service in Polaris has them, expected "d"`,
			`r.yaml:2:9: warning: rule "r": "\tx" in a service has blanks at an end, and no service in Polaris has them, expected "x"`}},
		{"an address with blanks", "", `addresses: [{service: "d /a", target: "d/s ", set: {callee: a.b.c}}]`, []string{
			`r.yaml:2:13: warning: address "d /a": "d " in a service has blanks at an end, and no service in Polaris has them, expected "d"`,
			`r.yaml:2:13: warning: address "d /a": "s " in a service has blanks at an end, and no service in Polaris has them, expected "s"`}},
		{"an empty part", "", `rules: [{name: r, service: "d/ ", nearby: {}}]`, []string{
			`r.yaml:2:9: warning: rule "r": " " in a service is empty but for blanks, and no service in Polaris has such a name`}},
	} {
		t.Run(tt.name, func(t *testing.T) { lint(t, tt) })
	}
}

// A map without a first road for the others gives them nothing.
func TestLintNoFirstRoad(t *testing.T) {
	rule := func(s string) string {
		return "places: {m: {r: [all], \"*\": []}, o: {\"*\": [all]}}\nrules: [{name: r, service: d/s, " + s + "}, {name: q, service: d/q, nearby: {places: m}}, {name: o, service: d/o, nearby: {places: o}}]"
	}
	const first = `r.yaml:3:9: warning: rule "r": matchLevel "none" leaves the first road to map "m", and its "*" is empty: callers with a place that it does not list get an empty list`
	for _, tt := range []lintCase{
		{"nearby", "", rule("nearby: {matchLevel: none, places: m}"), []string{first + `, and callers without a place get every instance`}},
		{"set and nearby", "", rule("set: {}, nearby: {matchLevel: none, places: m}"), []string{first + `, and callers without a place get every instance of their tiers`}},
		{"strict", "", rule("nearby: {matchLevel: none, places: m, strict: true}"), []string{first + `, and callers without a place get every instance`}},
		{"onEmpty all", "", rule("nearby: {matchLevel: none, places: m}, onEmpty: all"), nil},
		{"a map with a road", "", rule("nearby: {matchLevel: none, places: o}"), nil},
		{"with a first road", "", rule("nearby: {places: m}"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { lint(t, tt) })
	}
}

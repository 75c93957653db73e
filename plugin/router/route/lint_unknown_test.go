package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// One warning says that rules give callers of whom nothing is known every business.
func TestLintUnknown(t *testing.T) {
	const sets = `
mappings:
  - {match: 10.1.0.0/16, region: south, zone: sz, set: qb.novel.z}
  - {match: 10.3.0.0/16, region: east, zone: sh, set: ams.SH.1}`
	const others = `
  - {match: 10.2.0.0/16, region: south, zone: gz}
  - {match: 10.4.0.0/16, region: east, zone: sh, labels: {x: y}}`
	const remedy = "; defaults: {set: {unknown: none}} gives such callers nothing"
	const stranger = "instances of every business to callers of whose SET nothing is known: whoever is in no mapping entry" + remedy
	for _, tt := range []struct{ name, mapping, routing, want string }{
		{"one rule", sets, "rules: [{name: r, service: d/s, set: {}}]", `r.yaml:2:9: warning: rule "r" gives ` + stranger},
		{"many rules and addresses", sets, "rules: [{name: p, service: d/s}, {name: q, service: d/s, nearby: {}}, {name: r, service: d/*, set: {}}, {name: s, service: d/t, set: {}}]\naddresses: [{service: d/a, target: d/s, set: {caller: \"{caller.set}\"}}]",
			`r.yaml:2:71: warning: rule "r" and 2 other rules give ` + stranger},
		{"an address", sets, `addresses: [{service: d/a, target: d/s, set: {caller: "{caller.label.x}.y.z"}}]`,
			`r.yaml:2:13: warning: address "d/a" gives instances of every business to callers of whose SET nothing is known: 2 kinds of callers in the mapping, as qb.novel.z at south/sz` + remedy},
		{"callers of the mapping", sets + others, "rules: [{name: q, service: d/q, when: {region: north}, set: {}}, {name: r, service: d/s, set: {}}]",
			`r.yaml:2:66: warning: rule "r" and 1 other rule give instances of every business to callers of whose SET nothing is known: 2 kinds of callers in the mapping, as those without a SET at south/gz` + remedy},
		{"some callers of the mapping", sets + others, `rules: [{name: r, service: d/s, when: {region: east}, set: {caller: "{caller.set.1}.x.h"}}]`,
			`r.yaml:2:9: warning: rule "r" gives instances of every business to callers of whose SET nothing is known: 1 kind of callers in the mapping, as those without a SET at east/sh` + remedy},
		{"a SET that is known of each caller", sets + others, `rules: [{name: a, service: d/a, when: {set: "qb.*"}, set: {caller: "{caller.set.1}.x.y"}}, {name: b, service: d/b, set: {caller: "qb.{caller.set.2}.h"}}, {name: c, service: d/c, set: {caller: qb.novel.h}}, {name: d, service: d/d, set: {callee: ams.SH.1}}]`, ""},
		{"a label is not known of a caller whose SET fits", sets, `rules: [{name: a, service: d/a, when: {set: "qb.*"}, set: {caller: "{caller.label.x}.x.y"}}]`,
			`r.yaml:2:9: warning: rule "a" gives instances of every business to callers of whose SET nothing is known: 1 kind of callers in the mapping, as qb.novel.z at south/sz` + remedy},
		{"a callee with fields has a warning of its own", sets, `addresses: [{service: d/a, target: d/s, set: {callee: "{caller.set.1}.SH.1"}}]`, ""},
		{"none", sets + others, "defaults: {set: {unknown: none}}\nrules: [{name: r, service: d/s, set: {}}]", ""},
		{"unset", sets + others, "rules: [{name: r, service: d/s, set: {unknown: unset}}]", ""},
		{"one business", "\nmappings:\n  - {match: 10.1.0.0/16, set: qb.novel.z}\n  - {match: 10.3.0.0/16, set: qb.comic.1}" + others, "rules: [{name: r, service: d/s, set: {}}]", ""},
		{"no mapping", "", "rules: [{name: r, service: d/s, set: {}}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1" + tt.mapping)}}, &problems)
			rules := Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + tt.routing)}}, today, &problems)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			rules.LintUnknown(table, &problems)
			var got []string
			for _, p := range problems.List() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var problems strict.Problems
	(*Rules)(nil).LintUnknown(nil, &problems)
	if problems.Err() != nil || len(problems.List()) != 0 {
		t.Error(problems.List())
	}
}

// Businesses are counted by the first segment; no SET is no business.
func TestBusinesses(t *testing.T) {
	for want, sets := range map[int][]location.SET{
		0: {"", ""}, 1: {"", "qb.novel.h", "qb.comic.*"}, 3: {"qb.novel.h", "ams.SH.1", "", "q.b.c", "qb.novel.z", "ams.SH.2"},
	} {
		instances := make([]Instance, len(sets))
		for n, set := range sets {
			instances[n].SET = set
		}
		if got := NewCallee(instances).Businesses(); got != want {
			t.Errorf("%q: %d, want %d", sets, got, want)
		}
	}
}

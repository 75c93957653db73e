package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

func TestLint(t *testing.T) {
	const pool = `rules: [{name: p, service: default/p, set: {}}]`
	tests := []struct {
		name    string
		mapping string // CSV rows of match,set
		routing string
		want    []string
	}{
		{"nothing", "", "", nil},
		{"a pool and none", "10.0.0.1,a.b.c\n10.0.0.2,a.b.*\n10.0.0.3,a.d.e\n10.0.0.4,a.d.f", pool,
			[]string{`m.csv:4:1: warning: SET "a.d.e" has no pool: no mapping entry has "a.d.*", the failover that rule "p" has for it`}},
		{"no pool, without routing files", "10.0.0.1,a.b.c", "", []string{`m.csv:2:1: warning: SET "a.b.c" has no pool: no mapping entry has "a.b.*"`}},
		{"no rule comes to the pool", "10.0.0.1,a.b.c", `rules: [{name: p, service: default/p, set: {tiers: [own]}}, {name: q, service: default/q, when: {set: "x.*"}, set: {}}]`, nil},
		{"misspelt", "10.0.0.1,qb.novel.*\n10.0.0.2,qb.nvel.*\n10.0.0.3,qb.novle.*\n10.0.0.4,qb.novel.h\n10.0.0.5,qb.novel.z", pool, []string{
			`m.csv:3:1: warning: SET "qb.nvel.*": area "nvel" is one letter apart from "novel" of m.csv:2; are they the same?`,
			`m.csv:4:1: warning: SET "qb.novle.*": area "novle" is one letter apart from "novel" of m.csv:2; are they the same?`}},
		{"misspelt elsewhere is another name", "10.0.0.1,qb.novel.*\n10.0.0.2,ams.nvel.*", pool, nil},
		{"naming", "10.0.0.1,a.b.*\n10.0.0.2,x.b.*", "naming: {segments: [b, a, g], values: {b: [a]}}\n" + pool,
			[]string{`m.csv:3:1: warning: SET name "x.b.*" breaks the naming of r.yaml:2: b "x" is not listed, expected one of a`}},
		{"hidden rule", "", `rules: [{name: p, service: default/*, when: {region: r}, set: {}}, {name: q, service: [default/a, "default/b.*"], when: {region: r, zone: z}, set: {}}, {name: s, service: default/a, set: {}}]`,
			[]string{`r.yaml:2:68: warning: rule "q" can never match: rule "p" in r.yaml:2 comes first and matches all that it does`}},
		{"rule for an address", "", `{rules: [{name: p, service: default/a, set: {}}], addresses: [{service: default/a, target: default/b, set: {callee: a.b.c}}]}`,
			[]string{`r.yaml:2:9: warning: rule "p" can never match: a lane address, as "default/a", is its own rule`}},
		{"no such place", "", `rules: [{name: p, service: default/a, when: {region: sout}, set: {}}]`,
			[]string{`r.yaml:2:9: warning: rule "p" can never match: region "sout" is not in the topology; did you mean "south"?`}},
		{"tier that is empty", "10.0.0.1,ams.SH.*\n10.0.0.2,set.SH.*", `{aliases: {SH: h}, rules: [{name: p, service: default/a, set: {callee: ams.SH.1, tiers: [own, pool, unset]}}], addresses: [{service: default/l, target: default/b, set: {callee: ams.SH.*}}]}`,
			[]string{`r.yaml:2:27: warning: rule "p": no mapping entry has a SET of tier "own" of "ams.SH.1"; only instances that register one themselves can fill it`}},
		{"template that gives nobody a SET", "10.0.0.1,set.SH.*", `rules: [{name: p, service: default/a, set: {caller: "qb.novel.{caller.region}"}}]`,
			[]string{`r.yaml:2:9: warning: rule "p": the template gives no caller of the mapping a SET, and callers without one are not kept apart`}},
		{"tier of a composed SET", "10.0.0.1,set.SH.*\n10.0.0.2,qb.novel.*", `{aliases: {SH: h}, rules: [{name: p, service: default/a, when: {set: "set.*"}, set: {caller: "qb.{caller.set.2|alias}.x", tiers: [siblings, business]}}]}`,
			[]string{`r.yaml:2:27: warning: rule "p": no mapping entry has a SET of tier "siblings" of "qb.h.x"; only instances that register one themselves can fill it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			files := []strict.File{
				{Name: "m.csv", Data: []byte("match,set\n" + tt.mapping)},
				{Name: "t.yaml", Data: []byte("version: 1\ntopology: {south: {sz: []}, r: {z: []}}")},
			}
			table := location.LoadMapping(files, &problems)
			var rules *Rules
			if tt.routing != "" {
				routing := "version: 1\n" + tt.routing
				if strings.HasPrefix(tt.routing, "{") { // one line in flow form
					routing = "{version: 1,\n" + tt.routing[1:]
				}
				rules = Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, today, &problems)
			}
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			rules.Lint(table, &problems)
			var got []string
			for _, p := range problems.List() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneLetterApart(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"core", "cor", true}, {"core", "coer", true}, {"query", "quary", true}, {"Core", "core", true}, {"novel", "nnovel", true}, {"novel", "nove1", true}, {"c0re", "core", true},
		{"core", "core", false}, {"h", "z", false}, {"bj", "nj", false}, {"core", "query", false}, {"gray1", "gray2", false},
		{"gray", "gray2", false}, {"sh-a", "sh-b", false}, {"core", "corexx", false}, {"north", "south", false}, {"ab", "ba", false},
	} {
		if oneLetterApart(tt.a, tt.b) != tt.want || oneLetterApart(tt.b, tt.a) != tt.want {
			t.Errorf("%s and %s: want %t", tt.a, tt.b, tt.want)
		}
	}
}

// What a pattern covers, it matches: never the other way round.
func TestGlobCovers(t *testing.T) { rapid.Check(t, globCovers) }

func globCovers(t *rapid.T) {
	wide := newGlob(rapid.StringMatching(`[a.*?]{0,5}`).Draw(t, "wide"))
	narrow := newGlob(rapid.StringMatching(`[a.*?]{0,5}`).Draw(t, "narrow"))
	text := rapid.StringMatching(`[ab.*]{0,6}`).Draw(t, "text")
	if wide.covers(narrow) && narrow.match(text) && !wide.match(text) {
		t.Fatalf("%q covers %q, which alone matches %q", string(wide.text), string(narrow.text), text)
	}
}

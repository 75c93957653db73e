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
		{"no rule comes to the pool", "10.0.0.1,a.b.c", `rules: [{name: p, service: default/p, set: {tiers: [own]}}, {name: q, service: default/q, when: {set: "x.*"}, set: {}}, {name: z, service: default/*}]`, nil},
		{"misspelt", "10.0.0.1,qb.novel.*\n10.0.0.2,qb.nvel.*\n10.0.0.3,qb.novle.*\n10.0.0.4,qb.novel.*\n10.0.0.5,qb.novel.*\n10.0.0.6,qb.novel.*\n10.0.0.7,qb.novel.*", pool, []string{
			`m.csv:3:1: warning: SET "qb.nvel.*": area "nvel" looks like "novel" of SET "qb.novel.*", m.csv:2: "o" is missing; are they the same?`,
			`m.csv:4:1: warning: SET "qb.novle.*": area "novle" looks like "novel" of SET "qb.novel.*", m.csv:2: "le" is not "el"; are they the same?`}},
		{"misspelt by four of five", "10.0.0.1,qb.novel.*\n10.0.0.2,qb.nvel.*\n10.0.0.4,qb.novel.*\n10.0.0.5,qb.novel.*\n10.0.0.6,qb.novel.*", pool, nil},
		{"misspelt elsewhere is another name", "10.0.0.1,qb.novel.*\n10.0.0.2,ams.nvel.*", pool, nil},
		{"naming", "10.0.0.1,a.b.*\n10.0.0.2,x.b.*", "naming: {segments: [b, a, g], values: {b: [a]}}\n" + pool,
			[]string{`m.csv:3:1: warning: SET name "x.b.*" breaks the naming of r.yaml:2: b "x" is not listed, expected one of a`}},
		{"hidden rule", "", `rules: [{name: p, service: default/*, when: {region: r}, set: {}}, {name: q, service: [default/a, "default/b.*"], when: {region: r, zone: z}, set: {}}, {name: s, service: default/a, set: {}}]`,
			[]string{
				`r.yaml:2:9: warning: rule "p" is for some callers only, and no further rule is for the others, who get every SET of the service`,
				`r.yaml:2:68: warning: rule "q" can never match: rule "p" in r.yaml:2 comes first and matches all that it does`}},
		{"a last rule by the service's metadata is not for the others", "", `rules: [{name: p, service: default/a, when: {set: "a.*"}, set: {}}, {name: q, service: default/a, when: {serviceMetadata: {k: v}}, nearby: {}}]`,
			[]string{`r.yaml:2:9: warning: rule "p" is for some callers only, and no further rule is for the others, who get every SET of the service`}},
		{"callers of the mapping whom only the service's metadata would keep apart", "10.0.0.1,b.b.*", `rules: [{name: p, service: default/a, when: {set: "a.*"}, set: {}}, {name: q, service: default/a, when: {serviceMetadata: {k: v}}, nearby: {}}]`,
			[]string{`r.yaml:2:9: warning: rule "p" is for some callers only, and no further rule is for the others, who get every SET of the service: 1 kind of callers in the mapping, as b.b.*`}},
		{"rule for an address", "", `{rules: [{name: p, service: default/a, set: {}}], addresses: [{service: default/a, target: default/b, set: {callee: a.b.c}}]}`,
			[]string{`r.yaml:2:9: warning: rule "p" can never match: a lane address, as "default/a", is its own rule`}},
		{"texts with two slashes", "", `{rules: [{name: p, service: [team/x/pay, d/s, {namespace: team, name: x/pay}], nearby: {}}, {name: g, service: "team/*/x/*", nearby: {}}, {name: h, service: d/s/, nearby: {}}],
  addresses: [{service: team/x/lane, target: team/x/a/b, set: {callee: a.b.c}}, {service: {namespace: team/x, name: lane}, target: {namespace: team/x, name: a}, set: {callee: a.b.c}}]}`, []string{
			`r.yaml:2:29: warning: service "team/x/pay" is the name "x/pay" in namespace "team"; a namespace with a slash is written {namespace: team/x, name: pay}, and this service {namespace: team, name: x/pay}`,
			`r.yaml:2:111: warning: service "team/*/x/*" is the name "*/x/*" in namespace "team"; a namespace with a slash is written {namespace: "team/*/x", name: "*"}, and this service {namespace: team, name: "*/x/*"}`,
			`r.yaml:3:25: warning: service "team/x/lane" is the name "x/lane" in namespace "team"; a namespace with a slash is written {namespace: team/x, name: lane}, and this service {namespace: team, name: x/lane}`,
			`r.yaml:3:46: warning: service "team/x/a/b" is the name "x/a/b" in namespace "team"; a namespace with a slash is written {namespace: team/x/a, name: b}, and this service {namespace: team, name: x/a/b}`}},
		{"no such place", "", `rules: [{name: p, service: default/a, when: {region: sout}, set: {}}]`,
			[]string{`r.yaml:2:9: warning: rule "p" can never match: region "sout" is not in the topology; did you mean "south"?`}},
		{"tier that is empty", "10.0.0.1,ams.SH.*\n10.0.0.2,set.SH.*", `{aliases: {SH: h}, rules: [{name: p, service: default/a, set: {callee: ams.SH.1, tiers: [own, pool, unset]}}], addresses: [{service: default/l, target: default/b, set: {callee: ams.SH.*}}]}`,
			[]string{`r.yaml:2:27: warning: rule "p": no mapping entry has a SET of tier own of "ams.SH.1"; only instances that register one themselves can fill it`}},
		{"template of a business that the mapping does not have", "10.0.0.1,set.SH.*", `rules: [{name: p, service: default/a, set: {caller: "qb.novel.{caller.region}"}}]`, nil},
		{"template that gives nobody a whole SET", "10.0.0.1,qb.read.*", `rules: [{name: p, service: default/a, set: {caller: "qb.novel.{caller.region}"}}]`,
			[]string{`r.yaml:2:9: warning: rule "p": no mapping entry has a SET of tier own, pool of "qb.novel.*"; only instances that register one themselves can fill it`}},
		{"tier of a composed SET", "10.0.0.1,set.SH.*\n10.0.0.2,qb.novel.*", `{aliases: {SH: h}, rules: [{name: p, service: default/a, when: {set: "set.*"}, set: {caller: "qb.{caller.set.2|alias}.x", tiers: [siblings, business]}}, {name: z, service: default/a}]}`,
			[]string{`r.yaml:2:27: warning: rule "p": no mapping entry has a SET of tier siblings of "qb.h.x"; only instances that register one themselves can fill it`}},
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

// The warnings of roads, maps and callers who are not kept apart: one for a rule or map.
func TestLintRoads(t *testing.T) {
	const topology = `
topology: {south: {sz: [sz-1], gz: []}, east: {sh: []}, north: {bj: []}}`
	const places = `
mappings:
  - {match: 10.1.0.0/16, region: south, zone: sz}
  - {match: 10.2.0.0/16, region: south, zone: gz}
  - {match: 10.3.0.0/16, region: east, zone: sh}`
	const sets = places + `
  - {match: 10.1.0.1, set: qb.novel.z}
  - {match: 10.2.0.1, set: qb.novel.g}
  - {match: 10.3.0.1, set: "qb.novel.*"}`
	const ams = `
  - {match: 10.3.0.2, set: "ams.SH.*"}`
	const pure = `
mappings:
  - {match: 10.1.0.1, set: "qb.novel.*"}
  - {match: 10.3.0.2, set: "ams.SH.*"}`
	tests := []struct {
		name, mapping, routing string
		want                   []string
	}{
		{"roads end before the pool", sets, `rules: [{name: r, service: d/s, set: {}, nearby: {maxMatchLevel: region, strict: true}}]`, []string{
			`r.yaml:2:9: warning: rule "r": roads end before the pool for 2 kinds of callers in the mapping, as qb.novel.z at south/sz: the mapping has "qb.novel.*" at east/sh only`}},
		{"a map ends before the pool", sets, "places: {m: {\"*\": [region], south/gz: [east]}}\n" + `rules: [{name: r, service: d/s, set: {}, nearby: {places: m}}]`, []string{
			`r.yaml:3:9: warning: rule "r": roads end before the pool for 1 kind of callers in the mapping, as qb.novel.z at south/sz: the mapping has "qb.novel.*" at east/sh only`}},
		{"a map without a road here", sets, "places: {m: {south/sz: [], \"*\": [east]}}\n" + `rules: [{name: r, service: d/s, set: {}, nearby: {matchLevel: none, places: m}}]`, []string{
			`r.yaml:3:9: warning: rule "r": roads end before the pool for 1 kind of callers in the mapping, as qb.novel.z at south/sz: the mapping has "qb.novel.*" at east/sh only`}},
		{"callers known less than a strict rule needs", sets, `rules: [{name: r, service: d/s, set: {}, nearby: {matchLevel: campus, maxMatchLevel: campus, strict: true}}]`, nil},
		{"roads that reach the pool", sets, `rules: [{name: r, service: d/s, set: {}, nearby: {}}, {name: own, service: d/t, set: {tiers: [own]}, nearby: {maxMatchLevel: zone, strict: true}}]`, nil},
		{"roads of a SET of its own", sets, `rules: [{name: r, service: d/s, set: {caller: qb.novel.g}, nearby: {maxMatchLevel: zone, strict: true}}]`, []string{
			`r.yaml:2:9: warning: rule "r": roads end before the pool for 4 kinds of callers in the mapping, as those without a SET at south/sz: the mapping has "qb.novel.*" at east/sh only`}},
		{"known down to maxMatchLevel", places, `rules: [{name: r, service: d/s, nearby: {maxMatchLevel: zone}}]`, nil},
		{"some not known down to maxMatchLevel", places, `rules: [{name: r, service: d/s, nearby: {matchLevel: campus, maxMatchLevel: campus}}]`, []string{
			`r.yaml:2:9: warning: rule "r": maxMatchLevel "campus" does not bound callers whose campus is not known: they go on to wider levels; with strict: true they get an empty list: 3 kinds of callers in the mapping, as those without a SET at south/sz`}},
		{"not known down to maxMatchLevel", "", `rules: [{name: r, service: d/s, nearby: {maxMatchLevel: region}}]`, []string{
			`r.yaml:2:9: warning: rule "r": maxMatchLevel "region" does not bound callers whose region is not known: they go on to wider levels; with strict: true they get an empty list`}},
		{"one business is no other", sets, `rules: [{name: r, service: d/s, set: {}}]`, nil},
		{"every caller has a SET", pure, `rules: [{name: r, service: d/s, set: {}}]`, nil},
		{"a callee with fields", sets + ams, `{addresses: [{service: d/a, target: d/s, set: {callee: "qb.novel.{caller.zone}"}}, {service: d/b, target: d/s, set: {callee: "qb.novel.{caller.zone}", unknown: none, tiers: [pool]}}]}`, []string{
			`r.yaml:2:13: warning: address "d/a": callee "qb.novel.{caller.zone}" has fields, and with unknown: all a caller without them gets more than that SET, expected unknown: none or unset`}},
		{"a label that was several segments", pure, `rules: [{name: r, service: d/s, set: {caller: "{caller.label.set}"}}]`, []string{
			`r.yaml:2:9: warning: rule "r": template "{caller.label.set}" has 1 segment, and a label is one segment: a value with dots counts as empty, so no caller gets a whole SET by it, expected three segments`}},
		{"for some callers only", pure, `rules: [{name: r, service: d/s, when: {set: "qb.*"}, set: {}}, {name: q, service: [d/s, d/t], when: {labels: {lane: gray}}, set: {}}]`, []string{
			`r.yaml:2:64: warning: rule "q" is for some callers only, and no further rule is for the others, who get every SET of the service: 2 kinds of callers in the mapping, as qb.novel.*`}},
		{"for each caller of the mapping", pure, `rules: [{name: r, service: d/s, when: {set: "qb.*"}, set: {}}, {name: q, service: d/s, when: {set: "ams.*"}, set: {}}]`, nil},
		{"for addresses only", pure, `rules: [{name: r, service: d/s, when: {ip: 10.0.0.0/8}, set: {}}]`, []string{
			`r.yaml:2:9: warning: rule "r" is for some callers only, and no further rule is for the others, who get every SET of the service`}},
		{"an exception for addresses is not for the others", pure, `rules: [{name: x, service: d/*, when: {ip: 10.9.0.0/24}}, {name: r, service: d/s, when: {set: "qb.*"}, set: {}}]`, []string{
			`r.yaml:2:59: warning: rule "r" is for some callers only, and no further rule is for the others, who get every SET of the service: 1 kind of callers in the mapping, as ams.SH.*`}},
		{"by the console's switch, and then without stages", pure, `rules: [{name: r, service: d/s, when: {serviceMetadata: {lanes: "on"}}, set: {}}, {name: q, service: d/s, when: {set: "qb.*"}, set: {}}, {name: p, service: d/s}]`, nil},
		{"a rule behind one with another condition", pure, `rules: [{name: r, service: d/s, when: {serviceMetadata: {lanes: "on"}}, set: {}}, {name: q, service: d/s, when: {serviceMetadata: {lanes: "on", x: y}}, set: {}}]`, []string{
			`r.yaml:2:83: warning: rule "q" can never match: rule "r" in r.yaml:2 comes first and matches all that it does`}},
		{"a map of other places", places, "places: {m: {east: [wst, wst/x], nort/bj: [wst], \"*\": [all]}}\n" + `rules: [{name: r, service: d/s, nearby: {places: m}}]`, []string{
			`r.yaml:2:10: warning: map "m" has 3 places that no entry of the mapping says, as "wst"`}},
		{"a map outside the topology", topology, "places: {m: {east: [wst, south/zs], \"*\": [south/zs]}}\n" + `rules: [{name: r, service: d/s, nearby: {places: m}}]`, []string{
			`r.yaml:2:21: warning: map "m" has "wst": region "wst" is not in the topology; did you mean "east"?`,
			`r.yaml:2:26: warning: map "m" has "south/zs": zone "zs" is not in the topology, in region "south", expected one of gz, sz`}},
		{"a map that does not list places", places, "places: {m: {south/sz: [all], east/sh/sh-1: []}}\n" + `rules: [{name: r, service: d/s, nearby: {places: m}}]`, []string{
			`r.yaml:2:10: warning: map "m" has 1 place that no entry of the mapping says, as "east/sh/sh-1"`,
			`r.yaml:2:10: warning: map "m" has no "*", and does not list 2 places of the mapping, as "south/gz": callers there have no road out`}},
		{"a map that no rule uses", "", "places: {m: {south: [east]}}", []string{`r.yaml:2:10: warning: map "m" is used by no rule`}},
		{"roads behind all", "", "places: {m: {south: [east, all, south, region], \"*\": [[east, all], south], east: [all]}}\n" + `rules: [{name: r, service: d/s, nearby: {places: m}}, {name: q, service: d/q, nearby: {places: m, matchLevel: all}}]`, []string{
			`r.yaml:2:10: warning: map "m" has 3 roads behind "all", as "south": nobody comes to a road behind every instance`,
			`r.yaml:3:55: warning: rule "q": matchLevel "all" has every place, so that nobody comes to the roads of map "m" behind it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1" + tt.mapping)}}, &problems)
			routing := "version: 1\n" + tt.routing
			if strings.HasPrefix(tt.routing, "{") {
				routing = "{version: 1,\n" + tt.routing[1:]
			}
			rules := Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, today, &problems)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			rules.Lint(table, &problems)
			var got []string
			for _, p := range problems.List() {
				if got = append(got, p.String()); p.File != "r.yaml" {
					got = got[:len(got)-1] // pools, and names
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// A place of a map outside the topology stops a load that knows the mapping: once for a
// place and map.
func TestCheckPlaces(t *testing.T) {
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1\ntopology: {华南: {ap-shenzhen: [ap-shenzhen-2]}}")}}, &problems)
	rules, fault := load(t, `{version: 1, places: {
  cities: {华南/ap-shenzen: [all],
    "*": [华南/ap-shenzhen/ap-shenzhen-2, [华南, 华男]]},
  others: {华南: [华南/ap-shenzen, 华南/ap-shenzen]}}}`)
	if fault != "" {
		t.Fatal(fault)
	}
	(*Rules)(nil).CheckPlaces(table, &problems)
	rules.CheckPlaces(nil, &problems)
	rules.CheckPlaces(table, &problems)
	want := `a.yaml:2:12: map "cities" has "华南/ap-shenzen": zone "ap-shenzen" is not in the topology, in region "华南"; did you mean "ap-shenzhen"?
a.yaml:3:46: map "cities" has "华男": region "华男" is not in the topology; did you mean "华南"?
a.yaml:4:17: map "others" has "华南/ap-shenzen": zone "ap-shenzen" is not in the topology, in region "华南"; did you mean "ap-shenzhen"?`
	if diff := cmp.Diff(want, problems.Err().Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
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

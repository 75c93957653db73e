package route

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// today is when these tests load their files.
var today = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func load(t testing.TB, files ...string) (*Rules, string) {
	t.Helper()
	var problems strict.Problems
	var list []strict.File
	for i, text := range files {
		list = append(list, strict.File{Name: string(rune('a'+i)) + ".yaml", Data: []byte(text)})
	}
	rules := Load(list, today, &problems)
	if err := problems.Err(); err != nil {
		if rules != nil {
			t.Error("rules returned beside faults")
		}
		return nil, err.Error()
	}
	return rules, ""
}

func TestLoadRefuses(t *testing.T) {
	rule := func(s string) string {
		return "version: 1\nrules:\n  - {name: r, service: default/s, " + s + "}\n"
	}
	evacuate := func(s string) string { return "version: 1\nevacuate:\n  - {" + s + "}\n" }
	address := func(s string) string { return "version: 1\naddresses:\n  - {" + s + "}\n" }
	tests := []struct {
		name string
		in   []string
		want string // the whole message
	}{
		{"empty file", []string{""}, `a.yaml: is empty; delete the file or give it content`},
		{"comments only", []string{"# nothing\n"}, `a.yaml: has comments only; delete the file or give it content`},
		{"binary", []string{"version: 1\x00"}, `a.yaml: is not a text file: byte 10 is zero`},
		{"no version", []string{"rules: []"}, `a.yaml:1:1: key "version" is missing, expected version: 1`},
		{"other version", []string{"version: 2"}, `a.yaml:1:10: found version "2", expected 1: the only version that this program knows`},
		{"two documents", []string{"version: 1\n---\nversion: 1\n"}, `a.yaml:2:1: a second YAML document starts here, expected one document in a file; move it to a file of its own`},
		{"unknown key", []string{"version: 1\nrulez: []"}, `a.yaml:2:1: unknown key "rulez"; did you mean "rules"?`},
		{"unknown key in a rule", []string{rule("onempty: all")}, `a.yaml:3:35: unknown key "onempty"; did you mean "onEmpty"?`},
		{"wrong type", []string{"version: 1\nrules: {}"}, `a.yaml:2:8: found keys and values, expected a list`},
		{"no name", []string{"version: 1\nrules: [{service: a/b}]"}, `a.yaml:2:9: the rule has no name, expected name: some-name, unique across all files`},
		{"no service", []string{"version: 1\nrules: [{name: r}]"}, `a.yaml:2:9: the rule has no service, expected service: namespace/name`},
		{"service without namespace", []string{"version: 1\nrules: [{name: r, service: s}]"}, `a.yaml:2:28: service "s" is not namespace/service, as default/server-b or default/*`},
		{"name twice in two files", []string{rule("set: {}"), rule("set: {}")}, `b.yaml:3:12: rule name "r" is given twice, first in a.yaml:3`},
		{"SET of two segments", []string{rule("set: {callee: a.b}")}, `a.yaml:3:49: SET name "a.b" has 2 segments, expected three: business.area.group`},
		{"SET of four segments", []string{rule("set: {callee: a.b.c.d}")}, `a.yaml:3:49: SET name "a.b.c.d" has 4 segments, expected three: business.area.group`},
		{"star in the first segment", []string{rule(`set: {callee: "*.b.c"}`)}, `a.yaml:3:49: SET name "*.b.c" has "*" in segment 1, expected it in the third only`},
		{"holdDown without a unit", []string{rule("degrade: {holdDown: 10}")}, `a.yaml:3:55: holdDown "10" is no time from 0s to 1h, as 10s`},
		{"holdDown too long", []string{rule("degrade: {holdDown: 2h}")}, `a.yaml:3:55: holdDown "2h" is no time from 0s to 1h, as 10s`},
		{"unknown tier", []string{rule("set: {tiers: [own, pol]}")}, `a.yaml:3:54: found "pol"; did you mean "pool"?`},
		{"empty tiers", []string{rule("set: {tiers: []}")}, `a.yaml:3:48: the list of tiers is empty, expected one or more of own, pool, siblings, business, unset, all`},
		{"tier twice", []string{rule("set: {tiers: [own, own]}")}, `a.yaml:3:54: tier "own" is given twice, expected each once`},
		{"caller and callee", []string{rule("set: {caller: a.b.c, callee: a.b.d}")}, `a.yaml:3:64: caller and callee are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several`},
		{"set without a value", []string{"version: 1\nrules:\n  - name: r\n    service: a/b\n    set:\n"}, `a.yaml:5:9: found nothing, expected keys and values, or {} for the defaults`},
		{"unknown level", []string{rule("nearby: {matchLevel: town}")}, `a.yaml:3:56: found "town", expected one of all, region, zone, campus, none`},
		{"maxMatchLevel narrower", []string{rule("nearby: {matchLevel: region, maxMatchLevel: zone}")}, `a.yaml:3:79: maxMatchLevel "zone" is narrower than matchLevel "region", expected the same or wider: campus, zone, region, all`},
		{"percent above 100", []string{rule("rollout: {percent: 100.01}")}, `a.yaml:3:54: found percent 100.01, expected 0 to 100 in steps of 0.01`},
		{"percent negative", []string{rule("rollout: {percent: -1}")}, `a.yaml:3:54: found percent -1, expected 0 to 100 in steps of 0.01`},
		{"percent too fine", []string{rule("rollout: {percent: 0.001}")}, `a.yaml:3:54: found percent 0.001, expected 0 to 100 in steps of 0.01`},
		{"percent as text", []string{rule("rollout: {percent: half}")}, `a.yaml:3:54: found "half", expected a number`},
		{"unhealthyPercent", []string{rule("degrade: {unhealthyPercent: 101}")}, `a.yaml:3:63: found "101", expected a whole number from 1 to 100`},
		{"template with unknown field", []string{rule(`set: {caller: "a.b.{caller.city}"}`)}, `a.yaml:3:49: template "a.b.{caller.city}": unknown field "{caller.city}", expected one of {caller.set} {caller.set.1} {caller.set.2} {caller.set.3} {caller.region} {caller.zone} {caller.campus} {caller.label.<key>}, with |alias before the } where it maps`},
		{"template not closed", []string{rule(`set: {caller: "a.b.{caller.zone"}`)}, `a.yaml:3:49: template "a.b.{caller.zone": "{" without "}"`},
		{"template of two segments", []string{rule(`set: {caller: "a.{caller.zone}"}`)}, `a.yaml:3:49: template "a.{caller.zone}" can never give a SET name: with samples, SET name "a.x" has 2 segments, expected three: business.area.group`},
		{"alias missing", []string{rule(`set: {caller: "a.b.{caller.zone|alias}"}`)}, `a.yaml:3:49: the template uses |alias, but no file has aliases: {from: to}`},
		{"alias with two meanings", []string{"version: 1\naliases: {SH: h}", "version: 1\naliases: {SH: s}"}, `b.yaml:2:11: alias "SH" is "s" here and "h" in a.yaml:2, expected one meaning`},
		{"bad when.ip", []string{rule("when: {ip: [10.1.2.3/16]}")}, `a.yaml:3:47: prefix "10.1.2.3/16" has host bits set; did you mean "10.1.0.0/16"?`},
		{"address without set", []string{address("service: d/a, target: d/b")}, `a.yaml:3:5: the address has no set, expected set: {callee: business.area.group}`},
		{"address without callee", []string{address("service: d/a, target: d/b, set: {}")}, `a.yaml:3:38: the address has no callee, expected set: {callee: business.area.group}, or caller: or callers:`},
		{"address to itself", []string{address("service: d/a, target: d/a, set: {callee: a.b.c}")}, `a.yaml:3:28: target "d/a" is the address itself, expected a real service`},
		{"address to an address", []string{address("service: d/a, target: d/b, set: {callee: a.b.c}"), address("service: d/b, target: d/c, set: {callee: a.b.c}")}, `a.yaml:3:28: target "d/b" is itself an address, in b.yaml:3, expected a real service`},
		{"two addresses of a service", []string{address("service: d/a, target: d/b, set: {callee: a.b.c}"), address("service: d/a, target: d/c, set: {callee: a.b.c}")}, `b.yaml:3:15: address "d/a" is given twice, first in a.yaml:3`},
		{"address with a wildcard", []string{address("service: d/*, target: d/b, set: {callee: a.b.c}")}, `a.yaml:3:15: service "d/*" has a wildcard, expected one service, as default/server-b`},
		{"naming broken by a rule", []string{"version: 1\nnaming: {segments: [b, p, r], values: {p: [core, query]}}", rule("set: {callee: epp.cor.bj}")}, `b.yaml:3:49: SET name "epp.cor.bj" breaks the naming of a.yaml:2: p "cor" is not listed; did you mean "core"?`},
		{"naming of two segments", []string{"version: 1\nnaming: {segments: [b, p]}"}, `a.yaml:2:20: found 2 segments, expected three: a SET name has three`},
		{"anchor", []string{"version: 1\naliases: &x {a: b}"}, `a.yaml:2:10: YAML anchors and aliases are not supported; write the value out`},
		{"key twice", []string{"version: 1\nrules: []\nrules: []"}, `a.yaml:3:1: key "rules" is given twice, first in line 2`},
		{"syntax", []string{"version: 1\nrules: [\n"}, `a.yaml:2:1: not valid YAML: did not find expected node content, at "rules: ["`},
		{"evacuate nothing", []string{evacuate("until: 2026-11-25T00:00:00Z")}, `a.yaml:3:5: the evacuation names 0 places, expected one of set, region, zone, campus`},
		{"evacuate two places", []string{evacuate("region: r, set: a.b.c, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:5: the evacuation names 2 places, expected one of set, region, zone, campus`},
		{"evacuate a zone without its region", []string{evacuate("zone: z, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:12: zone "z" is not region/zone`},
		{"evacuate an empty region", []string{evacuate("zone: /z, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:12: zone "/z" is not region/zone`},
		{"evacuate no SET", []string{evacuate("set: a.b, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:11: SET name "a.b" has 2 segments, expected three: business.area.group`},
		{"evacuate without an end", []string{evacuate("region: r")}, `a.yaml:3:5: the evacuation has no until, expected its end, as until: 2026-12-01T10:00:00+08:00`},
		{"evacuate until no time", []string{evacuate("region: r, until: tomorrow")}, `a.yaml:3:24: until "tomorrow" is not a time with its zone, expected as 2026-12-01T10:00:00+08:00`},
		{"evacuate for too long", []string{evacuate("region: r, until: 2026-12-01T00:00:01Z")}, `a.yaml:3:24: until "2026-12-01T00:00:01Z" is more than 7 days ahead, expected 2026-12-01T00:00:00Z at the latest`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := load(t, tt.in...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadReportsAllFaults(t *testing.T) {
	_, got := load(t, "version: 1\nrules:\n  - {name: r, service: x, set: {tiers: [no]}}\n  - {service: d/s}\n", "version: 1\nzzz: 1\n")
	if n := len(strings.Split(got, "\n")); n != 4 {
		t.Errorf("%d faults, want 4:\n%s", n, got)
	}
}

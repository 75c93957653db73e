package route

import (
	"fmt"
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
	places := func(s string) string { return "version: 1\nplaces: {" + s + "}\n" }
	near := func(s string) string {
		return "version: 1\nplaces: {m: {\"*\": [all]}, few: {r: [s]}}\nrules: [{name: r, service: d/s, " + s + "}]\n"
	}
	defaults := func(d, s string) string {
		return "version: 1\ndefaults: {" + d + "}\nrules:\n  - {name: r, service: d/s, " + s + "}\n  - {name: q, service: d/q, " + s + "}\n"
	}
	many := "[a.b.c" + strings.Repeat(", a.b.c", 64) + "]"
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
		{"the caller's SET with more behind it", []string{rule(`set: {caller: "{caller.set}x"}`)}, `a.yaml:3:49: template "{caller.set}x": {caller.set} stands alone, expected its segments in a longer template, as {caller.set.1}.{caller.set.2}.h`},
		{"the caller's SET twice", []string{rule(`set: {callers: ["{caller.set}", "{caller.set|alias}{caller.set.3}"]}`)}, `a.yaml:3:67: template "{caller.set|alias}{caller.set.3}": {caller.set} stands alone, expected its segments in a longer template, as {caller.set.1}.{caller.set.2}.h`},
		{"the caller's SET in a segment", []string{address(`service: d/a, target: d/b, set: {caller: "a.{caller.set}.c"}`)}, `a.yaml:3:47: template "a.{caller.set}.c": {caller.set} stands alone, expected its segments in a longer template, as {caller.set.1}.{caller.set.2}.h`},
		{"alias missing", []string{rule(`set: {caller: "a.b.{caller.zone|alias}"}`)}, `a.yaml:3:49: the template uses |alias, but no file has aliases: {from: to}`},
		{"alias with two meanings", []string{"version: 1\naliases: {SH: h}", "version: 1\naliases: {SH: s}"}, `b.yaml:2:11: alias "SH" is "s" here and "h" in a.yaml:2, expected one meaning`},
		{"bad when.ip", []string{rule("when: {ip: [10.1.2.3/16]}")}, `a.yaml:3:47: prefix "10.1.2.3/16" has host bits set; did you mean "10.1.0.0/16"?`},
		{"address without set", []string{address("service: d/a, target: d/b")}, `a.yaml:3:5: the address has no set, expected set: {callee: business.area.group}`},
		{"address without callee", []string{address("service: d/a, target: d/b, set: {}")}, `a.yaml:3:38: the address has no callee, expected set: {callee: business.area.group}, or caller: or callers:`},
		{"address with a misspelt callee", []string{address("service: d/a, target: d/b, set: {cale: a.b.c}")}, `a.yaml:3:39: unknown key "cale"; did you mean "caller"?`},
		{"address with nothing in its set", []string{"version: 1\naddresses: [{service: d/a, target: d/b, set: }]"}, `a.yaml:2:46: the address has no callee, expected set: {callee: business.area.group}, or caller: or callers:`},
		{"address to itself", []string{address("service: d/a, target: d/a, set: {callee: a.b.c}")}, `a.yaml:3:28: target "d/a" is the address itself, expected a real service`},
		{"address to an address", []string{address("service: d/a, target: d/b, set: {callee: a.b.c}"), address("service: d/b, target: d/c, set: {callee: a.b.c}")}, `a.yaml:3:28: target "d/b" is itself an address, in b.yaml:3, expected a real service`},
		{"two addresses of a service", []string{address("service: d/a, target: d/b, set: {callee: a.b.c}"), address("service: d/a, target: d/c, set: {callee: a.b.c}")}, `b.yaml:3:15: address "d/a" is given twice, first in a.yaml:3`},
		{"address with a wildcard", []string{address("service: d/*, target: d/b, set: {callee: a.b.c}")}, `a.yaml:3:15: service "d/*" has a wildcard, expected one service, as default/server-b`},
		{"naming broken by a rule", []string{"version: 1\nnaming: {segments: [b, p, r], values: {p: [core, query]}}", rule("set: {callee: epp.cor.bj}")}, `b.yaml:3:49: SET name "epp.cor.bj" breaks the naming of a.yaml:2: p "cor" is not listed; did you mean "core"?`},
		{"naming of two segments", []string{"version: 1\nnaming: {segments: [b, p]}"}, `a.yaml:2:20: found 2 segments, expected three: a SET name has three`},
		{"anchor", []string{"version: 1\naliases: &x {a: b}"}, `a.yaml:2:10: YAML anchors and aliases are not supported; write each value out`},
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
		{"caller of several", []string{rule("set: {caller: [a.b.c]}")}, `a.yaml:3:49: found a list, expected a text`},
		{"callers and callee", []string{rule("set: {callers: [a.b.c], callee: a.b.d}")}, `a.yaml:3:67: callers and callee are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several`},
		{"all three", []string{rule("set: {caller: a.b.c, callers: [a.b.c], callee: a.b.d}")}, `a.yaml:3:65: caller and callers are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several`},
		{"callers and caller of an address", []string{address("service: d/a, target: d/b, set: {caller: a.b.c, callers: [a.b.c]}")}, `a.yaml:3:63: caller and callers are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several`},
		{"no callers", []string{rule("set: {callers: []}")}, `a.yaml:3:50: the list of callers is empty, expected SETs, as ["qb.{each}.h", ams.SH.1]`},
		{"callers as keys", []string{rule("set: {callers: {}}")}, `a.yaml:3:50: found keys and values, expected a list`},
		{"65 callers", []string{rule("set: {callers: " + many + "}")}, `a.yaml:3:50: found 65 callers, expected at most 64; {each} stands for every name that the instances have`},
		{"a bad one among callers", []string{rule("set: {callers: [a.b.c, a.b]}")}, `a.yaml:3:58: SET name "a.b" has 2 segments, expected three: business.area.group`},
		{"each in a caller", []string{rule(`set: {caller: "qb.{each}.h"}`)}, `a.yaml:3:49: template "qb.{each}.h": {each} gives several SETs, expected callers: ["qb.{each}.h"]`},
		{"each in a callee", []string{rule(`set: {callee: "{each}.a.h"}`)}, `a.yaml:3:49: template "{each}.a.h": {each} gives several SETs, expected callers: ["{each}.a.h"]`},
		{"each in the callee of an address", []string{address(`service: d/a, target: d/b, set: {callee: "a.{each}.h"}`)}, `a.yaml:3:47: template "a.{each}.h": {each} gives several SETs, expected callers: ["a.{each}.h"]`},
		{"each in the third segment", []string{rule(`set: {callers: ["qb.a.{each}"]}`)}, `a.yaml:3:51: template "qb.a.{each}": {each} stands for a whole first or second segment, as in qb.{each}.h`},
		{"each inside a segment", []string{rule(`set: {callers: ["qb.x{each}.h"]}`)}, `a.yaml:3:51: template "qb.x{each}.h": {each} stands for a whole first or second segment, as in qb.{each}.h`},
		{"unknown unknown", []string{rule("set: {unknown: empty}")}, `a.yaml:3:50: found "empty", expected one of all, unset, none`},
		{"unknown and required", []string{rule("set: {unknown: none, required: true}")}, `a.yaml:3:66: unknown and required are both given, expected unknown: none`},
		{"empty label", []string{rule(`when: {labels: {lane: ""}}`)}, `a.yaml:3:57: label "lane" is empty, expected the value that it must have, or no such key`},
		{"empty service metadata", []string{rule(`when: {serviceMetadata: {tier: ""}}`)}, `a.yaml:3:66: metadata key "tier" is empty, expected the value that it must have, or no such key`},
		{"service metadata that is no text", []string{rule(`when: {serviceMetadata: {internal-enable-nearby: true}}`)}, `a.yaml:3:84: found "true", expected a text; put it in quotes: "true"`},
		{"service of a namespace alone", []string{"version: 1\nrules: [{name: r, service: {namespace: team/x}}]"}, `a.yaml:2:28: the service has no name, expected {namespace: team/x, name: svc}`},
		{"service with an empty name", []string{"version: 1\nrules: [{name: r, service: [d/s, {namespace: team/x, name: \"\"}]}]"}, `a.yaml:2:34: the service's namespace or name is empty, expected {namespace: team/x, name: svc}`},
		{"service with a key too many", []string{"version: 1\nrules: [{name: r, service: {namespace: team/x, name: y, set: a.b.c}}]"}, `a.yaml:2:57: unknown key "set", expected one of namespace, name`},
		{"address with a wildcard in its name", []string{address(`service: {namespace: team/x, name: "s*"}, target: d/b, set: {callee: a.b.c}`)}, `a.yaml:3:15: service "team/x/s*" has a wildcard, expected one service, as default/server-b`},
		{"order of one", []string{rule("order: [set]")}, `a.yaml:3:42: found order [set], expected [set, nearby] or [nearby, set]`},
		{"empty order", []string{rule("order: []")}, `a.yaml:3:42: found order [], expected [set, nearby] or [nearby, set]`},
		{"order twice the same", []string{rule("order: [set, set]")}, `a.yaml:3:42: found order [set, set], expected [set, nearby] or [nearby, set]`},
		{"order as a text", []string{rule("order: nearby")}, `a.yaml:3:42: found "nearby", expected a list`},
		{"share above 100%", []string{rule("degrade: {minUsable: 120%}")}, `a.yaml:3:56: minUsable "120%" is no share from 1% to 100%, as 20%`},
		{"share of 0%", []string{rule("degrade: {minUsable: 0%}")}, `a.yaml:3:56: minUsable "0%" is no share from 1% to 100%, as 20%`},
		{"share with a fraction", []string{rule("degrade: {minUsable: 1.5%}")}, `a.yaml:3:56: minUsable "1.5%" is no share from 1% to 100%, as 20%`},
		{"share as a text", []string{rule("degrade: {minUsable: half}")}, `a.yaml:3:56: found "half", expected a whole number from 0 to 1000000`},
		{"percent beside absent", []string{rule("degrade: {by: absent, unhealthyPercent: 50}")}, `a.yaml:3:75: unhealthyPercent means nothing beside by: absent, expected one of them`},
		{"minUsable beside absent", []string{rule("degrade: {by: absent, minUsable: 2}")}, `a.yaml:3:68: minUsable means nothing beside by: absent, expected one of them`},
		{"both beside absent", []string{rule("degrade: {by: absent, minUsable: 2, unhealthyPercent: 50}")}, `a.yaml:3:89: unhealthyPercent means nothing beside by: absent, expected one of them`},
		{"unknown tiersBy", []string{rule("degrade: {tiersBy: abesnt}")}, `a.yaml:3:54: found "abesnt"; did you mean "absent"?`},
		{"overprovision below 100", []string{rule("degrade: {overprovision: 99}")}, `a.yaml:3:60: found "99", expected a whole number from 100 to 1000`},
		{"overprovision above 1000", []string{rule("degrade: {overprovision: 1001}")}, `a.yaml:3:60: found "1001", expected a whole number from 100 to 1000`},
		{"overprovision as a share", []string{rule("degrade: {overprovision: 140%}")}, `a.yaml:3:60: found "140%", expected a whole number from 100 to 1000`},
		{"failback alone", []string{rule("degrade: {failback: 5m}")}, `a.yaml:3:55: failback means nothing without overprovision, expected overprovision: 140 beside it`},
		{"failback alone in the defaults", []string{defaults("degrade: {failback: 5m}", "set: {}, degrade: {overprovision: 140}")}, `a.yaml:2:32: failback means nothing without overprovision, expected overprovision: 140 beside it`},
		{"failback beside a faulty overprovision", []string{rule("degrade: {overprovision: 1, failback: 5m}")}, `a.yaml:3:60: found "1", expected a whole number from 100 to 1000`},
		{"failback beside a threshold that replaces the default", []string{defaults("degrade: {overprovision: 140}", "set: {}, degrade: {minUsable: 2, failback: 5m}")}, "a.yaml:4:72: failback means nothing without overprovision, expected overprovision: 140 beside it\na.yaml:5:72: failback means nothing without overprovision, expected overprovision: 140 beside it"},
		{"failback for too long", []string{rule("degrade: {overprovision: 140, failback: 601s}")}, `a.yaml:3:75: failback "601s" is no time from 0s to 10m, as 5m`},
		{"failback without a unit", []string{rule("degrade: {overprovision: 140, failback: 5}")}, `a.yaml:3:75: failback "5" is no time from 0s to 10m, as 5m`},
		{"failback below nothing", []string{rule("degrade: {overprovision: 140, failback: -1s}")}, `a.yaml:3:75: failback "-1s" is no time from 0s to 10m, as 5m`},
		{"overprovision beside a percent", []string{rule("degrade: {overprovision: 140, unhealthyPercent: 50}")}, `a.yaml:3:83: unhealthyPercent means nothing beside overprovision, expected one of them`},
		{"overprovision beside minUsable", []string{rule("degrade: {minUsable: 2, overprovision: 140}")}, `a.yaml:3:56: minUsable means nothing beside overprovision, expected one of them`},
		{"overprovision beside by", []string{rule("degrade: {by: unhealthy, overprovision: 140}")}, `a.yaml:3:49: by means nothing beside overprovision, expected one of them`},
		{"overprovision beside tiersBy", []string{rule("degrade: {tiersBy: absent, overprovision: 140}")}, `a.yaml:3:54: tiersBy means nothing beside overprovision, expected one of them`},
		{"overprovision beside callers", []string{rule("set: {callers: [a.b.c]}, degrade: {overprovision: 140}")}, `a.yaml:3:85: overprovision means nothing beside callers, expected one of them`},
		{"overprovision beside callers, behind them", []string{rule("degrade: {overprovision: 140}, set: {callers: [a.b.c]}")}, `a.yaml:3:60: overprovision means nothing beside callers, expected one of them`},
		{"overprovision beside a rollout by weight", []string{rule("set: {}, degrade: {overprovision: 140}, rollout: {percent: 5, by: weight}")}, `a.yaml:3:69: overprovision means nothing beside rollout by: weight, expected one of them`},
		{"places beside maxMatchLevel", []string{near("nearby: {places: m, maxMatchLevel: region}")}, `a.yaml:3:50: places and maxMatchLevel are both given, expected one: the map "m" says how far the roads go`},
		{"a map that is nowhere", []string{near("nearby: {places: citys}")}, `a.yaml:3:50: no file has a map "citys" under places, expected one of few, m`},
		{"a map that is misspelt", []string{near("nearby: {places: fwe}")}, `a.yaml:3:50: no file has a map "fwe" under places; did you mean "few"?`},
		{"a map of the defaults that is nowhere", []string{"version: 1\ndefaults: {nearby: {places: cities}}"}, `a.yaml:2:29: no file has a map "cities" under places, expected one at the top of a file, as places: {cities: {"*": [region, all]}}`},
		{"a map twice", []string{places(`m: {"*": [all]}`), places(`m: {"*": [all]}`)}, `b.yaml:2:10: map "m" of places is given twice, first in a.yaml:2`},
		{"none without a map", []string{rule("nearby: {matchLevel: none}")}, `a.yaml:3:56: matchLevel "none" leaves the first road to a map, expected places: the name of a map`},
		{"none beside maxMatchLevel", []string{rule("nearby: {matchLevel: none, maxMatchLevel: region}")}, `a.yaml:3:56: matchLevel "none" leaves the first road to a map, expected places in the place of maxMatchLevel`},
		{"none with a map without a star", []string{near("nearby: {matchLevel: none, places: few}")}, `a.yaml:3:68: map "few" has no "*", and matchLevel none leaves the first road of every caller to it`},
		{"places without a name", []string{rule(`nearby: {places: ""}`)}, `a.yaml:3:52: places is empty, expected the name of a map`},
		{"default places without a name", []string{defaults(`nearby: {places: ""}`, "nearby: {}")}, `a.yaml:2:29: places is empty, expected the name of a map`},
		{"addresses with an empty one", []string{rule(`when: {ip: [10.0.0.1, ""]}`)}, `a.yaml:3:57: "" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"none as maxMatchLevel", []string{rule("nearby: {maxMatchLevel: none}")}, `a.yaml:3:59: found "none"; did you mean "zone"?`},
		{"a map with a place that is no place", []string{places("m: {r//c: [all]}")}, `a.yaml:2:14: campus "r//c" is not region/zone/campus, nor "*"`},
		{"a map with a road that is no place", []string{places("m: {r: [all, [s, /z]]}")}, `a.yaml:2:27: zone "/z" is not region/zone, nor one of all, region, zone, campus`},
		{"a map with an empty road", []string{places("m: {r: [[]]}")}, `a.yaml:2:18: the list is empty, expected the places that are one road together`},
		{"a map without a list", []string{places("m: {r: all}")}, `a.yaml:2:17: found "all", expected a list`},
		{"a map of lists", []string{places("m: [r]")}, `a.yaml:2:13: found a list, expected keys and values`},
		{"defaults in two files", []string{"version: 1\ndefaults: {onEmpty: all}", "version: 1\n\ndefaults: {onEmpty: all}"}, `b.yaml:3:11: defaults are given twice, first in a.yaml:2, expected them in one file`},
		{"defaults of a rollout", []string{defaults("rollout: {percent: 1}", "set: {}")}, `a.yaml:2:12: unknown key "rollout", expected one of set, nearby, order, degrade, onEmpty`},
		{"defaults of a callee", []string{defaults("set: {callee: a.b.c}", "set: {}")}, `a.yaml:2:18: unknown key "callee", expected one of tiers, unknown, required`},
		{"defaults that do not go together", []string{defaults("degrade: {by: absent, minUsable: 2}", "set: {}")}, `a.yaml:2:45: minUsable means nothing beside by: absent, expected one of them`},
		{"defaults with a wrong tier", []string{defaults("set: {tiers: [own, pol]}", "set: {}")}, `a.yaml:2:31: found "pol"; did you mean "pool"?`},
		{"evacuate from no time", []string{evacuate("region: r, from: now, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:23: from "now" is not a time with its zone, expected as 2026-12-01T10:00:00+08:00`},
		{"evacuate until before from", []string{evacuate("region: r, from: 2026-11-25T00:00:00Z, until: 2026-11-25T00:00:00Z")}, `a.yaml:3:52: until "2026-11-25T00:00:00Z" is not after from, 2026-11-25T00:00:00Z, expected a later time`},
		{"evacuations that begin at too many times", []string{"version: 1\nevacuate:\n" + beginnings(102)}, `a.yaml:103:23: from "2026-11-24T01:40:00Z" is one more than 100 different times, expected fewer in all files together`},
		{"evacuate for too long after from", []string{evacuate("region: r, from: 2026-12-24T00:00:00Z, until: 2026-12-31T00:00:01Z")}, `a.yaml:3:52: until "2026-12-31T00:00:01Z" is more than 7 days after from, expected 2026-12-31T00:00:00Z at the latest`},
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

// beginnings returns evacuations that begin one after the other.
func beginnings(count int) string {
	var out strings.Builder
	for n := range count {
		fmt.Fprintf(&out, "  - {region: r, from: %s, until: 2026-11-25T00:00:00Z}\n", today.Add(time.Duration(n)*time.Minute).Format(time.RFC3339))
	}
	return out.String()
}

func TestLoadReportsAllFaults(t *testing.T) {
	_, got := load(t, "version: 1\nrules:\n  - {name: r, service: x, set: {tiers: [no]}}\n  - {service: d/s}\n", "version: 1\nzzz: 1\n")
	if n := len(strings.Split(got, "\n")); n != 4 {
		t.Errorf("%d faults, want 4:\n%s", n, got)
	}
}

package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stagesOf returns what a rule says, with the defaults.
func stagesOf(r *Rule) string {
	var out []string
	if s := r.SET; s != nil {
		text := fmt.Sprintf("set %s unknown %s", s.Tiers, s.Unknown)
		for _, t := range s.Templates {
			text += " " + t.String()
		}
		if s.Callee {
			text += " by name"
		}
		out = append(out, text)
	}
	if n := r.Nearby; n != nil {
		end := n.Max.String()
		if n.Places != nil {
			end = n.Places.Name
		}
		text := fmt.Sprintf("nearby %s to %s", n.Match, end)
		if n.Strict {
			text += " strict"
		}
		out = append(out, text)
	}
	if r.NearbyFirst {
		out = append(out, "nearby first")
	}
	d, unit := r.Degrade, ""
	if d.MinUsableIsShare {
		unit = "%"
	}
	text := fmt.Sprintf("%d%% %d%s %s", d.UnhealthyPercent, d.MinUsable, unit, d.HoldDown)
	if d.ByAbsence {
		text += " by absent"
	}
	if d.TiersByAbsence {
		text += " tiersBy absent"
	}
	if d.Overprovision > 0 {
		text += fmt.Sprintf(" overprovision %d failback %s", d.Overprovision, d.Failback)
	}
	if out = append(out, text); r.OnEmptyAll {
		out = append(out, "all")
	}
	return strings.Join(out, ", ")
}

// What a rule or address does not say comes from the defaults, unless a key of the rule
// excludes the default (docs/design.md, 5).
func TestDefaults(t *testing.T) {
	const builtIn = "100% 1 10s"
	const maps = `places: {m: {"*": [region, all]}, few: {r: [s]}}` + "\n"
	const wide = "nearby: {matchLevel: region, maxMatchLevel: region, strict: true}"
	tests := []struct {
		name, defaults, rule, want string
	}{
		{"nothing said", "", "set: {}, nearby: {}", "set [own pool] unknown all, nearby zone to all, " + builtIn},
		{"no stages", "set: {unknown: none}, nearby: {places: m}, order: [nearby, set], onEmpty: all", "mode: shadow", "nearby first, " + builtIn + ", all"},
		{"all from the defaults", "set: {tiers: [own], unknown: unset}, nearby: {matchLevel: none, places: m}, order: [nearby, set], degrade: {tiersBy: absent, unhealthyPercent: 60, minUsable: 20%, holdDown: 1m}, onEmpty: all", "set: {}, nearby: {}",
			"set [own] unknown unset, nearby none to m, nearby first, 60% 20% 1m0s tiersBy absent, all"},
		{"all of the rule's own", "set: {tiers: [own], unknown: unset}, nearby: {matchLevel: none, places: m, strict: true}, order: [nearby, set], degrade: {tiersBy: absent, unhealthyPercent: 60, minUsable: 20%, holdDown: 1m}, onEmpty: all",
			"set: {tiers: [all], unknown: all}, nearby: {matchLevel: campus, maxMatchLevel: zone, strict: false}, order: [set, nearby], degrade: {tiersBy: unhealthy, unhealthyPercent: 50, minUsable: 2, holdDown: 0s}, onEmpty: empty",
			"set [all] unknown all, nearby campus to zone, 50% 2 0s"},
		{"default tiers beside a caller", "set: {tiers: [all]}", "set: {caller: a.b.c}", "set [all] unknown all a.b.c, " + builtIn},
		{"default tiers beside callers", "set: {tiers: [all]}", `set: {callers: ["a.{each}.c", a.b.d]}`, "set [all] unknown all a.{each}.c a.b.d, " + builtIn},
		{"no default tiers beside a callee", "set: {tiers: [all], unknown: none}", "set: {callee: a.b.c}", "set [own] unknown none a.b.c by name, " + builtIn},
		{"own tiers beside a callee", "set: {tiers: [all]}", "set: {callee: a.b.c, tiers: [own, pool]}", "set [own pool] unknown all a.b.c by name, " + builtIn},
		{"required", "", "set: {required: true}", "set [own pool] unknown none, " + builtIn},
		{"not required", "set: {unknown: none}", "set: {required: false}", "set [own pool] unknown all, " + builtIn},
		{"maxMatchLevel narrower than zone", "", "nearby: {maxMatchLevel: campus}", "nearby campus to campus, " + builtIn},
		{"maxMatchLevel wider than zone", "", "nearby: {maxMatchLevel: region}", "nearby zone to region, " + builtIn},
		{"a map", "", "nearby: {places: few}", "nearby zone to few, " + builtIn},
		{"a map replaces a default maxMatchLevel", wide, "nearby: {places: m}", "nearby region to m strict, " + builtIn},
		{"maxMatchLevel replaces a default map", "nearby: {places: m}", "nearby: {maxMatchLevel: region}", "nearby zone to region, " + builtIn},
		{"what needs the default map goes with it", "nearby: {matchLevel: none, places: m}", "nearby: {maxMatchLevel: region}", "nearby zone to region, " + builtIn},
		{"none needs a map", "nearby: {matchLevel: none}", "nearby: {}", "nearby zone to all, " + builtIn},
		{"none with the rule's map", "nearby: {matchLevel: none}", "nearby: {places: m}", "nearby none to m, " + builtIn},
		{"the rule's none with the default map", "nearby: {places: m}", "nearby: {matchLevel: none}", "nearby none to m, " + builtIn},
		{"matchLevel replaces a default maxMatchLevel that is narrower", wide, "nearby: {matchLevel: all}", "nearby all to all strict, " + builtIn},
		{"matchLevel with a default maxMatchLevel", wide, "nearby: {matchLevel: campus}", "nearby campus to region strict, " + builtIn},
		{"maxMatchLevel replaces a default matchLevel that is wider", wide, "nearby: {maxMatchLevel: campus}", "nearby campus to campus strict, " + builtIn},
		{"absent replaces default thresholds", "degrade: {unhealthyPercent: 50, minUsable: 20%, holdDown: 0s}", "nearby: {}, degrade: {by: absent}", "nearby zone to all, 100% 1 0s by absent"},
		{"a threshold replaces a default absent", "degrade: {by: absent}", "nearby: {}, degrade: {minUsable: 3}", "nearby zone to all, 100% 3 10s"},
		{"unhealthy beside a default absent", "degrade: {by: absent}", "nearby: {}, degrade: {by: unhealthy}", "nearby zone to all, " + builtIn},
		{"overprovision", "", "nearby: {}, degrade: {overprovision: 140, failback: 5m}", "nearby zone to all, " + builtIn + " overprovision 140 failback 5m0s"},
		{"overprovision replaces thresholds", "degrade: {unhealthyPercent: 50, minUsable: 20%, tiersBy: absent, holdDown: 1m}", "nearby: {}, degrade: {overprovision: 140}", "nearby zone to all, 100% 1 1m0s overprovision 140 failback 0s"},
		{"overprovision replaces a default absent", "degrade: {by: absent}", "nearby: {}, degrade: {overprovision: 140}", "nearby zone to all, 100% 1 10s overprovision 140 failback 0s"},
		{"a default overprovision", "degrade: {overprovision: 140, failback: 5m}", "nearby: {}, degrade: {holdDown: 0s}", "nearby zone to all, 100% 1 0s overprovision 140 failback 5m0s"},
		{"the rule's failback with the default overprovision", "degrade: {overprovision: 140, failback: 5m}", "nearby: {}, degrade: {failback: 1m}", "nearby zone to all, " + builtIn + " overprovision 140 failback 1m0s"},
		{"a threshold replaces a default overprovision", "degrade: {overprovision: 140, failback: 5m}", "nearby: {}, degrade: {unhealthyPercent: 50}", "nearby zone to all, 50% 1 10s"},
		{"tiersBy replaces a default overprovision", "degrade: {overprovision: 140}", "set: {}, degrade: {tiersBy: absent}", "set [own pool] unknown all, 100% 1 10s tiersBy absent"},
		{"callers replace a default overprovision", "degrade: {overprovision: 140, failback: 5m}", "set: {callers: [a.b.c]}", "set [own pool] unknown all a.b.c, " + builtIn},
		{"a rollout by weight replaces a default overprovision", "degrade: {overprovision: 140}", "set: {}, rollout: {percent: 5, by: weight}", "set [own pool] unknown all, " + builtIn},
		{"a number replaces a default share", "degrade: {minUsable: 20%}", "nearby: {}, degrade: {minUsable: 3}", "nearby zone to all, 100% 3 10s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules, fault := load(t, "version: 1\n"+maps+"rules: [{name: r, service: d/s, "+tt.rule+"}]\n", "version: 1\ndefaults: {"+tt.defaults+"}\n")
			if fault != "" {
				t.Fatal(fault)
			}
			if diff := cmp.Diff(tt.want, stagesOf(rules.All()[0])); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
		})
	}
}

// An address has defaults as a rule, and may route as any SET.
func TestAddressStages(t *testing.T) {
	rules, fault := load(t, `version: 1
defaults: {set: {tiers: [siblings], unknown: none}, degrade: {holdDown: 0s}}
addresses:
  - {service: d/a, target: d/s, set: {callee: a.b.c}}
  - {service: d/b, target: d/s, set: {caller: a.b.c}}
  - {service: {namespace: team/x, name: c}, target: {namespace: team/x, name: s}, set: {callers: ["{each}.{each}.h"], tiers: [own]}}
`)
	if fault != "" {
		t.Fatal(fault)
	}
	var got []string
	for _, a := range rules.All() {
		got = append(got, fmt.Sprintf("%q in %q: %s", a.Target.Name, a.Target.Namespace, stagesOf(a)))
	}
	want := []string{
		`"s" in "d": set [own] unknown none a.b.c by name, 100% 1 0s`,
		`"s" in "d": set [siblings] unknown none a.b.c, 100% 1 0s`,
		`"s" in "team/x": set [own] unknown none {each}.{each}.h, 100% 1 0s`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if !rules.IsAddress(Service{"team/x", "c"}) || rules.IsAddress(Service{"team", "x/c"}) {
		t.Error("the address team/x and c is another")
	}
}

// Services are texts or maps, and both have wildcards.
func TestServicesAsMaps(t *testing.T) {
	rules, fault := load(t, `{version: 1, rules: [{name: r, service: [d/a, {namespace: "team/*", name: "s?"}, {namespace: team/x, name: pay/v1}], set: {}}]}`)
	if fault != "" {
		t.Fatal(fault)
	}
	for service, want := range map[Service]bool{
		{"d", "a"}: true, {"team/y", "s1"}: true, {"team/x", "pay/v1"}: true,
		{"team/x/pay", "v1"}: false, {"team", "y/s1"}: false, {"team/y", "s"}: false,
	} {
		if got := rules.MayRoute(rules.Resolve(Name{Service: service})); got != want {
			t.Errorf("%+v: %t, want %t", service, got, want)
		}
	}
}

// An evacuation begins at `from`. Two lists of equal length may differ.
func TestEvacuationsBegin(t *testing.T) {
	rules, fault := load(t, `version: 1
evacuate:
  - {zone: south/sz, until: 2026-11-25T12:00:00Z}
  - {zone: south/gz, from: 2026-11-25T12:00:00Z, until: 2026-11-26T00:00:00Z}
  - {region: east, from: 2026-12-24T00:00:00Z, until: 2026-12-31T00:00:00Z, reason: drill}
`)
	if fault != "" {
		t.Fatal(fault)
	}
	parse := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	moments := []string{"2026-11-24T00:00:00Z", "2026-11-25T11:59:59Z", "2026-11-25T12:00:00Z", "2026-11-25T23:59:59Z", "2026-11-26T00:00:00Z", "2026-12-24T00:00:00Z", "2026-12-31T00:00:00Z"}
	want := []string{"south/sz", "south/sz", "south/gz", "south/gz", "", "east", ""}
	check := func(n int) {
		var places []string
		for _, e := range rules.Evacuations(parse(moments[n])) {
			places = append(places, e.Place())
		}
		if got := strings.Join(places, " "); got != want[n] {
			t.Errorf("at %s: %q, want %q", moments[n], got, want[n])
		}
	}
	for n := range moments {
		check(n)
		check(len(moments) - 1 - n) // clocks go back, too
	}
	first, second := rules.Evacuations(parse(moments[1])), rules.Evacuations(parse(moments[2]))
	if first.Same(second) || !first.Same(rules.Evacuations(parse(moments[0]))) {
		t.Errorf("%v and %v: one is in force, and then the other", first, second)
	}
	now := parse(moments[2])
	if n := testing.AllocsPerRun(100, func() { rules.Evacuations(now) }); n > 0 {
		t.Errorf("%v allocations for each request", n)
	}
	all := rules.AllEvacuations()
	if len(all) != 3 || !slices.IsSortedFunc(all, func(a, b Evacuation) int { return b.Until.Compare(a.Until) }) {
		t.Errorf("all: %v", all)
	}
	later := all[0]
	if later.From = later.From.Add(time.Hour); later.ID() == all[0].ID() {
		t.Error("an evacuation that begins later has the same id")
	}
}

package route

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

func up(set location.SET, weight uint32) Instance {
	return Instance{SET: set, Healthy: true, Weight: weight}
}

func down(set location.SET, weight uint32) Instance { return Instance{SET: set, Weight: weight} }

func TestAnswerByWeight(t *testing.T) {
	lane := []Instance{up("a.b.c", 100), up("a.b.c", 100), up("a.b.d", 100), up("a.b.d", 100)}
	tests := []struct {
		name                  string
		instances, ownService []Instance
		percent               int
		want                  string // weights, those of the own service after a bar
	}{
		{"at 0 it is not asked; at 100 the chosen alone, unaltered", lane, nil, 10000, "100 100"},
		{"of 50% by itself, 0.01% more", lane, nil, 1, "10000 10000 9998 9998"},
		{"50% moves half of the rest", lane, nil, 5000, "10000 10000 3333 3333"},
		{"99.99%", lane, nil, 9999, "10000 10000 1 1"},
		{"an own service: 1% and 99%", lane[:2], []Instance{up("", 50), up("", 150)}, 100, "67 67 | 3333 10000"},
		{"proportions stay within a side", []Instance{up("a.b.c", 10), up("a.b.c", 30), up("x.y.z", 200)}, nil, 5000, "3333 10000 9524"},
		{"a weight of 0 stays, an unhealthy one keeps its proportion", []Instance{up("a.b.c", 100), up("a.b.c", 0), down("a.b.c", 100), up("x.y.z", 100)}, nil, 5000, "10000 0 10000 3333"},
		{"nothing usable chosen", []Instance{down("a.b.c", 100), up("x.y.z", 70)}, nil, 5000, "70"},
		{"nothing usable beside it", []Instance{up("a.b.c", 100), down("x.y.z", 70)}, nil, 5000, "100"},
		{"nothing usable at all: the stock answer", []Instance{down("a.b.c", 100), down("x.y.z", 70)}, nil, 5000, "100 70"},
		{"nothing usable at all, an own service: its stock answer", []Instance{down("a.b.c", 100)}, []Instance{down("", 7)}, 5000, " | 7"},
		{"nothing chosen", []Instance{up("x.y.z", 100)}, []Instance{up("", 7)}, 5000, " | 7"},
		{"one of many others", append([]Instance{up("a.b.c", 100)}, slices.Repeat([]Instance{up("x.y.z", 1)}, 3)...), nil, 5000, "10000 49 49 49"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Route{Rule: &Rule{SET: &SETStage{Tiers: []Tier{TierOwn}}, Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1}, Rollout: tt.percent, ByWeight: true}, SETs: "a.b.c"}
			_, members := r.Answer(NewCallee(tt.instances), tt.ownService)
			got, bar := "", false
			for _, m := range members {
				if m.OwnService && !bar {
					got, bar = got+" |", true
				}
				if got != "" {
					got += " "
				}
				got += fmt.Sprint(m.Weight)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// By weight, the chosen instances get the share of the requests that docs/design.md,
// 5.3 promises, as near as whole numbers allow.
func TestShareByWeight(t *testing.T) {
	weights := rapid.SliceOfN(rapid.Uint32Range(1, 1000), 1, 20)
	rapid.Check(t, func(t *rapid.T) {
		var instances, ownService []Instance
		for _, w := range weights.Draw(t, "chosen") {
			instances = append(instances, up("a.b.c", w))
		}
		others := weights.Draw(t, "others")
		isOwn := rapid.Bool().Draw(t, "own service")
		for _, w := range others {
			if isOwn {
				ownService = append(ownService, up("", w))
			} else {
				instances = append(instances, up("x.y.z", w))
			}
		}
		percent := rapid.IntRange(1, FullRollout-1).Draw(t, "percent")
		r := Route{Rule: &Rule{SET: &SETStage{Tiers: []Tier{TierOwn}}, Degrade: Degrade{UnhealthyPercent: 100}, Rollout: percent, ByWeight: true}, SETs: "a.b.c"}
		d, members := r.Answer(NewCallee(instances), ownService)
		chosen, all, before, stock := 0.0, 0.0, 0.0, 0.0
		for _, m := range members {
			if m.Weight < 1 || m.Weight > MaxWeight {
				t.Fatalf("weight %d", m.Weight)
			}
			all += float64(m.Weight)
			if !m.OwnService && slices.Contains(d.Chosen, m.Index) {
				chosen += float64(m.Weight)
			}
		}
		if len(members) != len(instances)+len(ownService) {
			t.Fatalf("%d members", len(members))
		}
		if ownService == nil {
			for i, inst := range instances {
				stock += float64(inst.Weight)
				if slices.Contains(d.Chosen, i) {
					before += float64(inst.Weight)
				}
			}
			before /= stock
		}
		want := before + (1-before)*float64(percent)/FullRollout
		// Each weight is rounded by half at most, and none is below 1.
		slack := float64(len(members)) / all
		if math.Abs(chosen/all-want) > slack {
			t.Fatalf("share %f, want %f +- %f: %v", chosen/all, want, slack, members)
		}
	})
}

func TestEvacuations(t *testing.T) {
	rules := mustLoad(t, `
version: 1
evacuate:
  - {zone: south/sz, until: 2026-11-25T08:00:00+08:00, reason: power}
  - {set: "a.b.*", until: 2026-11-24T12:00:00Z}
  - {region: east, until: 2026-11-23T00:00:00Z}
  - {campus: south/gz/gz-1, until: 2026-11-26T00:00:00Z}
`)
	parse := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for when, want := range map[string]string{
		"2026-11-22T00:00:00Z": "campus south/gz/gz-1; zone south/sz; set a.b.*; region east; ",
		"2026-11-24T11:59:59Z": "campus south/gz/gz-1; zone south/sz; set a.b.*; ",
		"2026-11-24T12:00:00Z": "campus south/gz/gz-1; zone south/sz; ",
		"2026-11-25T00:00:00Z": "campus south/gz/gz-1; ",
		"2026-11-27T00:00:00Z": "",
	} {
		got := ""
		for _, e := range rules.Evacuations(parse(when)) {
			got += e.Kind() + " " + e.Place() + "; "
		}
		if got != want {
			t.Errorf("at %s: %q, want %q", when, got, want)
		}
	}
	evacuations := rules.Evacuations(parse("2026-11-22T00:00:00Z"))
	for _, tt := range []struct {
		loc  location.Location
		set  location.SET
		want bool
	}{
		{location.Location{Region: "south", Zone: "sz", Campus: "x"}, "", true},
		{location.Location{Region: "south", Zone: "sz"}, "", true},
		{location.Location{Region: "south"}, "", false},
		{location.Location{Region: "south", Zone: "gz"}, "", false},
		{location.Location{Region: "east"}, "", true},
		{location.Location{}, "a.b.*", true},
		{location.Location{}, "a.b.c", false},
		{location.Location{}, "", false},
	} {
		if _, got := evacuations.TakingOut(tt.loc, tt.set); got != tt.want {
			t.Errorf("%s %q: %t, want %t", tt.loc, tt.set, got, tt.want)
		}
	}
	if evacuations[0].ID() == evacuations[1].ID() || len(evacuations[0].ID()) != 8 {
		t.Errorf("ids %s and %s", evacuations[0].ID(), evacuations[1].ID())
	}
	noon := parse("2026-11-24T12:00:00Z")
	if n := testing.AllocsPerRun(100, func() { rules.Evacuations(noon) }); n > 0 {
		t.Errorf("%v allocations for each request", n)
	}
}

// Every instance that is not chosen has a reason, and no chosen one has.
func TestLeftOutIsComplete(t *testing.T) { rapid.Check(t, leftOutIsComplete) }

func leftOutIsComplete(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: SETs(someSET.Draw(t, "caller set")), Location: someLocation.Draw(t, "caller location")}
	instances := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	callee := NewCallee(instances)
	d := r.Select(callee)
	for i, why := range r.LeftOut(d, callee) {
		if (why == "") != slices.Contains(d.Chosen, i) {
			t.Fatalf("instance %d, chosen %v: %q", i, d.Chosen, why)
		}
		evacuated := why == "it is evacuated"
		if evacuated && !instances[i].Evacuated {
			t.Fatalf("instance %+v: %q; decision %+v of %+v", instances[i], why, d, r)
		}
	}
}

// Reasons for what is left out, for operators.
func TestLeftOut(t *testing.T) {
	rules := mustLoad(t, `
version: 1
places: {m: {south: [], "*": [all]}}
rules:
  - {name: callee, service: d/callee, set: {callee: a.b.c}}
  - {name: own, service: d/own, set: {}}
  - {name: map, service: d/map, nearby: {matchLevel: none, places: m}}
  - {name: strict, service: d/strict, nearby: {maxMatchLevel: zone, strict: true}}
`)
	for _, tt := range []struct{ rule, caller, region, set, want string }{
		{"callee", "x.y.z", "", "", "it has no SET, and no tier of the rule is unset"},
		{"callee", "x.y.z", "", "q.b.c", `SET "q.b.c" is of another business`},
		{"own", "x.y.z", "", "x.y.q", `SET "x.y.q" is in no tier of "x.y.z"`},
		{"map", "", "south", "", `no road leads from "south"`},
		{"strict", "", "south", "", "the caller's place is not known as far as the rule needs, and the rule is strict"},
	} {
		req := Request{Caller: location.Identity{SET: location.SET(tt.caller), Location: location.Location{Region: tt.region}}, Resolved: resolve(rules, "d/"+tt.rule)}
		r, _ := rules.Route(req, nil)
		callee := NewCallee([]Instance{{SET: location.SET(tt.set), Healthy: true, Weight: 1}, {SET: "z.z.z"}})
		if got := r.LeftOut(r.Select(callee), callee)[0]; got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// Some caller may get another list in the namespaces of rules and lane addresses that
// route, by a glob or by name.
func TestMayRouteIn(t *testing.T) {
	rules := mustLoad(t, `
version: 1
rules:
  - {name: exact, service: exact/s, set: {}}
  - {name: glob, service: ["other/x", "team-*/*"], nearby: {}}
  - {name: shadow, service: shadow/s, mode: shadow, set: {}}
  - {name: out, service: out/s, rollout: {percent: 0}, set: {}}
  - {name: stock, service: stock/s}
addresses:
  - {service: lane/l, target: target/s, set: {callee: a.b.c}}
`)
	for namespace, want := range map[string]bool{
		"exact": true, "other": true, "team-1": true, "lane": true, "shadow": false, "out": false, "stock": false, "target": false, "none": false, "": false,
	} {
		if got := rules.MayRouteIn(namespace); got != want {
			t.Errorf("%q: %t, want %t", namespace, got, want)
		}
	}
	if (*Rules)(nil).MayRouteIn("exact") {
		t.Error("no rules route")
	}
}

// An empty value is no condition.
func TestEmptyConditions(t *testing.T) {
	rules := mustLoad(t, `{version: 1, rules: [{name: r, service: d/s, when: {set: "", region: "", zone: "", campus: "", ip: "", labels: {}, serviceMetadata: {}}, set: {}}]}`)
	if r, why := rules.Route(Request{Resolved: resolve(rules, "d/s")}, nil); why != WhyRouted || !r.Rule.when.isEmpty() {
		t.Errorf("%v, conditions %+v", why, r.Rule.when)
	}
}

// Passed asks what Route asks: with none of the rules passed over, the next one
// decides.
func TestPassed(t *testing.T) {
	rules := mustLoad(t, `
version: 1
rules:
  - {name: other, service: [default/x, "n/*"], set: {}}
  - {name: ip, service: default/s, when: {ip: 10.9.0.0/16}, set: {}}
  - {name: set, service: default/s, when: {set: "x.*"}, set: {}}
  - {name: region, service: default/s, when: {region: r}, set: {}}
  - {name: label, service: default/s, when: {labels: {lane: gray}}, set: {}}
  - {name: last, service: default/s, when: {zone: z, campus: c}, set: {}}
`)
	req := Request{Caller: location.Identity{SET: "a.b.c", Location: location.Location{Region: "q", Zone: "z", Campus: "c"}}, Resolved: resolve(rules, "default/s")}
	var trace Trace
	route, _ := rules.Route(req, &trace)
	var got []string
	for _, p := range trace.Passed {
		got = append(got, p.Rule.Name+": "+p.Why)
	}
	want := []string{
		"other: it is for default/x, n/*",
		"ip: when.ip does not hold invalid IP",
		`set: when.set wants "x.*", the caller has "a.b.c"`,
		`region: when.region wants "r", the caller has "q"`,
		`label: when.labels wants lane: "gray", the caller has ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if route.Rule.Name != "last" {
		t.Errorf("rule %q decides", route.Rule.Name)
	}
	req.Caller = location.Identity{}
	trace = Trace{}
	if route, _ := rules.Route(req, &trace); route.Rule != nil || len(trace.Passed) != 6 || trace.Passed[5].Why != `when.zone wants "z", the caller has none` {
		t.Errorf("without an identity: %+v", trace.Passed)
	}
}

// The boundaries of a degrade: half unhealthy is left at 50.
func TestSatisfied(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    Degrade
		road Road
		want bool
	}{
		{"half at 50", Degrade{UnhealthyPercent: 50}, Road{InService: 2, Usable: 1, New: 2, NewUsable: 1}, false},
		{"half at 51", Degrade{UnhealthyPercent: 51}, Road{InService: 2, Usable: 1, New: 2, NewUsable: 1}, true},
		{"all unhealthy", Degrade{UnhealthyPercent: 100}, Road{InService: 3, New: 3}, false},
		{"isolated ones are not ill", Degrade{UnhealthyPercent: 50}, Road{Total: 10, InService: 5, Usable: 5, New: 5, NewUsable: 5}, true},
		{"the dead of an earlier road are not counted again", Degrade{UnhealthyPercent: 50}, Road{InService: 9, Usable: 3, New: 3, NewUsable: 3}, true},
		{"nothing new", Degrade{UnhealthyPercent: 100}, Road{InService: 3, Usable: 3}, false},
		{"fewer usable than wanted", Degrade{UnhealthyPercent: 100}, Road{InService: 3, Usable: 1, New: 3, NewUsable: 1, Wanted: 2}, false},
		{"as many usable as wanted", Degrade{UnhealthyPercent: 100}, Road{InService: 3, Usable: 2, New: 3, NewUsable: 1, Wanted: 2}, true},
		{"absence", Degrade{ByAbsence: true, UnhealthyPercent: 1}, Road{InService: 1, Wanted: 9}, true},
		{"absence, and none in service", Degrade{ByAbsence: true}, Road{Total: 3}, false},
	} {
		if got := tt.d.satisfied(tt.road); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// Evacuated instances are left out of a blend, too, and count for no weight.
func TestBlendWithEvacuation(t *testing.T) {
	gone := up("a.b.c", 10000)
	gone.Evacuated = true
	r := Route{Rule: &Rule{SET: &SETStage{Tiers: []Tier{TierOwn}}, Degrade: Degrade{UnhealthyPercent: 100}, Rollout: 100, ByWeight: true}, SETs: "a.b.c"}
	_, members := r.Answer(NewCallee([]Instance{up("a.b.c", 1), gone, up("x.y.z", 1)}), nil)
	if fmt.Sprint(members) != "[{false 0 10000} {false 2 9802}]" {
		t.Errorf("members %v", members)
	}
}

// The callers of a rollout of a percent must not change with an upgrade: a golden value.
func TestRolloutHashStays(t *testing.T) {
	digest := 0
	for i := range 256 {
		if (&Rule{Name: "server-b", Rollout: 5000}).Includes(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})) {
			digest = digest*3%1000003 + i
		}
	}
	if digest != 509052 {
		t.Errorf("the callers of a rollout are others than before: %d", digest)
	}
}

func TestAliasOnlyWhereAsked(t *testing.T) {
	template, err := ParseTemplate("a.{caller.set.2}.{caller.set.3|alias}")
	if err != nil {
		t.Fatal(err)
	}
	if got, whole := template.Apply(location.Identity{SET: "x.SH.SH"}, map[string]string{"SH": "h"}); got != "a.SH.h" || !whole {
		t.Errorf("%s, whole %t, want a.SH.h", got, whole)
	}
}

// An alias is no way around a lane address.
func TestAddressThroughAnAlias(t *testing.T) {
	rules := mustLoad(t, "version: 1\naddresses: [{service: default/lane, target: default/s, set: {callee: a.b.c}}]\n")
	got, why := rules.Route(Request{Resolved: resolve(rules, "default/alias", "default/lane")}, nil)
	if why != WhyRouted || got.Rule.Name != "default/lane" || got.SETs != "a.b.c" {
		t.Errorf("%+v, %q", got, why)
	}
}

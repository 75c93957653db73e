package world_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// What random worlds are made of. Some values are there several times: they are likely.
var (
	someSETs     = []string{"", "", "a.b.c", "a.b.d", "a.b.*", "a.e.c", "f.b.c"}
	somePlaces   = []string{",,", "r1,,", "r1,z1,c1", "r1,z1,c2", "r1,z2,c3", "r2,z3,c4", "r2,z3,c4"}
	someNames    = []string{"s", "t", "lane", "alias", "u"}
	someSubjects = []string{"default/s", "default/t", "default/*", "[default/s, default/alias]", "*/*"}
	someWhens    = []string{"", "", "", "when: {set: 'a.*'}", "when: {region: r1}", "when: {zone: z3, ip: 10.2.0.0/16}", "when: {ip: 10.1.0.0/16}", "when: {labels: {lane: gray}}", "when: {serviceMetadata: {tier: gold}}"}
	someSETKeys  = []string{"", "set: {}", "set: {}", "set: {unknown: none}", "set: {tiers: [own]}", "set: {caller: 'a.b.{caller.set.3}'}", "set: {callee: a.e.c}", "set: {callers: ['{each}.b.c', a.e.c]}", "set: {unknown: unset, tiers: [own, business, unset]}"}
	someNearby   = []string{"", "", "nearby: {}", "nearby: {matchLevel: campus, maxMatchLevel: zone}", "nearby: {matchLevel: all}", "nearby: {maxMatchLevel: region, strict: true}", "nearby: {matchLevel: zone, places: m}"}
	someDegrades = []string{"", "", "degrade: {by: absent}", "degrade: {minUsable: 2}", "degrade: {unhealthyPercent: 50, minUsable: 50%}", "degrade: {tiersBy: absent}"}
	someOthers   = []string{"", "", "onEmpty: all", "order: [nearby, set]"}
	someRollouts = []string{"", "", "", "mode: shadow", "rollout: {percent: 50}", "rollout: {percent: 0}", "rollout: {percent: 40, by: weight}", "rollout: {percent: 1}"}
)

func pick(t *rapid.T, list []string, label string) string {
	return rapid.SampledFrom(list).Draw(t, label)
}

// keys joins the keys of a rule that are there.
func keys(list ...string) string {
	var out []string
	for _, key := range list {
		if key != "" {
			out = append(out, key)
		}
	}
	return strings.Join(out, ", ")
}

// drawRouting draws a routing file.
func drawRouting(t *rapid.T) string {
	const head = "version: 1\nplaces: {m: {r1/z1: [r1/z2, r2], '*': [all]}}\nrules:\n"
	text := head
	for n := range rapid.IntRange(1, 4).Draw(t, "rules") {
		set := pick(t, someSETKeys, "set")
		nearby := pick(t, someNearby, "nearby")
		rule := fmt.Sprintf("  - {%s}\n", keys(fmt.Sprintf("name: r%d", n), "service: "+pick(t, someSubjects, "subject"), pick(t, someWhens, "when"),
			set, nearby, pick(t, someDegrades, "degrade"), pick(t, someOthers, "other"), pick(t, someRollouts, "rollout")))
		var problems strict.Problems
		if route.Load([]strict.File{{Name: "r.yaml", Data: []byte(head + rule)}}, now, &problems) == nil { // its keys exclude one another
			rule = fmt.Sprintf("  - {name: r%d, service: default/s, set: {}, nearby: {matchLevel: campus}, rollout: {percent: 50}}\n", n)
		}
		text += rule
	}
	if rapid.Bool().Draw(t, "lane") {
		text += fmt.Sprintf("addresses:\n  - {%s}\n", keys("service: default/lane", "target: default/"+pick(t, []string{"s", "alias", "gone"}, "target"),
			pick(t, someSETKeys[1:], "set"), pick(t, someRollouts, "rollout")))
	}
	if rapid.IntRange(0, 3).Draw(t, "evacuate") == 0 {
		text += "evacuate: [{zone: r1/z1, until: 2026-11-25T00:00:00Z, reason: drill}]\n"
	}
	return text
}

// loadRouting loads a routing file. Worlds with files that do not load are none.
func loadRouting(t *rapid.T, text string) *route.Rules {
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, now, &problems)
	if rules == nil {
		t.Skip(problems.Err())
	}
	return rules
}

// drawTable draws a mapping.
func drawTable(t *rapid.T) *location.Table {
	text := "match,region,zone,campus,set,label.lane\n"
	for n := range 3 {
		text += fmt.Sprintf("10.%d.0.0/16,%s,%s,\n", n+1, pick(t, somePlaces, "place"), pick(t, someSETs, "set"))
		text += fmt.Sprintf("10.%d.1.0/24,%s,%s,%s\n", n+1, pick(t, somePlaces, "place"), pick(t, someSETs, "set"), pick(t, []string{"", "gray"}, "lane"))
	}
	text = strings.ReplaceAll(text, ",,,,,\n", ",r9,,,,\n") // an entry that says nothing is refused
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(text)}}, &problems)
	if table == nil {
		t.Skip(problems.Err())
	}
	return table
}

// drawWorld draws a state.
func drawWorld(t *rapid.T) *world.World {
	w := &world.World{Rules: loadRouting(t, drawRouting(t)), Table: drawTable(t), Now: now.Add(time.Minute), Aliases: map[route.Service]route.Service{service2("alias"): service2("s")}}
	for _, name := range someNames {
		if name != "alias" && rapid.IntRange(0, 3).Draw(t, "exists") > 0 {
			w.AddService(service2(name), map[string]string{"tier": pick(t, []string{"gold", "lead"}, "tier")})
		}
	}
	for n := range rapid.IntRange(0, 12).Draw(t, "instances") {
		i := instance(pick(t, []string{"s", "s", "s", "t", "lane", "u"}, "service"), fmt.Sprintf("10.%d.%d.%d", n%4+1, n%2, n+1), pick(t, someSETs, "registered"), rapid.IntRange(0, 3).Draw(t, "healthy") > 0)
		i.ID, i.Isolate = fmt.Sprintf("i%02d", n), rapid.IntRange(0, 7).Draw(t, "isolate") == 0
		i.Weight = uint32(rapid.SampledFrom([]int{0, 1, 100, 100, 250}).Draw(t, "weight"))
		w.Instances = append(w.Instances, i)
	}
	for n := range rapid.IntRange(0, 4).Draw(t, "seen") {
		w.Seen = append(w.Seen, world.Seen{Addr: netip.AddrFrom4([4]byte{10, byte(n%4 + 1), byte(n % 2), byte(rapid.IntRange(1, 9).Draw(t, "caller"))}), Requests: uint64(n)})
	}
	w.Sort()
	return w
}

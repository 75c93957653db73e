package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// Files of each node. Lanes are in the config center.
const (
	callersFile = "conf/mapping/callers.yaml"
	hostsFile   = "conf/mapping/hosts.csv"
	rulesFile   = "conf/routing/rules.yaml"
	lanesSource = "polaris://Polaris/setrouter/lanes.yaml"
)

// brokenMark is in files that must never be in force.
const brokenMark = "# broken"

// mapping draws the mapping entries of callers. Most say what kinds says.
func (d draw) mapping() string {
	var b strings.Builder
	b.WriteString("version: 1\nmappings:\n")
	entry := func(match, set string, p oracle.Place, labels string) {
		fmt.Fprintf(&b, "  - {match: %s, set: %q, region: %q, zone: %q, campus: %q, labels: {%s}}\n", match, set, p[0], p[1], p[2], labels)
	}
	for n, k := range kinds[:kindRegistered] {
		if d.chance(10) {
			k.set = pick(d, []string{"qb.novel.h", "qb.novel.*", "ams.feed.z", "epp.core.bj", ""})
		}
		if d.chance(10) {
			k.place = pick(d, places)
		}
		entry(network(n), k.set, k.place, "team: t1")
		// The half of the network with entries of its own.
		set, place := pick(d, []string{"", "", k.set, "qb.comic.h"}), pick(d, []oracle.Place{{}, {}, pick(d, places)})
		entry(fmt.Sprintf("127.%d.1.0/24", 10+n), set, place, "lane: gray")
	}
	fmt.Fprintf(&b, "  - {match: [127.11.0.2, 127.12.0.2], set: qb.novel.*}\n")
	if d.chance(30) {
		b.WriteString("default: {region: north}\n")
	}
	return b.String()
}

// hosts draws the places of the hosts of a quarter of each service's instances.
func (d draw) hosts() string {
	var b strings.Builder
	b.WriteString("match,set,region,zone,campus\n")
	for n := range serviceNames() {
		p := pick(d, places)
		set := ""
		if d.chance(5) {
			set = "qb.novel.z"
		}
		fmt.Fprintf(&b, "10.%d.0.0/24,%s,%s,%s,%s\n", 1+n, set, p[0], p[1], p[2])
	}
	return b.String()
}

// rules draws a rule for each service except lone, and evacuations. Now and then a
// rule for some of the callers comes before the service's rule.
func (d draw) rules(now time.Time) string {
	var b strings.Builder
	b.WriteString("version: 1\naliases: {sh: h, sz: z, bj: bj}\n" + d.defaults() + d.places() + "rules:\n")
	for _, name := range serviceNames() {
		if name == "lone" {
			continue
		}
		service := "default/" + name
		if name == "novel" && d.chance(30) {
			service = "default/nov*"
		}
		if d.chance(30) {
			when := pick(d, []string{
				`set: "qb.*.h"`, "region: east", `serviceMetadata: {gold: "yes"}`, "zone: sz", "campus: sh-1", "ip: [127.12.0.0/16, 127.13.0.1]", "labels: {lane: gray}",
			})
			fmt.Fprintf(&b, "  - {name: %s-some, service: \"%s\", when: {%s}%s}\n", name, service, when, d.stages(""))
		}
		fmt.Fprintf(&b, "  - {name: %s, service: \"%s\"%s}\n", name, service, d.stages(""))
	}
	b.WriteString("evacuate:\n  - {set: no.such.set, until: 2020-01-01T00:00:00Z}\n")
	for range d.IntN(3) {
		p := pick(d, places)
		place := pick(d, []string{
			"region: " + p[0], "zone: " + p[0] + "/" + p[1], "campus: " + strings.Join(p[:], "/"), "set: qb.novel.h", "set: epp.core.bj",
		})
		from := now.Add(time.Duration(d.IntN(6)) * time.Second).UTC()
		until := from.Add(time.Duration(3+d.IntN(20)) * time.Second)
		begin := pick(d, []string{"", "from: " + from.Format(time.RFC3339) + ", "})
		fmt.Fprintf(&b, "  - {%s, %suntil: %s, reason: drill}\n", place, begin, until.Format(time.RFC3339))
	}
	return b.String()
}

// defaults draws what rules do not say themselves.
func (d draw) defaults() string {
	return pick(d, []string{
		"", "", "defaults: {set: {unknown: unset}, order: [nearby, set]}\n", "defaults: {set: {tiers: [own, business]}, degrade: {holdDown: 1s}}\n",
		"defaults: {nearby: {places: cities}, degrade: {tiersBy: absent, minUsable: 2}}\n", "defaults: {nearby: {maxMatchLevel: region}, onEmpty: all}\n",
	})
}

// places draws a map of places. Each rule that uses it can begin with the map: it has
// an entry for everybody.
func (d draw) places() string {
	list := func() string {
		var roads []string
		for range 1 + d.IntN(3) {
			p := pick(d, places)
			roads = append(roads, pick(d, []string{
				p[0], p[0] + "/" + p[1], strings.Join(p[:], "/"), "[" + p[0] + "/" + p[1] + ", north]", "zone", "region",
			}))
		}
		return "[" + strings.Join(roads, ", ") + "]"
	}
	return fmt.Sprintf("places: {cities: {east/sh: %s, east: %s, south/sz/sz-1: %s, \"*\": %s}}\n", list(), list(), list(), list())
}

// lanes draws the lane addresses.
func (d draw) lanes() string {
	as := pick(d, []string{
		"callee: epp.core.bj", "callee: epp.core.bj", "callee: epp.core.sz", `callee: "epp.{caller.set.2}.bj"`, `caller: "epp.core.{caller.zone}"`,
		`callers: ["epp.{each}.bj", "{caller.set}"]`,
	})
	return "version: 1\naddresses:\n" +
		fmt.Sprintf("  - {service: default/core.epp, target: default/epp%s}\n", d.stages(as)) +
		fmt.Sprintf("  - {service: default/old, target: default/epp%s}\n", d.stages(as))
}

// stages draws the keys of a rule that say how it chooses. A lane address says whom its
// callers are routed as.
func (d draw) stages(as string) string {
	var keys []string
	add := func(percent int, format string, args ...any) {
		if d.chance(percent) {
			keys = append(keys, fmt.Sprintf(format, args...))
		}
	}
	if as != "" || d.chance(90) {
		keys = append(keys, "set: "+d.setStage(as))
	}
	add(60, "nearby: {%s, strict: %t}", d.levels(), d.chance(15))
	add(30, "order: [%s]", pick(d, []string{"set, nearby", "nearby, set"}))
	add(70, "degrade: {%s, tiersBy: %s, holdDown: %s}", pick(d, []string{
		"by: absent", "by: unhealthy", "unhealthyPercent: 50, minUsable: 2", "unhealthyPercent: 34, minUsable: 0", "minUsable: 20%", "minUsable: 60%, unhealthyPercent: 70",
	}), pick(d, []string{"unhealthy", "unhealthy", "absent"}), pick(d, []string{"0s", "2s", "10s"}))
	add(30, "onEmpty: %s", pick(d, []string{"all", "all", "empty"}))
	add(10, "mode: shadow")
	add(30, "rollout: {percent: %s, by: %s}", pick(d, []string{"0", "25", "50", "99.99", "100"}), pick(d, []string{"caller", "weight"}))
	if len(keys) == 0 {
		return ""
	}
	return ", " + strings.Join(keys, ", ")
}

// levels draws where a nearby stage begins and ends.
func (d draw) levels() string {
	level := d.IntN(4)
	return pick(d, []string{
		"matchLevel: " + oracle.Levels[level] + ", maxMatchLevel: " + oracle.Levels[d.IntN(level+1)],
		"matchLevel: " + oracle.Levels[level] + ", places: cities", "matchLevel: none, places: cities",
	})
}

func (d draw) setStage(as string) string {
	var keys []string
	if as != "" {
		keys = append(keys, as)
	} else if d.chance(40) {
		keys = append(keys, pick(d, []string{
			`caller: "{caller.set.1}.{caller.set.2}.{caller.zone|alias}"`, `caller: "qb.novel.h"`, `callee: "qb.novel.{caller.zone|alias}"`,
			`callers: ["qb.{each}.{caller.set.3}"]`, `callers: ["{caller.set}", "{each}.novel.h", "ams.feed.{caller.label.lane}"]`,
		}))
	}
	if d.chance(75) {
		keys = append(keys, "tiers: "+pick(d, []string{
			"[own, pool]", "[own, siblings, pool, business]", "[pool, own]", "[own, unset]", "[own, pool, all]", "[siblings, unset]", "[own]",
			"[own, pool, business, unset]",
		}))
	}
	if d.chance(40) {
		keys = append(keys, "unknown: "+pick(d, []string{"all", "unset", "none"}))
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// broken draws a file that does not load.
func (d draw) broken(good string) string {
	return brokenMark + "\n" + pick(d, []string{
		good + "ruels: []\n", "version: 2\n", strings.Replace(good, "version: 1", "version: 1\nversion: 1", 1), good[:len(good)/2] + "\n  - {", "\x00",
	})
}

package route

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Warnings count the callers of the mapping whom a rule is for, and no others: those who
// meet its conditions, and whom no earlier rule takes.
func TestLintCountsTheCallersOfARule(t *testing.T) {
	const sets = `mappings:
  - {match: 10.1.0.0/16, region: south, zone: sz}
  - {match: 10.1.1.0/24, set: qb.novel.z, labels: {lane: gray}}
  - {match: 10.3.0.0/16, region: east, zone: sh}
  - {match: 10.3.1.0/24, set: "qb.novel.*"}
  - {match: 10.3.2.0/24, set: ams.SH.h}`
	rules := func(list ...string) string {
		if strings.Contains(list[len(list)-1], "when:") {
			list = append(list, "{name: last, service: d/s}") // for the others
		}
		return "rules: [" + strings.Join(list, ", ") + "]"
	}
	const roads, stock = "service: d/s, set: {}, nearby: {maxMatchLevel: region, strict: true}}", "{name: stock, service: d/s, when: {%s}}"
	pool := []string{`r.yaml:2:9: warning: rule "r": roads end before the pool for 1 kind of callers in the mapping, as qb.novel.z at south/sz: the mapping has "qb.novel.*" at east/sh only`}
	for _, tt := range []lintCase{
		{"roads, for the region", sets, rules("{name: r, when: {region: south}, " + roads), pool},
		{"roads, for another region", sets, rules("{name: r, when: {region: east}, " + roads), nil},
		{"roads, for the addresses", sets, rules("{name: r, when: {ip: 10.1.1.7}, " + roads), pool},
		{"roads, for a wide prefix", sets, rules("{name: r, when: {ip: 10.1.0.0/16}, " + roads), pool},
		{"roads, for other addresses", sets, rules("{name: r, when: {ip: 10.3.1.0/24}, " + roads), nil},
		{"roads, for addresses that a narrower entry takes", sets, rules("{name: r, when: {ip: 10.1.1.0/24, set: \"qb.*\"}, " + roads), pool},
		{"roads, for the label", sets, rules("{name: r, when: {labels: {lane: gray}}, " + roads), pool},
		{"roads, for another label", sets, rules("{name: r, when: {labels: {lane: blue}}, " + roads), nil},
		{"roads, behind a stock rule for the region", sets, rules(fmt.Sprintf(stock, "region: south"), "{name: r, "+roads), nil},
		{"roads, behind a stock rule for the addresses", sets, rules(fmt.Sprintf(stock, "ip: [10.1.0.0/17, 10.1.128.0/17, 10.1.0.0/16]"), "{name: r, "+roads), nil},
		{"roads, behind a stock rule for some of the addresses", sets, rules(fmt.Sprintf(stock, "ip: 10.1.1.0/25"), "{name: r, when: {set: \"*\"}, "+roads), []string{strings.Replace(pool[0], ":9:", ":63:", 1)}},
		{"roads, behind a stock rule for some of the rule's addresses", sets, rules(fmt.Sprintf(stock, "ip: 10.1.1.0/25"), "{name: r, when: {ip: 10.1.1.7}, "+roads), []string{`r.yaml:2:63: warning: rule "r" can never match: rule "stock" in r.yaml:2 comes first and matches all that it does`}},
		{"roads, behind a rule of a switch of the service", sets, rules(fmt.Sprintf(stock, "serviceMetadata: {x: \"1\"}"), "{name: r, when: {ip: 10.1.1.7}, "+roads), []string{strings.Replace(pool[0], ":9:", ":73:", 1)}},
		{"roads, behind a rule for another service", sets, rules("{name: o, service: d/o, when: {region: south}}", "{name: r, when: {ip: 10.1.1.7}, "+roads), []string{strings.Replace(pool[0], ":9:", ":57:", 1)}},
		{"a tier that nobody is routed to", sets, rules(fmt.Sprintf(stock, "region: east"), "{name: r, service: d/s, when: {set: \"*\"}, set: {caller: \"{caller.set.1}.novel.x\", unknown: none, tiers: [pool]}}"), nil},
		{"a map that does not list a place where the rule has no caller", sets, "places: {m: {south: [all]}}\nrules: [{name: r, service: d/s, when: {region: south}, nearby: {places: m}}]", nil},
		{"a map that does not list a place where the rule has callers", sets, "places: {m: {south: [all]}}\nrules: [{name: r, service: d/s, when: {region: east}, nearby: {places: m}}]", []string{
			`r.yaml:2:10: warning: map "m" has no "*", and does not list 1 place of the mapping, as "east/sh": callers there have no road out`}},
	} {
		t.Run(tt.name, func(t *testing.T) { lint(t, tt) })
	}
}

// A SET has a failover only by rules that its callers get.
func TestLintPoolsOfTheCallersOfARule(t *testing.T) {
	const mapping = `mappings:
  - {match: 10.1.0.1, set: ams.SH.1, region: south, labels: {lane: gray}}
  - {match: 10.1.0.2, set: ams.SH.2}`
	rule := func(when string) string {
		return "rules: [{name: r, service: d/s, when: {" + when + "}, set: {}}, {name: last, service: d/s}]"
	}
	const warning = `m.yaml:3:1: warning: SET "ams.SH.1" has no pool: no mapping entry has "ams.SH.*", the failover that rule "r" has for it`
	for _, tt := range []lintCase{
		{"by region", mapping, rule("region: south"), []string{warning}},
		{"by another region", mapping, rule("region: east"), nil},
		{"by address", mapping, rule("ip: 10.1.0.1"), []string{warning}},
		{"by another address", mapping, rule("ip: 10.2.0.1"), nil},
		{"by label", mapping, rule("labels: {lane: gray}"), []string{warning}},
		{"by another label", mapping, rule("labels: {lane: blue}"), nil},
		{"the other SET of the area", mapping, rule("ip: 10.1.0.2"), []string{
			`m.yaml:4:1: warning: SET "ams.SH.2" has no pool: no mapping entry has "ams.SH.*", the failover that rule "r" has for it`}},
		{"behind a stock rule", mapping, "rules: [{name: stock, service: d/s, when: {set: \"ams.*\"}}, {name: r, service: d/s, set: {}}]", nil},
	} {
		t.Run(tt.name, func(t *testing.T) { lintOf(t, tt, "m.yaml") })
	}
}

// Of the callers who get every business, the warning counts those whom the rule is for.
func TestLintUnknownCountsTheCallersOfARule(t *testing.T) {
	const sets = `mappings:
  - {match: 10.1.0.0/16, region: south, zone: sz}
  - {match: 10.1.1.0/24, set: qb.novel.z, labels: {lane: gray}}
  - {match: 10.3.0.0/16, region: east, zone: sh}
  - {match: 10.3.2.0/24, set: ams.SH.h}`
	const stranger = "whoever is in no mapping entry"
	const south, east = "1 kind of callers in the mapping, as those without a SET at south/sz", "1 kind of callers in the mapping, as those without a SET at east/sh"
	const stock = "{name: stock, service: d/s, when: {%s}}, "
	for _, tt := range []struct{ name, earlier, when, want string }{
		{"no condition", "", "", "2 kinds of callers in the mapping, as those without a SET at south/sz"},
		{"a region", "", "region: east", east},
		{"addresses", "", "ip: 10.1.0.0/16", south},
		{"addresses of a SET", "", "ip: 10.1.1.0/24", stranger},
		{"labels", "", "labels: {lane: gray}", stranger},
		{"behind a stock rule for a region", fmt.Sprintf(stock, "region: south"), "", east},
		{"behind a stock rule for addresses", fmt.Sprintf(stock, "ip: 10.3.0.0/16"), "", south},
		{"behind stock rules for all", fmt.Sprintf(stock, "ip: 10.3.0.0/16") + fmt.Sprintf(strings.Replace(stock, "stock", "more", 1), "region: south"), "", stranger},
		{"behind a rule of a switch of the service", fmt.Sprintf(stock, `serviceMetadata: {x: "1"}`), "region: south", south},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1\n" + sets)}}, &problems)
			routing := "version: 1\nrules: [" + tt.earlier + "\n{name: r, service: d/s, when: {" + tt.when + "}, set: {}}]"
			rules := Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, today, &problems)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			rules.LintUnknown(table, &problems)
			got := ""
			for _, p := range problems.List() {
				got += p.String()
			}
			want := `r.yaml:3:1: warning: rule "r" gives instances of every business to callers of whose SET nothing is known: ` + tt.want + "; " + Remedy
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// BenchmarkLint is the lint of 100 rules and 3,000 SETs: for one service, each with its
// `when`, and for a service each.
func BenchmarkLint(b *testing.B) {
	var mapping strings.Builder
	mapping.WriteString("match,region,zone,set\n")
	for n := range 3000 {
		fmt.Fprintf(&mapping, "10.%d.%d.0/24,r%d,z%d,b%d.a%d.g\n", n/250, n%250, n%3, n%9, n%10, n)
	}
	for _, tt := range []struct{ name, rule string }{
		{"services", "service: d/s%[2]d, set: {}, nearby: {maxMatchLevel: region}"},
		{"regions", "service: d/s, when: {region: r%[3]d, labels: {k: v%[2]d}}, set: {}, nearby: {maxMatchLevel: region}"},
		{"addresses", "service: d/s, when: {ip: 10.%[3]d.%[2]d.0/24}, set: {}, nearby: {maxMatchLevel: region}"},
		{"globs", "service: \"d/*\", when: {set: \"b%[3]d.a%[2]d*\"}, set: {}, nearby: {maxMatchLevel: region}"},
	} {
		routing := "version: 1\nrules:\n"
		for n := range 100 {
			routing += fmt.Sprintf("  - {name: r%[1]d, "+tt.rule+"}\n", n, n, n%10)
		}
		b.Run(tt.name, func(b *testing.B) {
			var problems strict.Problems
			table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping.String())}}, &problems)
			rules := Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, today, &problems)
			if err := problems.Err(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				rules.Lint(table, new(strict.Problems))
			}
		})
	}
}

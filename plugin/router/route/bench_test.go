package route

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/manyrules"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Choosing for one kind of caller: in a service of 50 SETs the candidates are a
// fiftieth of the instances, without a SET stage all of them.
func BenchmarkSelect(b *testing.B) {
	full := Degrade{UnhealthyPercent: 100, MinUsable: 1}
	nearby := &NearbyStage{Match: LevelCampus, Max: LevelAll}
	routes := []struct {
		name string
		rule *Rule
	}{
		{"SET", &Rule{Degrade: full, SET: &SETStage{Tiers: []Tier{TierOwn, TierPool}}}},
		{"SET and nearby", &Rule{Degrade: full, SET: &SETStage{Tiers: []Tier{TierOwn, TierPool}}, Nearby: nearby}},
		{"siblings", &Rule{Degrade: full, SET: &SETStage{Tiers: []Tier{TierSiblings}}}},
		{"nearby", &Rule{Degrade: full, Nearby: nearby}},
	}
	for _, instances := range []int{1000, 10000, 100000} {
		callee := NewCallee(benchInstances(instances))
		for _, kind := range routes {
			r := Route{Rule: kind.rule, SETs: "a.b1.g7", Location: location.Location{Region: "r0", Zone: "z0", Campus: "c0"}}
			b.Run(fmt.Sprintf("%s/%d", kind.name, instances), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.Answer(callee, nil)
				}
			})
		}
		b.Run(fmt.Sprintf("index/%d", instances), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewCallee(callee.Instances)
			}
		})
	}
}

func benchInstances(n int) []Instance {
	list := make([]Instance, n)
	for i := range list {
		c := i / 50 % 27
		list[i] = Instance{
			SET: location.SET(fmt.Sprintf("a.b%d.g%d", i%50/5, i%50)), Healthy: i%10 > 0, Weight: 100,
			Location: location.Location{Region: fmt.Sprintf("r%d", c/9), Zone: fmt.Sprintf("z%d", c/3), Campus: fmt.Sprintf("c%d", c)},
		}
	}
	return list
}

// Finding the rule of a service among many: exact names, and globs of which most
// have a text of their own before or after the wildcard. Every tenth name that is
// asked for has no rule.
func BenchmarkRoute(b *testing.B) {
	for _, rules := range []int{1, 1000, 10000} {
		loaded, names := benchRules(b, rules)
		b.Run(fmt.Sprintf("%d rules", rules), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				loaded.Route(Request{Resolved: loaded.Resolve(Name{Service: names[n%len(names)], Exists: true})}, nil)
			}
		})
	}
	loaded, _ := benchRules(b, 10000)
	unknown := make([]Service, 100000)
	for n := range unknown {
		unknown[n] = Service{"nowhere", fmt.Sprintf("svc-%d.made-up", n)}
	}
	b.Run("10000 rules, 100000 names without a rule", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			loaded.Route(Request{Resolved: loaded.Resolve(Name{Service: unknown[n%len(unknown)]})}, nil)
		}
	})
	var text strings.Builder
	text.WriteString("version: 1\nrules:\n")
	for n := range 10000 {
		fmt.Fprintf(&text, "  - {name: r%d, service: default/s, when: {zone: z%d}, set: {}}\n", n, n)
	}
	same := mustLoad(b, text.String())
	b.Run("10000 rules of one service that differ in when", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			same.Route(Request{Resolved: same.Resolve(Name{Service: Service{"default", "s"}})}, nil)
		}
	})
}

// benchRules has many rules, and the names that clients ask for.
func benchRules(b *testing.B, n int) (*Rules, []Service) {
	var names []Service
	for i := range n {
		name := Service{"default", manyrules.Service(i)}
		if i%10 == 0 {
			name.Name = "no-rule-for-" + name.Name
		}
		names = append(names, name)
	}
	return mustLoad(b, manyrules.File(n)), names
}

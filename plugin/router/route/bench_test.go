package route

import (
	"fmt"
	"testing"

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
		for _, of := range routes {
			r := Route{Rule: of.rule, SET: "a.b1.g7", Location: location.Location{Region: "r0", Zone: "z0", Campus: "c0"}}
			b.Run(fmt.Sprintf("%s/%d", of.name, instances), func(b *testing.B) {
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

package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// oracleOf returns a route in the types of package oracle.
func oracleOf(r Route) (rule slow.Rule, set string, place slow.Place) {
	rule = slow.Rule{
		Degrade:    slow.Degrade{ByAbsence: r.Rule.Degrade.ByAbsence, UnhealthyPercent: r.Rule.Degrade.UnhealthyPercent, MinUsable: r.Rule.Degrade.MinUsable},
		OnEmptyAll: r.Rule.OnEmptyAll, Rollout: int64(r.Rule.Rollout), ByWeight: r.Rule.ByWeight,
	}
	if r.Rule.SET != nil {
		rule.SET = &slow.SETStage{Required: r.Rule.SET.Required}
		for _, tier := range r.Rule.SET.Tiers {
			rule.SET.Tiers = append(rule.SET.Tiers, string(tier))
		}
	}
	if r.Rule.Nearby != nil {
		rule.Nearby = &slow.NearbyStage{Match: int(r.Rule.Nearby.Match), Max: int(r.Rule.Nearby.Max), Strict: r.Rule.Nearby.Strict}
	}
	return rule, string(r.SET), placeOf(r.Location)
}

func placeOf(l location.Location) slow.Place { return slow.Place{l.Region, l.Zone, l.Campus} }

func instancesOf(list []Instance) []slow.Instance {
	out := []slow.Instance{}
	for _, i := range list {
		out = append(out, slow.Instance{
			Place: placeOf(i.Location), SET: string(i.SET), Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight, Evacuated: i.Evacuated,
		})
	}
	return out
}

// oracle returns what package oracle chooses.
func oracle(r Route, all []Instance) (chosen []int, tier, level string) {
	rule, set, place := oracleOf(r)
	c := rule.Choose(set, place, instancesOf(all), slow.Road{})
	return c.Chosen, c.Tier, c.Level
}

func segments(set location.SET) []string {
	return append(strings.Split(string(set), "."), "", "")[:3]
}

var (
	someSET      = rapid.SampledFrom([]location.SET{"", "a.b.c", "a.b.d", "a.b.*", "a.e.c", "a.e.*", "ab.b.c", "f.b.c", "f.b.*"})
	someLocation = rapid.Custom(func(t *rapid.T) location.Location {
		return location.Location{
			Region: rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "region"),
			Zone:   rapid.SampledFrom([]string{"", "z1", "z2"}).Draw(t, "zone"),
			Campus: rapid.SampledFrom([]string{"", "c1", "c2"}).Draw(t, "campus"),
		}
	})
	someInstance = rapid.Custom(func(t *rapid.T) Instance {
		return Instance{
			Location: someLocation.Draw(t, "location"),
			SET:      someSET.Draw(t, "set"),
			Healthy:  rapid.IntRange(0, 2).Draw(t, "healthy") > 0,
			Isolate:  rapid.IntRange(0, 4).Draw(t, "isolate") == 0,
			Weight:   uint32(rapid.SampledFrom([]int{0, 1, 100, 100, 250}).Draw(t, "weight")),

			Evacuated: rapid.IntRange(0, 4).Draw(t, "evacuated") == 0,
		}
	})
	someTiers = rapid.Map(rapid.Permutation([]Tier{TierOwn, TierPool, TierSiblings, TierBusiness, TierUnset, TierAll}),
		func(tiers []Tier) []Tier { return tiers[:1+len(tiers[0])%4] })
)

func drawRule(t *rapid.T) *Rule {
	rule := &Rule{
		Name: "r",
		Degrade: Degrade{
			ByAbsence:        rapid.Bool().Draw(t, "byAbsence"),
			UnhealthyPercent: rapid.SampledFrom([]int{1, 33, 50, 100}).Draw(t, "unhealthyPercent"),
			MinUsable:        rapid.IntRange(0, 3).Draw(t, "minUsable"),
		},
		OnEmptyAll: rapid.Bool().Draw(t, "onEmptyAll"),
	}
	if rapid.IntRange(0, 4).Draw(t, "hasSET") > 0 {
		rule.SET = &SETStage{Tiers: someTiers.Draw(t, "tiers"), Required: rapid.Bool().Draw(t, "required")}
	}
	if rapid.Bool().Draw(t, "hasNearby") {
		levels := []int{rapid.IntRange(0, 3).Draw(t, "level"), rapid.IntRange(0, 3).Draw(t, "level")}
		slices.Sort(levels)
		rule.Nearby = &NearbyStage{Match: Level(levels[1]), Max: Level(levels[0]), Strict: rapid.Bool().Draw(t, "strict")}
	}
	return rule
}

func TestSelectAgreesWithOracle(t *testing.T) { rapid.Check(t, selectAgreesWithOracle) }

func selectAgreesWithOracle(t *rapid.T) {
	r := Route{Rule: drawRule(t), SET: someSET.Draw(t, "caller set"), Location: someLocation.Draw(t, "caller location")}
	instances := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	got := r.Select(NewCallee(instances))
	want, tier, level := oracle(r, instances)
	if fmt.Sprint(got.Chosen, got.Tier, got.Level) != fmt.Sprint(want, tier, level) {
		t.Fatalf("Select: %v tier %q level %q\noracle: %v tier %q level %q", got.Chosen, got.Tier, got.Level, want, tier, level)
	}
}

// Whatever the rule, a caller never gets another business, but by a tier that has it
// (docs/design.md, 5.2).
func TestSelectNeverLeaksAnotherBusiness(t *testing.T) {
	rapid.Check(t, selectNeverLeaksAnotherBusiness)
}

func selectNeverLeaksAnotherBusiness(t *rapid.T) {
	r := Route{Rule: drawRule(t), SET: "a.b.c", Location: someLocation.Draw(t, "caller location")}
	r.Rule.SET = &SETStage{Tiers: []Tier{TierOwn, TierPool, TierSiblings, TierBusiness}}
	instances := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	hasSETs := slices.ContainsFunc(instances, func(i Instance) bool { return i.SET != "" })
	for _, i := range r.Select(NewCallee(instances)).Chosen {
		if set := instances[i].SET; hasSETs && set != "" && segments(set)[0] != "a" {
			t.Fatalf("a.b.c got an instance of %q", set)
		}
	}
}

// An answer depends only on the SETs that Dependencies returns. Whatever happens to the
// instances of another SET while it has any, the answer stays the same.
func TestAnswerHasNoOtherDependencies(t *testing.T) { rapid.Check(t, answerHasNoOtherDependencies) }

func answerHasNoOtherDependencies(t *rapid.T) {
	r := Route{Rule: drawRule(t), SET: someSET.Draw(t, "caller set"), Location: someLocation.Draw(t, "caller location")}
	before := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	callee := NewCallee(before)
	d, members := r.Answer(callee, nil)
	sets, ok := r.Dependencies(callee, d)
	if !ok {
		return
	}
	var after []Instance
	kept := make([]int, len(before)) // the new indexes of the instances that stay
	for n, i := range before {
		if slices.Contains(sets, i.SET) {
			kept[n] = len(after)
			after = append(after, i)
			continue
		}
		for range rapid.IntRange(1, 2).Draw(t, "instead") {
			other := someInstance.Draw(t, "other")
			other.SET = i.SET
			after = append(after, other)
		}
	}
	for n := range members {
		members[n].Index = kept[members[n].Index]
	}
	again, got := r.Answer(NewCallee(after), nil)
	again.Chosen, d.Chosen = nil, nil
	if !slices.Equal(got, members) || fmt.Sprint(again) != fmt.Sprint(d) {
		t.Fatalf("depends on %q\nbefore %v %+v\nafter  %v %+v", sets, members, d, got, again)
	}
}

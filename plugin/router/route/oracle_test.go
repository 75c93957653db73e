package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// oracle reads like design section 5: slow, and obviously right. It shares no
// code with Select but the types.
func oracle(r Route, all []Instance) (chosen []int, tier, level string) {
	left := indexes(all, func(Instance) bool { return true })
	instead := left
	if set := r.Rule.SET; set != nil {
		switch {
		case len(indexes(all, func(i Instance) bool { return i.SET != "" })) == 0:
		case r.SET == "":
			if set.Required {
				left = nil
			}
		case len(indexes(all, func(i Instance) bool { return segments(i.SET)[0] == segments(r.SET)[0] })) == 0:
			tier = "unset"
			left = indexes(all, func(i Instance) bool { return i.SET == "" })
			instead = left
		default:
			instead = indexes(all, func(i Instance) bool {
				return slices.ContainsFunc(set.Tiers, func(t Tier) bool { return oracleTier(t, r.SET, i.SET) })
			})
			var names []string
			var groups [][]int
			for _, t := range set.Tiers {
				names = append(names, string(t))
				groups = append(groups, indexes(all, func(i Instance) bool { return oracleTier(t, r.SET, i.SET) }))
			}
			left, tier = oracleFirst(r.Rule.Degrade, all, names, groups)
		}
	}
	if near := r.Rule.Nearby; near != nil {
		known := 0
		for _, field := range []string{r.Location.Region, r.Location.Zone, r.Location.Campus} {
			if field == "" {
				break
			}
			known++
		}
		if known == 0 && near.Strict {
			left = nil
		}
		if known > 0 {
			var names []string
			var groups [][]int
			for _, l := range []Level{Campus, Zone, Region, All} {
				if l > near.Match || l < near.Max || int(l) > known {
					continue
				}
				names = append(names, l.String())
				var group []int
				for _, i := range left {
					if oracleLevel(l, r.Location, all[i].Location) {
						group = append(group, i)
					}
				}
				groups = append(groups, group)
			}
			left, level = oracleFirst(r.Rule.Degrade, all, names, groups)
		}
	}
	if len(left) == 0 && r.Rule.OnEmptyAll {
		left = instead
	}
	if len(usable(all, left)) == 0 {
		return left, tier, level
	}
	var stay []int
	for _, i := range left {
		if !all[i].Evacuated {
			stay = append(stay, i)
		}
	}
	return stay, tier, level
}

func usable(all []Instance, of []int) (out []int) {
	for _, i := range of {
		if all[i].Healthy && !all[i].Isolate && all[i].Weight > 0 && !all[i].Evacuated {
			out = append(out, i)
		}
	}
	return out
}

func segments(set location.SET) []string {
	return append(strings.Split(string(set), "."), "", "")[:3]
}

func indexes(all []Instance, is func(Instance) bool) []int {
	var out []int
	for n, i := range all {
		if is(i) {
			out = append(out, n)
		}
	}
	return out
}

func oracleTier(t Tier, caller, set location.SET) bool {
	a, b := segments(caller), segments(set)
	if t == Every {
		return true
	}
	if t == Unset || set == "" {
		return t == Unset && set == ""
	}
	switch t {
	case Own:
		return set == caller || a[2] == "*" && a[0] == b[0] && a[1] == b[1]
	case Pool:
		return a[0] == b[0] && a[1] == b[1] && b[2] == "*"
	case Siblings:
		return a[0] == b[0] && a[1] == b[1]
	}
	return a[0] == b[0]
}

func oracleLevel(l Level, caller, i location.Location) bool {
	switch l {
	case All:
		return true
	case Region:
		return i.Region != "" && i.Region == caller.Region
	case Zone:
		return i.Region != "" && i.Zone != "" && i.Region == caller.Region && i.Zone == caller.Zone
	}
	return i.Region != "" && i.Zone != "" && i.Campus != "" && i == caller
}

// oracleFirst takes the first satisfied group, else the first with members.
func oracleFirst(d Degrade, all []Instance, names []string, groups [][]int) ([]int, string) {
	for n, group := range groups {
		total, up := len(group), len(usable(all, group))
		satisfied := total > 0
		if !d.ByAbsence {
			satisfied = satisfied && (total-up)*100 < total*d.UnhealthyPercent && up >= d.MinUsable
		}
		if satisfied {
			return group, names[n]
		}
	}
	for n, group := range groups {
		if len(group) > 0 {
			return group, names[n]
		}
	}
	return nil, ""
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
	someTiers = rapid.Map(rapid.Permutation([]Tier{Own, Pool, Siblings, Business, Unset, Every}),
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

// What design section 5 promises whatever the rule: another business is never
// reached but by a tier that names it.
func TestSelectNeverLeaksAnotherBusiness(t *testing.T) {
	rapid.Check(t, selectNeverLeaksAnotherBusiness)
}

func selectNeverLeaksAnotherBusiness(t *rapid.T) {
	r := Route{Rule: drawRule(t), SET: "a.b.c", Location: someLocation.Draw(t, "caller location")}
	r.Rule.SET = &SETStage{Tiers: []Tier{Own, Pool, Siblings, Business}}
	instances := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	hasSETs := slices.ContainsFunc(instances, func(i Instance) bool { return i.SET != "" })
	for _, i := range r.Select(NewCallee(instances)).Chosen {
		if set := instances[i].SET; hasSETs && set != "" && segments(set)[0] != "a" {
			t.Fatalf("a.b.c got an instance of %q", set)
		}
	}
}

// An answer depends on the SETs that Reads names, and no others: whatever
// happens to instances of another SET, while it has any.
func TestAnswerDependsOnWhatItReads(t *testing.T) { rapid.Check(t, answerDependsOnWhatItReads) }

func answerDependsOnWhatItReads(t *rapid.T) {
	r := Route{Rule: drawRule(t), SET: someSET.Draw(t, "caller set"), Location: someLocation.Draw(t, "caller location")}
	before := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	callee := NewCallee(before)
	d, members := r.Answer(callee, nil)
	reads, ok := r.Reads(callee, d)
	if !ok {
		return
	}
	var after []Instance
	kept := make([]int, len(before)) // indexes of what stays, after
	for n, i := range before {
		if slices.Contains(reads, i.SET) {
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
		t.Fatalf("reads %q\nbefore %v %+v\nafter  %v %+v", reads, members, d, got, again)
	}
}

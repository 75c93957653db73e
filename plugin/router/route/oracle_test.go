package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// oracleOf returns a route without {each} in the types of package oracle.
func oracleOf(r Route) (rule slow.Rule, sets []string, place slow.Place) {
	d := r.Rule.Degrade
	rule = slow.Rule{
		Degrade: slow.Degrade{
			ByAbsence: d.ByAbsence, TiersByAbsence: d.TiersByAbsence, UnhealthyPercent: d.UnhealthyPercent,
			MinUsable: d.MinUsable, MinUsableIsShare: d.MinUsableIsShare, HoldDown: d.HoldDown,
			Overprovision: d.Overprovision, Failback: d.Failback,
		},
		NearbyFirst: r.Rule.NearbyFirst, OnEmptyAll: r.Rule.OnEmptyAll, Rollout: int64(r.Rule.Rollout), ByWeight: r.Rule.ByWeight,
	}
	if s := r.Rule.SET; s != nil {
		rule.SET = &slow.SETStage{Unknown: string(s.Unknown), Callee: s.Callee}
		for _, tier := range s.Tiers {
			rule.SET.Tiers = append(rule.SET.Tiers, string(tier))
		}
	}
	if n := r.Rule.Nearby; n != nil {
		rule.Nearby = &slow.NearbyStage{Match: int(n.Match), Max: int(n.Max), Strict: n.Strict, Places: oracleMaps[n.Places]}
	}
	sets = strings.Fields(string(r.SETs))
	if len(sets) == 0 || r.Rule.SET == nil {
		sets = []string{""}
	}
	return rule, sets, placeOf(r.Location)
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

func segments(set location.SET) []string {
	return append(strings.Split(string(set), "."), "", "")[:3]
}

var (
	someSET      = rapid.SampledFrom([]location.SET{"", "a.b.c", "a.b.d", "a.b.*", "a.e.c", "a.e.*", "ab.b.c", "f.b.c", "f.b.*"})
	someSETs     = rapid.SampledFrom([]SETs{"", "a", "a.b.c", "a.b.c", "a.b.d", "a.b.*", "a.e.*", "g.b.c", "a a.b.c", "a.b.* f.b.c", "a.b.c a.b.d f"})
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

// someMaps are maps of places, and what the oracle makes of them.
var someMaps, oracleMaps = func() (maps []*PlaceMap, oracle map[*PlaceMap]slow.PlaceMap) {
	oracle = map[*PlaceMap]slow.PlaceMap{}
	for _, entries := range []map[string][][]string{
		{"r1": {{"r2"}}, "r1/z1": {{"campus"}, {"r1/z2"}}, "r2/z1": {{"r1/z1", "r1/z2/c1"}, {"all"}}},
		{"r1/z1/c1": {{"r2/z2"}, {"region"}}, "r1": {{"zone"}}, "*": {{"region"}, {"r2/z1"}}},
		{"r2": {{"zone"}}, "*": {{"region"}}},
		{"*": {{"r1/z1"}, {"r2"}, {"all"}}},
	} {
		text, said := "version: 1\nplaces:\n  m:\n", slow.PlaceMap{}
		for key, list := range entries {
			text += fmt.Sprintf("    %q: [", key)
			for _, group := range list {
				said[key] = append(said[key], group)
				if len(group) == 1 {
					text += group[0] + ", "
				} else {
					text += "[" + strings.Join(group, ", ") + "], "
				}
			}
			text += "]\n"
		}
		text += "rules: [{name: r, service: a/b, nearby: {places: m}}]"
		var problems strict.Problems
		rules := Load([]strict.File{{Name: "m.yaml", Data: []byte(text)}}, today, &problems)
		if err := problems.Err(); err != nil {
			panic(err)
		}
		m := rules.All()[0].Nearby.Places
		maps, oracle[m] = append(maps, m), said
	}
	return maps, oracle
}()

func drawRule(t *rapid.T) *Rule {
	rule := &Rule{
		Name: "r",
		Degrade: Degrade{
			ByAbsence:        rapid.Bool().Draw(t, "byAbsence"),
			TiersByAbsence:   rapid.Bool().Draw(t, "tiersByAbsence"),
			UnhealthyPercent: rapid.SampledFrom([]int{1, 33, 50, 100}).Draw(t, "unhealthyPercent"),
			MinUsable:        rapid.IntRange(0, 3).Draw(t, "minUsable"),
		},
		NearbyFirst: rapid.Bool().Draw(t, "nearbyFirst"),
		OnEmptyAll:  rapid.Bool().Draw(t, "onEmptyAll"),
	}
	if rapid.Bool().Draw(t, "share") {
		rule.Degrade.MinUsable, rule.Degrade.MinUsableIsShare = rapid.SampledFrom([]int{1, 20, 51, 100}).Draw(t, "minUsable"), true
	}
	if rapid.IntRange(0, 2).Draw(t, "overprovision") == 0 {
		rule.Degrade = Degrade{UnhealthyPercent: 100, MinUsable: 1, Overprovision: rapid.SampledFrom([]int{100, 140, 333, 1000}).Draw(t, "percent")}
	}
	if rapid.IntRange(0, 4).Draw(t, "hasSET") > 0 {
		rule.SET = &SETStage{
			Tiers: someTiers.Draw(t, "tiers"), Callee: rapid.Bool().Draw(t, "callee"),
			Unknown: rapid.SampledFrom([]Unknown{UnknownAll, UnknownUnset, UnknownNone}).Draw(t, "unknown"),
		}
	}
	if rapid.Bool().Draw(t, "hasNearby") {
		levels := []int{rapid.IntRange(0, 3).Draw(t, "level"), rapid.IntRange(0, 3).Draw(t, "level")}
		slices.Sort(levels)
		rule.Nearby = &NearbyStage{Match: Level(levels[1]), Max: Level(levels[0]), Strict: rapid.Bool().Draw(t, "strict")}
		if rapid.Bool().Draw(t, "places") {
			rule.Nearby.Max, rule.Nearby.Places = LevelAll, rapid.SampledFrom(someMaps).Draw(t, "map")
			if rapid.IntRange(0, 3).Draw(t, "none") == 0 && rule.Nearby.Places.hasOthers {
				rule.Nearby.Match = LevelNone
			}
		}
	}
	return rule
}

// textOf returns a decision as a text: whom it gives, and of each SET the road.
func textOf(d Decision) string {
	text := fmt.Sprint(d.Chosen)
	for _, c := range d.Choices {
		text += fmt.Sprintf(" %d %q %q %t %v", c.SETRule, c.Tier, c.Level, c.Widened, c.Chosen)
		for _, p := range c.portions {
			text += fmt.Sprint(" ", p.Share, p.Members)
		}
	}
	return text
}

// textOfChoices is textOf for what the oracle chooses.
func textOfChoices(chosen []int, choices []slow.Choice) string {
	text := fmt.Sprint(chosen)
	for _, c := range choices {
		text += fmt.Sprintf(" %d %q %q %t %v", c.SETRule, c.Tier, c.Level, c.OnEmpty, c.Chosen)
		for _, s := range c.Shares {
			text += fmt.Sprint(" ", s.Percent, s.Members)
		}
	}
	return text
}

func TestSelectAgreesWithOracle(t *testing.T) { rapid.Check(t, selectAgreesWithOracle) }

func selectAgreesWithOracle(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	instances := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	rule, sets, place := oracleOf(r)
	got, want := textOf(r.Select(NewCallee(instances))), textOfChoices(rule.Decide(sets, place, instancesOf(instances), nil, time.Time{}))
	if got != want {
		t.Fatalf("Select: %s\noracle: %s", got, want)
	}
}

func TestSettleAgreesWithOracle(t *testing.T) { rapid.Check(t, settleAgreesWithOracle) }

// settleAgreesWithOracle compares decisions with a past, while instances come, go and
// change.
func settleAgreesWithOracle(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	r.Rule.Degrade.HoldDown = rapid.SampledFrom([]time.Duration{0, 5 * time.Second, 10 * time.Second}).Draw(t, "holdDown")
	if r.Rule.Degrade.Overprovision > 0 {
		r.Rule.Degrade.Failback = rapid.SampledFrom([]time.Duration{0, 7 * time.Second, 30 * time.Second}).Draw(t, "failback")
	}
	rule, sets, place := oracleOf(r)
	instances := rapid.SliceOfN(someInstance, 0, 10).Draw(t, "instances")
	now, memory, oracleMemory := time.Unix(0, 0), Memory{}, slow.Memory{}
	var past strings.Builder
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		var d Decision
		d, _, memory = r.Settle(NewCallee(slices.Clone(instances)), nil, memory, now)
		chosen, choices := rule.Decide(sets, place, instancesOf(instances), oracleMemory, now)
		if got, want := textOf(d), textOfChoices(chosen, choices); got != want {
			t.Fatalf("at %d s of\n%+v\nSettle: %s\noracle: %s\nbefore:\n%s", now.Unix(), instancesOf(instances), got, want, past.String())
		}
		fmt.Fprintf(&past, "%d s: %s of %+v\n", now.Unix(), textOf(d), instancesOf(instances))
		now = now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "seconds")) * time.Second)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if n := rapid.IntRange(0, len(instances)).Draw(t, "instance"); n < len(instances) {
				instances[n].Healthy, instances[n].Isolate = rapid.Bool().Draw(t, "healthy"), rapid.IntRange(0, 5).Draw(t, "isolate") == 0
				continue
			}
			instances = append(instances, someInstance.Draw(t, "new"))
		}
	}
}

// Whatever the rule, a caller never gets another business, but by a tier that has it
// (docs/design.md, 5.2).
func TestSelectNeverLeaksAnotherBusiness(t *testing.T) {
	rapid.Check(t, selectNeverLeaksAnotherBusiness)
}

func selectNeverLeaksAnotherBusiness(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: rapid.SampledFrom([]SETs{"a", "a.b.*", "a.b.c", "a a.b.c a.e.*"}).Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	r.Rule.SET = &SETStage{Tiers: []Tier{TierOwn, TierPool, TierSiblings, TierBusiness}, Unknown: UnknownAll}
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
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
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
	for n := range again.Choices {
		for _, c := range []*Choice{&again.Choices[n], &d.Choices[n]} {
			c.Chosen, c.tiers, c.portions = nil, nil, nil
		}
		d.Choices[n].LastResort = again.Choices[n].LastResort // the list is the same with it and without
	}
	again.Chosen, d.Chosen = nil, nil
	if !slices.Equal(got, members) || fmt.Sprint(again) != fmt.Sprint(d) {
		t.Fatalf("depends on %q\nbefore %v %+v\nafter  %v %+v", sets, members, d, got, again)
	}
}

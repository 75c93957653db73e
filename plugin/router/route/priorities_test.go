package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// textOfPriorities returns priorities as roads and indexes.
func textOfPriorities(list []Priority) string {
	var out []string
	for _, p := range list {
		var members []string
		for _, m := range p.Members {
			members = append(members, fmt.Sprint(m.Index))
		}
		out = append(out, strings.TrimSpace(p.Tier+" "+p.Level)+": "+strings.Join(members, " "))
	}
	return strings.Join(out, "; ")
}

// The roads of one rule as priorities.
func TestPriorities(t *testing.T) {
	in := func(set location.SET, zone string) Instance {
		return Instance{SET: set, Location: location.Location{Region: "r", Zone: zone}, Healthy: true, Weight: 100}
	}
	all := func() []Instance {
		return []Instance{
			0: in("a.b.c", "z"), 1: in("a.b.c", "z"), 2: in("a.b.c", "y"), 3: in("a.b.*", "z"), 4: in("a.b.*", "y"), 5: in("a.b.d", "z"), 6: in("f.b.c", "z"), 7: in("", "z"),
		}
	}
	kill := func(list []Instance, dead ...int) []Instance {
		for _, n := range dead {
			list[n].Healthy = false
		}
		return list
	}
	evacuate := func(list []Instance, out ...int) []Instance {
		for _, n := range out {
			list[n].Evacuated = true
		}
		return list
	}
	rule := func(change func(*Rule)) *Rule {
		r := &Rule{
			Name: "r", Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1}, Rollout: FullRollout,
			SET: &SETStage{Tiers: []Tier{TierOwn, TierPool}, Unknown: UnknownAll}, Nearby: &NearbyStage{Match: LevelZone, Max: LevelAll},
		}
		if change != nil {
			change(r)
		}
		return r
	}
	for _, tt := range []struct {
		name      string
		rule      *Rule
		sets      SETs
		instances []Instance
		want      string
	}{
		{"the first road", rule(nil), "a.b.c", all(), "own zone: 0 1; own region: 2; pool zone: 3; pool region: 4"},
		{"levels first", rule(func(r *Rule) { r.NearbyFirst = true }), "a.b.c", all(), "own zone: 0 1; pool zone: 3; own region: 2; pool region: 4"},
		{"a later road: those behind it, then those before it", rule(nil), "a.b.c", kill(all(), 0, 1, 2), "pool zone: 3; pool region: 4; own zone: 0 1; own region: 2"},
		{"a road that holds an earlier one", rule(nil), "a.b.c", kill(all(), 0, 1), "own region: 0 1 2; pool zone: 3; pool region: 4"},
		{"minUsable", rule(func(r *Rule) { r.Degrade.MinUsable = 2 }), "a.b.c", kill(all(), 0), "own region: 0 1 2; pool zone: 3; pool region: 4"},
		{"tiers that lie in one another", rule(func(r *Rule) { r.SET.Tiers, r.Nearby = []Tier{TierOwn, TierPool, TierSiblings, TierAll}, nil }), "a.b.c", all(), "own: 0 1 2; pool: 3 4; siblings: 5; all: 6 7"},
		{"evacuated", rule(nil), "a.b.c", evacuate(all(), 0, 1, 4), "own region: 2; pool zone: 3"},
		{"evacuated, and nothing else is usable", rule(nil), "a.b.c", kill(evacuate(all(), 0, 1), 2, 3, 4), "own zone: 0 1; own region: 2; pool zone: 3; pool region: 4"},
		{"by: absent", rule(func(r *Rule) { r.Degrade.ByAbsence = true }), "a.b.c", kill(all(), 0, 1), "own zone: 0 1"},
		{"tiersBy: absent", rule(func(r *Rule) { r.Degrade.TiersByAbsence = true }), "a.b.c", kill(all(), 0, 1), "own region: 0 1 2"},
		{"several SETs", rule(nil), "a.b.c a.b.d", all(), ": 0 1 5"},
		{"another business", rule(nil), "f.b.c", all(), "own zone: 6"},
		{"no instance of the business", rule(nil), "g.b.c", all(), "unset zone: 7"},
		{"nothing is known of the SET", rule(nil), "", all(), "zone: 0 1 3 5 6 7; region: 2 4"},
		{"nothing is known of the SET, unknown: none", rule(func(r *Rule) { r.SET.Unknown = UnknownNone }), "", all(), ""},
		{"onEmpty: empty", rule(func(r *Rule) { r.SET.Tiers = []Tier{TierPool} }), "f.b.c", all(), ""},
		{"onEmpty: all", rule(func(r *Rule) { r.Nearby.Max, r.Nearby.Match, r.OnEmptyAll = LevelCampus, LevelCampus, true }), "a.b.c", all(), ": 0 1 2 3 4"},
		{"rollout by weight", rule(func(r *Rule) { r.ByWeight, r.Rollout = true, FullRollout/2 }), "a.b.c", all(), "own zone: 0 1 2 3 4 5 6 7"},
		{"rollout by weight, of all", rule(func(r *Rule) { r.ByWeight = true }), "a.b.c", all(), "own zone: 0 1; own region: 2; pool zone: 3; pool region: 4"},
		{"overprovision: in their own order, whatever takes shares", rule(func(r *Rule) { r.Degrade.Overprovision = 140 }), "a.b.c", kill(all(), 0, 1, 2), "own zone: 0 1; own region: 2; pool zone: 3; pool region: 4"},
		{"no instance", rule(nil), "a.b.c", nil, ""},
	} {
		r := Route{Rule: tt.rule, SETs: tt.sets, Location: location.Location{Region: "r", Zone: "z"}}
		if tt.name == "onEmpty: all" {
			r.Location.Campus = "1"
		}
		callee := NewCallee(tt.instances)
		if got := textOfPriorities(r.Priorities(r.Select(callee), callee, nil)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The hold-down is in the order of the priorities: a caller that is held stays on its road.
func TestPrioritiesAreHeld(t *testing.T) {
	r := Route{Rule: &Rule{Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: 10 * time.Second}, SET: &SETStage{Tiers: []Tier{TierOwn, TierPool}}}, SETs: "a.b.c"}
	var memory Memory
	for _, step := range []struct {
		at   int // seconds
		own  bool
		want string
	}{
		{0, true, "own: 0; pool: 1"},
		{1, false, "pool: 1; own: 0"},
		{2, true, "pool: 1; own: 0"},
		{12, true, "own: 0; pool: 1"},
	} {
		callee := NewCallee([]Instance{{SET: "a.b.c", Healthy: step.own, Weight: 1}, {SET: "a.b.*", Healthy: true, Weight: 1}})
		var d Decision
		d, _, memory = r.Settle(callee, nil, memory, time.Unix(int64(step.at), 0))
		if got := textOfPriorities(r.Priorities(d, callee, nil)); got != step.want {
			t.Errorf("at %d s: %s, want %s", step.at, got, step.want)
		}
	}
}

func TestPrioritiesAgreeWithOracle(t *testing.T) { rapid.Check(t, prioritiesAgreeWithOracle) }

// prioritiesAgreeWithOracle compares priorities with a past. The first is the list, no
// instance is in two, and none is of no road.
func prioritiesAgreeWithOracle(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	r.Rule.Degrade.HoldDown = rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(t, "holdDown")
	r.Rule.ByWeight, r.Rule.Rollout = rapid.Bool().Draw(t, "by weight"), rapid.SampledFrom([]int{1, FullRollout, FullRollout}).Draw(t, "rollout")
	rule, sets, place := oracleOf(r)
	now, memory, oracleMemory := time.Unix(0, 0), Memory{}, slow.Memory{}
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		instances := rapid.SliceOfN(someInstance, 0, 10).Draw(t, "instances")
		callee := NewCallee(instances)
		var d Decision
		var list []Member
		d, list, memory = r.Settle(callee, nil, memory, now)
		_, choices := rule.Decide(sets, place, instancesOf(instances), oracleMemory, now)
		var got [][]int
		for n, p := range r.Priorities(d, callee, nil) {
			var indexes []int
			for _, m := range p.Members {
				indexes = append(indexes, m.Index)
			}
			got = append(got, indexes)
			if n == 0 && r.Rule.Degrade.Overprovision == 0 && !slices.Equal(p.Members, list) {
				t.Fatalf("the first priority is %v, the list %v", p.Members, list)
			}
		}
		want := rule.Priorities(choices, sets[0], place, instancesOf(instances))
		if want == nil && len(list) > 0 {
			if len(got) != 1 {
				t.Fatalf("priorities %v, want the list alone", got)
			}
		} else if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("priorities %v\noracle     %v", got, want)
		}
		now = now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "seconds")) * time.Second)
	}
}

func TestPrioritiesHaveNoOtherDependencies(t *testing.T) {
	rapid.Check(t, prioritiesHaveNoOtherDependencies)
}

// prioritiesHaveNoOtherDependencies puts other instances in the place of those of SETs
// that priorities do not depend on. An earlier decision then gives the same priorities.
func prioritiesHaveNoOtherDependencies(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	before := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
	callee := NewCallee(before)
	d := r.Select(callee)
	want := r.Priorities(d, callee, nil)
	sets, ok := r.PriorityDependencies(callee, d)
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
	for _, p := range want {
		for n := range p.Members {
			p.Members[n].Index = kept[p.Members[n].Index]
		}
	}
	if got := r.Priorities(d, NewCallee(after), nil); textOfPriorities(got) != textOfPriorities(want) {
		t.Fatalf("depends on %q\nbefore %v %s\nafter  %v %s", sets, before, textOfPriorities(want), after, textOfPriorities(got))
	}
}

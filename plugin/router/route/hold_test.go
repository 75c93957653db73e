package route

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// A caller of a.b.c goes to the pool at once, and back after the hold-down.
func TestHoldDown(t *testing.T) {
	rule := &Rule{
		Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: 10 * time.Second},
		SET:     &SETStage{Tiers: []Tier{TierOwn, TierPool}}, Nearby: &NearbyStage{Match: LevelZone, Max: LevelAll},
	}
	r := Route{Rule: rule, SETs: "a.b.c", Location: location.Location{Region: "r", Zone: "z"}}
	up := func(set location.SET, zone string, healthy bool) Instance {
		return Instance{SET: set, Location: location.Location{Region: "r", Zone: zone}, Healthy: healthy, Weight: 1}
	}
	begin := time.Unix(0, 0)
	var memory Memory
	for _, step := range []struct {
		at                      int // seconds
		own, far, pool, poolFar bool
		want                    string
		until                   int // seconds; 0: for ever
	}{
		{0, true, true, true, true, "own zone", 0},
		{1, false, true, true, true, "own region", 0},     // wider at once
		{2, true, true, true, true, "own region", 12},     // back: not yet
		{3, false, true, true, true, "own region", 0},     // a flap
		{4, true, true, true, true, "own region", 14},     // counts anew
		{13, true, true, true, true, "own region", 14},    // not yet
		{14, true, true, true, true, "own zone", 0},       // now
		{15, false, false, true, true, "pool zone", 0},    // another tier
		{16, false, false, false, true, "pool region", 0}, // and level of it
		{17, true, false, false, true, "pool region", 27},
		{18, true, false, true, true, "pool region", 27}, // narrower levels of what is held wait, too
		{19, true, false, false, false, "own zone", 0},   // what is held fails: the narrow one at once
		{20, false, false, false, true, "pool region", 0},
		{21, true, false, false, true, "pool region", 31},
		{31, true, false, false, true, "own zone", 0},
	} {
		callee := NewCallee([]Instance{up("a.b.c", "z", step.own), up("a.b.c", "y", step.far), up("a.b.*", "z", step.pool), up("a.b.*", "y", step.poolFar)})
		var d Decision
		d, _, memory = r.Settle(callee, nil, memory, begin.Add(time.Duration(step.at)*time.Second))
		until := 0
		if !d.HeldUntil().IsZero() {
			until = int(d.HeldUntil().Sub(begin).Seconds())
		}
		if got := d.Tier() + " " + d.Level(); got != step.want || until != step.until {
			t.Errorf("at %d s: %s until %d s, want %s until %d s", step.at, got, until, step.want, step.until)
		}
	}
}

// A tier is not held on to when the level that is held in it fails: nothing would
// end that. FuzzHoldDown found it.
func TestHoldDownEndsWithItsLevel(t *testing.T) {
	r := Route{
		Rule: &Rule{
			Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: 10 * time.Second},
			SET:     &SETStage{Tiers: []Tier{TierOwn, TierAll}}, Nearby: &NearbyStage{Match: LevelZone, Max: LevelRegion},
		},
		SETs: "a.b.c", Location: location.Location{Region: "r", Zone: "z"},
	}
	instance := func(set location.SET, region, zone string) Instance {
		return Instance{SET: set, Location: location.Location{Region: region, Zone: zone}, Healthy: true, Weight: 1}
	}
	begin := time.Unix(0, 0)
	_, _, memory := r.Settle(NewCallee([]Instance{instance("a.b.d", "r", "y")}), nil, Memory{}, begin) // tier all, level region
	callee := NewCallee([]Instance{instance("a.b.d", "q", "x"), instance("a.b.c", "q", "x")})          // both tiers are up, in another region
	d, _, memory := r.Settle(callee, nil, memory, begin.Add(time.Second))
	if natural := r.Select(callee); d.Tier() != natural.Tier() || !d.HeldUntil().IsZero() || memory.choices[0].road != -1 {
		t.Errorf("tier %s until %v, want %s for ever", d.Tier(), d.HeldUntil(), natural.Tier())
	}
}

// Whatever instances do: a decision is the one without hold-down, or one that
// was there before, is satisfied, and waits for no longer than the hold-down.
func TestHoldDownKeepsWhatIsSatisfied(t *testing.T) { rapid.Check(t, holdDownKeepsWhatIsSatisfied) }

func holdDownKeepsWhatIsSatisfied(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: SETs(someSET.Draw(t, "caller set")), Location: someLocation.Draw(t, "caller location")}
	r.Rule.Degrade.HoldDown = 10 * time.Second
	var memory Memory
	var before Decision
	now := time.Unix(0, 0)
	for range rapid.IntRange(1, 10).Draw(t, "steps") {
		now = now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "seconds")) * time.Second)
		callee := NewCallee(rapid.SliceOfN(someInstance, 0, 8).Draw(t, "instances"))
		natural := r.Select(callee)
		var d Decision
		d, _, memory = r.Settle(callee, nil, memory, now)
		held := d.HeldUntil()
		if held.IsZero() {
			if fmt.Sprint(d.Chosen, d.Tier(), d.Level()) != fmt.Sprint(natural.Chosen, natural.Tier(), natural.Level()) {
				t.Fatalf("%+v, want %+v", d, natural)
			}
		} else {
			if d.Choices[0].taken != before.Choices[0].taken || held.After(now.Add(10*time.Second)) || !now.Before(held) {
				t.Fatalf("at %v: %+v after %+v", now, d, before)
			}
			if !slices.ContainsFunc(d.Choices[0].Roads, func(r Road) bool { return r.Taken && r.Satisfied }) {
				t.Fatalf("held, and not satisfied: %+v", d)
			}
		}
		before = d
	}
}

package route

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// roadOf is the instances of one of the roads own, pool and business.
type roadOf struct{ usable, inService int }

// calleeOf returns instances on the roads of a caller of SET a.b.c, with a weight of 100.
func calleeOf(roads ...roadOf) *Callee {
	var list []Instance
	for n, r := range roads {
		for i := range r.inService {
			list = append(list, Instance{SET: []location.SET{"a.b.c", "a.b.*", "a.e.c"}[n], Healthy: i < r.usable, Weight: 100})
		}
	}
	return NewCallee(list)
}

// overprovisioned returns a caller with the roads of calleeOf.
func overprovisioned(percent int, holdDown, failback time.Duration) Route {
	return Route{SETs: "a.b.c", Rule: &Rule{
		Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1, Overprovision: percent, HoldDown: holdDown, Failback: failback},
		SET:     &SETStage{Tiers: []Tier{TierOwn, TierPool, TierBusiness}, Unknown: UnknownAll}, Rollout: FullRollout,
	}}
}

// percentsOf returns the shares of own, pool and business.
func percentsOf(d Decision) (out [3]int) {
	for _, p := range d.Portions() {
		out[p.road] = p.Share
	}
	return out
}

func TestShares(t *testing.T) {
	tests := []struct {
		name    string
		percent int
		roads   []roadOf
		want    [3]int
	}{
		{"all works", 140, []roadOf{{10, 10}, {10, 10}}, [3]int{100}},
		{"half of both", 140, []roadOf{{5, 10}, {5, 10}}, [3]int{70, 30}},
		{"a quarter of both", 140, []roadOf{{2, 8}, {2, 8}}, [3]int{50, 50}},
		{"1 of 30 and nothing", 140, []roadOf{{1, 30}, {}}, [3]int{100}},
		{"1 of 30 and the dead", 140, []roadOf{{1, 30}, {0, 5}}, [3]int{100}},
		{"1 of 10 before a full road", 140, []roadOf{{1, 10}, {10, 10}}, [3]int{10, 90}},
		{"1 of 100 before a full road", 140, []roadOf{{1, 100}, {10, 10}}, [3]int{1, 99}},
		{"1 of 1,000 before a full road", 140, []roadOf{{1, 1000}, {10, 10}}, [3]int{0, 100}},
		{"nothing before a full road", 140, []roadOf{{}, {10, 10}}, [3]int{0, 100}},
		{"without a reserve", 100, []roadOf{{9, 10}, {10, 10}}, [3]int{90, 10}},
		{"steps of 5", 100, []roadOf{{94, 100}, {10, 10}}, [3]int{90, 10}},
		{"a tenfold reserve", 1000, []roadOf{{1, 10}, {10, 10}}, [3]int{100}},
		{"three roads", 140, []roadOf{{1, 10}, {1, 10}, {10, 10}}, [3]int{10, 10, 80}},
		{"scaled, with a remainder for the larger", 140, []roadOf{{5, 10}, {2, 10}}, [3]int{71, 29}},
		{"scaled, with a remainder for the earlier", 100, []roadOf{{1, 10}, {1, 10}, {1, 10}}, [3]int{34, 33, 33}},
		{"scaled down", 100, []roadOf{{64, 100}, {38, 100}}, [3]int{63, 37}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := overprovisioned(tt.percent, 0, 0).Select(calleeOf(tt.roads...))
			if got := percentsOf(d); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Nothing usable: as without shares. With several SETs, too.
func TestNoShares(t *testing.T) {
	r := overprovisioned(140, 0, 0)
	dead := calleeOf(roadOf{0, 2}, roadOf{0, 3})
	if d := r.Select(dead); d.Portions() != nil || d.Tier() != "own" || len(d.Chosen) != 2 {
		t.Errorf("nothing usable: %v of %s, %v", d.Portions(), d.Tier(), d.Chosen)
	}
	r.SETs = "a.b.c a.e.c"
	if d := r.Select(calleeOf(roadOf{1, 2}, roadOf{1, 1}, roadOf{1, 1})); d.Portions() != nil || fmt.Sprint(d.Chosen) != "[0 1 3]" {
		t.Errorf("two SETs: %v, %v", d.Portions(), d.Chosen)
	}
}

// A figure falls at once, rests for the hold-down, and rises over failback.
func TestFailback(t *testing.T) {
	r := overprovisioned(140, 10*time.Second, 100*time.Second)
	begin := time.Unix(0, 0)
	var memory Memory
	for _, step := range []struct {
		at, usable, second int // usable of ten, and of ten
		want               [3]int
		until              int // seconds; 0: for ever
	}{
		{0, 10, 10, [3]int{100}, 0},
		{1, 3, 10, [3]int{40, 60}, 0},      // at once
		{2, 7, 10, [3]int{40, 60}, 21},     // 95 now: 11 steps of 9.09 s, from 12 s on
		{21, 7, 10, [3]int{40, 60}, 21},    // 21.09 s
		{22, 7, 10, [3]int{45, 55}, 30},    // the first step
		{23, 7, 4, [3]int{45, 55}, 30},     // the road behind takes all that it can
		{24, 7, 1, [3]int{76, 24}, 30},     // 45 and 14 are scaled: a rising figure counts as it is
		{25, 3, 1, [3]int{75, 25}, 0},      // 40 again, at once; 42 and 14 are scaled
		{26, 0, 1, [3]int{0, 100}, 0},      // at once
		{27, 10, 0, [3]int{100}, 0},        // what is held would leave nothing
		{28, 2, 0, [3]int{100}, 0},         // 25, the only one
		{29, 2, 10, [3]int{100}, 44},       // the other one begins to rise: 20 steps of 5 s, from 39 s on
		{64, 2, 10, [3]int{53, 47}, 69},    // 28 and 25 are scaled
		{139, 2, 10, [3]int{25, 75}, 0},    //
		{140, 10, 10, [3]int{25, 75}, 156}, // 15 steps of 6.67 s, from 150 s on
		{197, 10, 10, [3]int{60, 40}, 203}, // 7 of them
		{250, 10, 10, [3]int{100}, 0},
	} {
		var d Decision
		d, _, memory = r.Settle(calleeOf(roadOf{step.usable, 10}, roadOf{step.second, 10}), nil, memory, begin.Add(time.Duration(step.at)*time.Second))
		until := 0
		if !d.HeldUntil().IsZero() {
			until = int(d.HeldUntil().Sub(begin).Seconds())
		}
		if got := percentsOf(d); got != step.want || until != step.until {
			t.Errorf("at %d s: %v until %d s, want %v until %d s", step.at, got, until, step.want, step.until)
		}
		if first := step.usable == 10 && step.want[0] == 100; memory.IsFirst() != first {
			t.Errorf("at %d s: IsFirst is %t", step.at, !first)
		}
	}
}

// sharesSent returns the shares that come out by the weights of a list, in percent, and how
// far the weights of a road are from its proportions, by the weight that one stands for.
func sharesSent(t *rapid.T, portions []Portion, members []Member, instances []Instance) (shares []float64) {
	weights := map[int]uint32{}
	for _, m := range members {
		weights[m.Index] = m.Weight
	}
	sum := 0.0
	for _, p := range portions {
		share := 0.0
		for _, i := range p.Members {
			if was, is := instances[i].Weight, weights[i]; (was == 0) != (is == 0) || is > MaxWeight {
				t.Fatalf("weight %d is sent as %d", was, is)
			}
			if instances[i].Usable() {
				share += float64(weights[i])
			}
		}
		shares, sum = append(shares, share), sum+share
		for _, i := range p.Members {
			for _, j := range p.Members {
				factor := float64(weights[i]) / float64(instances[i].Weight)
				if near := math.Abs(float64(weights[j]) - factor*float64(instances[j].Weight)); instances[i].Usable() && instances[j].Usable() &&
					near > 1+float64(instances[j].Weight)/float64(instances[i].Weight) && weights[j] > 1 && weights[i] > 1 {
					t.Fatalf("weights %d and %d are sent as %d and %d", instances[i].Weight, instances[j].Weight, weights[i], weights[j])
				}
			}
		}
	}
	for n := range shares {
		shares[n] *= 100 / sum
	}
	return shares
}

// Weights give the shares within a percentage point, and keep proportions.
func TestWeightsOfShares(t *testing.T) { rapid.Check(t, weightsOfShares) }

func weightsOfShares(t *rapid.T) {
	r := overprovisioned(rapid.SampledFrom([]int{100, 140, 200}).Draw(t, "percent"), 0, 0)
	most := rapid.SampledFrom([]int{4, 12, 300}).Draw(t, "most")
	var list []Instance
	for _, set := range []location.SET{"a.b.c", "a.b.*", "a.e.c"} {
		size, dead := rapid.IntRange(0, most).Draw(t, "size"), rapid.IntRange(0, 10).Draw(t, "dead")
		weight := rapid.SampledFrom([]uint32{1, 100, 100, 10000}).Draw(t, "weight")
		for i := range size {
			one := Instance{SET: set, Healthy: i%10 >= dead, Weight: weight}
			if rapid.IntRange(0, 9).Draw(t, "other") == 0 {
				one.Weight = rapid.SampledFrom([]uint32{0, 50, 200}).Draw(t, "other weight")
			}
			list = append(list, one)
		}
	}
	d, members := r.Answer(NewCallee(list), nil)
	if !slices.IsSortedFunc(members, func(a, b Member) int { return a.Index - b.Index }) || len(members) != len(d.Chosen) {
		t.Fatalf("chosen %v, sent %v", d.Chosen, members)
	}
	portions := d.Portions()
	for n, got := range sharesSent(t, portions, members, list) {
		if math.Abs(got-float64(portions[n].Share)) > 1 && len(portions) > 1 {
			t.Errorf("%d%% come out as %.2f%%", portions[n].Share, got)
		}
	}
}

// What has to be said in whole weights, and cannot, comes as near as it can.
func TestWeightsThatCannotFit(t *testing.T) {
	r := overprovisioned(100, 0, 0)
	list := calleeOf(roadOf{1, 1}, roadOf{9000, 18000}).Instances
	list = append(list, Instance{SET: "a.b.c", Weight: 100}) // half of the first road is dead
	_, members := r.Answer(NewCallee(list), nil)
	sent := map[uint32]int{}
	for _, m := range members {
		sent[m.Weight]++
	}
	if want := map[uint32]int{9000: 2, 1: 18000}; fmt.Sprint(sent) != fmt.Sprint(want) {
		t.Errorf("weights %v, want %v", sent, want)
	}
}

// As long as another road has room, no road takes more than its figure before rounding:
// figures that are not 100 together are scaled from there. Whole percents are within one.
func TestNobodyTakesMoreThanItsFigure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var roads []roadOf
		for range 3 {
			size := rapid.IntRange(0, 20).Draw(t, "size")
			roads = append(roads, roadOf{rapid.IntRange(0, size).Draw(t, "usable"), size})
		}
		const percent = 140
		got := percentsOf(overprovisioned(percent, 0, 0).Select(calleeOf(roads...)))
		room, over, sum := false, false, 0
		for n, r := range roads {
			sum += got[n]
			if r.inService > 0 && r.usable > 0 {
				figure := min(float64(percent*r.usable)/float64(r.inService), 100)
				room, over = room || float64(got[n]) <= figure-1, over || float64(got[n]) >= figure+1
			}
			if got[n] > 0 && r.usable == 0 {
				t.Errorf("road %d has nothing usable, and takes %d%%", n, got[n])
			}
		}
		if over && room || sum != 100 && sum != 0 {
			t.Errorf("%v for %v", got, roads)
		}
	})
}

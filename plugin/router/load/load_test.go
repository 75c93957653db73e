package load_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/router/load"
)

// even returns the shares of instances with equal weights.
func even(instances ...int) (out []load.Share) {
	for _, i := range instances {
		out = append(out, load.Share{Instance: i, Part: 1 / float64(len(instances))})
	}
	return out
}

// span returns numbers from first to before last.
func span(first, last int) (out []int) {
	for i := first; i < last; i++ {
		out = append(out, i)
	}
	return out
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name      string
		groups    []load.Group
		instances []int
		want      load.Load
		times     float64
	}{
		{
			name:      "twelve own instances' load on two of the pool",
			groups:    []load.Group{{120, even(12, 13), even(span(0, 12)...)}},
			instances: []int{12, 13}, want: load.Load{Callers: 120, Weight: 200, FirstWeight: 1200}, times: 6,
		},
		{
			name:      "a handful of callers of the same twelve",
			groups:    []load.Group{{2, even(12, 13), even(span(0, 12)...)}},
			instances: []int{12, 13}, want: load.Load{Callers: 2, Weight: 200, FirstWeight: 1200}, times: 6,
		},
		{
			name:      "two groups on the pool, which has callers of its own",
			groups:    []load.Group{{60, even(12, 13), even(span(0, 6)...)}, {30, even(12, 13), even(span(6, 12)...)}, {20, even(12, 13), even(12, 13)}},
			instances: []int{12, 13}, want: load.Load{Callers: 110, Weight: 200, FirstWeight: 1400}, times: 7,
		},
		{
			name:      "one of twelve is left on the first road",
			groups:    []load.Group{{120, even(3), even(span(0, 12)...)}},
			instances: []int{3}, want: load.Load{Callers: 120, Weight: 100, FirstWeight: 1200}, times: 12,
		},
		{
			name:      "half of the callers have moved",
			groups:    []load.Group{{60, even(12, 13), even(span(0, 12)...)}, {60, even(span(0, 12)...), even(span(0, 12)...)}},
			instances: []int{12, 13}, want: load.Load{Callers: 60, Weight: 200, FirstWeight: 600}, times: 3,
		},
		{
			name:      "everything works: an instance that two groups share carries more, as always",
			groups:    []load.Group{{10, even(0, 1), even(0, 1)}, {90, even(1), even(1)}},
			instances: []int{1}, want: load.Load{Callers: 95, Weight: 100, FirstWeight: 100}, times: 1,
		},
		{
			name:      "nothing usable",
			groups:    []load.Group{{10, nil, even(0, 1)}},
			instances: nil, want: load.Load{}, times: 0,
		},
	}
	weights := make([]uint32, 14)
	for i := range weights {
		weights[i] = 100
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := load.New(weights, tt.groups).Of(tt.instances)
			if !near(got.Callers, tt.want.Callers) || got.Weight != tt.want.Weight || !near(got.FirstWeight, tt.want.FirstWeight) || !near(got.Times(), tt.times) {
				t.Errorf("got %+v, %g times, want %+v, %g times", got, got.Times(), tt.want, tt.times)
			}
			if got.Weight > 0 && (!near(got.Now(), got.Callers/float64(got.Weight)) || !near(got.Now(), got.First()*got.Times())) {
				t.Errorf("now %g, first %g", got.Now(), got.First())
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// place is an instance of the oracle.
type place struct {
	weight int
	usable bool
}

// drawList draws instances of a list.
func drawList(t *rapid.T, count int) []int {
	return rapid.Permutation(span(0, count)).Draw(t, "order")[:rapid.IntRange(1, count).Draw(t, "length")]
}

// sharesOf returns the shares of the instances of a list that count.
func sharesOf(list []int, places []place, counts func(place) bool) (out []load.Share) {
	sum := 0
	for _, i := range list {
		if counts(places[i]) {
			sum += places[i].weight
		}
	}
	for i := range places {
		for _, member := range list {
			if member == i && counts(places[i]) {
				out = append(out, load.Share{Instance: i, Part: float64(places[i].weight) / float64(sum)})
			}
		}
	}
	return out
}

// The oracle counts caller by caller in whole fractions, as docs/design.md, 8 says.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := make([]place, rapid.IntRange(1, 6).Draw(t, "instances"))
		weights := make([]uint32, len(places))
		for i := range places {
			places[i] = place{rapid.SampledFrom([]int{1, 50, 100, 100}).Draw(t, "weight"), rapid.IntRange(0, 2).Draw(t, "usable") > 0}
			weights[i] = uint32(places[i].weight)
		}
		var groups []load.Group
		var callers [][2][]int // the lists of each caller, now and first
		for range rapid.IntRange(1, 4).Draw(t, "groups") {
			now, first := drawList(t, len(places)), drawList(t, len(places))
			g := load.Group{Callers: rapid.IntRange(0, 4).Draw(t, "callers"), Now: sharesOf(now, places, func(p place) bool { return p.usable }), First: sharesOf(first, places, func(place) bool { return true })}
			groups = append(groups, g)
			for range g.Callers {
				callers = append(callers, [2][]int{now, first})
			}
		}
		loads := load.New(weights, groups)
		for i := range places {
			if !places[i].usable {
				continue
			}
			got := loads.Of([]int{i})
			if want, carried := slowFirstWeight(places, callers, i), slowCallers(places, callers, i); !near(got.FirstWeight, want) || !near(got.Callers, carried) {
				t.Fatalf("instance %d: %+v, want %g callers, %g", i, got, carried, want)
			}
		}
	})
}

// part returns the part of a caller's requests that an instance of a list gets.
func part(list []int, places []place, i int, counts func(place) bool) *big.Rat {
	sum, own := 0, 0
	for _, member := range list {
		if !counts(places[member]) {
			continue
		}
		sum += places[member].weight
		if member == i {
			own = places[member].weight
		}
	}
	if own == 0 {
		return new(big.Rat)
	}
	return big.NewRat(int64(own), int64(sum))
}

func usable(p place) bool { return p.usable }
func all(place) bool      { return true }

// slowCallers returns how many callers an instance carries.
func slowCallers(places []place, callers [][2][]int, i int) float64 {
	sum := new(big.Rat)
	for _, c := range callers {
		sum.Add(sum, part(c[0], places, i, usable))
	}
	out, _ := sum.Float64()
	return out
}

// slowTakenUp returns the weight of an instance for each caller when everything works.
func slowTakenUp(places []place, callers [][2][]int, i int) *big.Rat {
	sum := new(big.Rat)
	for _, c := range callers {
		sum.Add(sum, part(c[1], places, i, all))
	}
	if sum.Sign() == 0 {
		return sum
	}
	return sum.Quo(big.NewRat(int64(places[i].weight), 1), sum)
}

// slowFirstWeight returns the weight that the callers of an instance take up when
// everything works.
func slowFirstWeight(places []place, callers [][2][]int, i int) float64 {
	sum := new(big.Rat)
	for _, c := range callers {
		each := slowTakenUp(places, callers, i)
		if part(c[1], places, i, all).Sign() == 0 { // not on its first road
			each = new(big.Rat)
			for j := range places {
				each.Add(each, new(big.Rat).Mul(part(c[1], places, j, all), slowTakenUp(places, callers, j)))
			}
		}
		sum.Add(sum, each.Mul(each, part(c[0], places, i, usable)))
	}
	out, _ := sum.Float64()
	return out
}

// While everything works, each instance carries its load once.
func TestEverythingWorks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := make([]uint32, rapid.IntRange(1, 8).Draw(t, "instances"))
		places := make([]place, len(weights))
		for i := range weights {
			places[i] = place{rapid.IntRange(1, 200).Draw(t, "weight"), true}
			weights[i] = uint32(places[i].weight)
		}
		var groups []load.Group
		for range rapid.IntRange(1, 5).Draw(t, "groups") {
			list := sharesOf(drawList(t, len(places)), places, all)
			groups = append(groups, load.Group{Callers: rapid.IntRange(1, 1000).Draw(t, "callers"), Now: list, First: list})
		}
		loads := load.New(weights, groups)
		for i := range weights {
			if l := loads.Of([]int{i}); l.Callers > 0 && !near(l.Times(), 1) {
				t.Errorf("instance %d: %g times", i, l.Times())
			}
		}
	})
}

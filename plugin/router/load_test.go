package router

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The metric has the highest load of each rule, tier and level, and 1 where everything
// works. A road with a handful of callers says nothing.
func TestHighestLoads(t *testing.T) {
	road := func(rule, tier string, seen int, times float64) world.RoadLoad {
		return world.RoadLoad{Rule: rule, Tier: tier, Level: "zone", Seen: seen, Times: times}
	}
	kind := func(rule, tier, state string) api.KindState {
		return api.KindState{Rule: rule, Tier: tier, Level: "zone", State: state}
	}
	got := highestLoads(
		[]api.KindState{kind("works", "own", "first"), kind("city", "pool", "widened"), kind("handful", "pool", "widened"), kind("dark", "own", "unusable"), kind("", "", "stock")},
		[]world.RoadLoad{road("city", "pool", 5, 6), road("city", "pool", 500, 4), road("handful", "pool", 4, 12), road("few", "own", 100, 0.5)})
	want := map[observe.LoadKey]float64{
		{Rule: "works", Tier: "own", Level: "zone"}: 1, {Rule: "city", Tier: "pool", Level: "zone"}: 6, {Rule: "handful", Tier: "pool", Level: "zone"}: 1, {Rule: "few", Tier: "own", Level: "zone"}: 0.5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

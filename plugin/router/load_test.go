package router

import (
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Counting that takes long keeps no scrape waiting, and is not done often.
func TestLoadMetric(t *testing.T) {
	key := observe.LoadKey{Rule: "r"}
	counted := make(chan float64, 1)
	m := loadMetric{count: func() map[observe.LoadKey]float64 { return map[observe.LoadKey]float64{key: <-counted} }}
	counted <- 1
	if got := m.now()[key]; got != 1 {
		t.Fatalf("the first scrape waits, and has %g", got)
	}
	m.next = m.next.Add(time.Hour)
	if got := m.now()[key]; got != 1 { // it would wait for ever
		t.Fatalf("too soon: %g", got)
	}
	m.took, m.next = loadWait+1, time.Time{}
	for range 3 {
		if got := m.now()[key]; got != 1 {
			t.Fatalf("while somebody counts: %g", got)
		}
	}
	counted <- 6
	for m.now()[key] != 6 {
		runtime.Gosched()
	}
}

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

// A caller that goes to another node counts on both for two minutes, and then once.
func TestCallersThatMove(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	var nodes [2]*Server
	for n := range nodes {
		nodes[n], _ = newTestServer(t)
		nodes[n].views = view.NewStore(clock, view.Pods{}, 1<<30)
	}
	count := func() int {
		states := nodes[0].CallersNow()
		states.Add(nodes[1].CallersNow())
		return states.Counts[string(route.StateFirst)]
	}
	ask := func(n int, callers ...string) {
		for _, addr := range callers {
			get(nodes[n], addr, "s", "")
		}
	}
	ask(0, "10.1.0.1", "10.1.0.2", "10.1.0.3")
	ask(1, "10.1.0.4")
	if n := count(); n != 4 {
		t.Errorf("%d callers, want 4", n)
	}
	for passed, want := time.Duration(0), 6; passed <= view.AskedWithin+10*time.Second; passed += 10 * time.Second {
		now = now.Add(10 * time.Second)
		ask(0, "10.1.0.3")
		ask(1, "10.1.0.1", "10.1.0.2", "10.1.0.4")
		if passed+10*time.Second > view.AskedWithin {
			want = 4
		}
		if n := count(); n != want {
			t.Errorf("%v after two of four callers moved, %d count, want %d", passed+10*time.Second, n, want)
		}
	}
}

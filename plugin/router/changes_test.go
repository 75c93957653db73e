package router

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

func TestNameChange(t *testing.T) {
	kind := route.Route{Rule: &route.Rule{SET: &route.SETStage{Tiers: []route.Tier{route.TierOwn, route.TierPool}}, Nearby: &route.NearbyStage{}}}
	state := func(tier, level string, n int) explain.State {
		return explain.State{Tier: tier, Level: level, Instances: n}
	}
	for _, tt := range []struct {
		before, after explain.State
		want          string
	}{
		{state("own", "zone", 3), state("own", "zone", 2), "changed"},
		{state("own", "zone", 3), state("pool", "zone", 1), "widened"},
		{state("own", "zone", 3), state("own", "region", 4), "widened"},
		{state("pool", "all", 3), state("pool", "zone", 1), "narrowed"},
		{state("pool", "zone", 3), state("own", "all", 1), "narrowed"},
		{state("own", "zone", 3), state("", "", 9), "widened"},
		{state("", "", 9), state("own", "zone", 3), "narrowed"},
		{state("own", "zone", 3), state("unset", "zone", 3), "widened"},
		{state("own", "zone", 3), state("", "", 0), "emptied"},
		{state("", "", 0), state("own", "zone", 3), "refilled"},
	} {
		if got := nameChange(kind, &tt.before, tt.after); got != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.before, tt.after, got, tt.want)
		}
	}
}

// Each change of a view is noted once, with its reason; a look at it is none.
func TestChangesAreNoted(t *testing.T) {
	s, stock := newTestServer(t)
	get(s, "10.1.0.1", "s", "")
	get(s, "10.1.0.2", "s", "")
	stock.cached[0], stock.revision = stockInstance("2", "a.b.d"), "2" // in another SET
	stock.cached[0].Healthy = wrapperspb.Bool(false)
	get(s, "10.1.0.1", "s", "")
	for _, i := range stock.cached {
		if i.Id.GetValue() == "1" {
			i.Healthy = wrapperspb.Bool(false)
		}
	}
	stock.revision = "3"
	get(s, "10.1.0.1", "s", "")
	got := ""
	for _, c := range s.Changes("default/s") {
		got += fmt.Sprintf("%s %s: %s, %s; ", c.Kind, c.Change, c.Why, c.After)
	}
	want := "a.b.c in - widened: instances changed, 1/1 routed r pool; a.b.c in - first: asked for the first time, 1/1 routed r own; "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list := s.Changes("default/other"); len(list) != 0 {
		t.Errorf("changes of another service: %v", list)
	}
	for n := range 2 * changesKept {
		stock.cached[0].Weight, stock.revision = wrapperspb.UInt32(uint32(n+1)), fmt.Sprint("w", n)
		for _, i := range stock.cached {
			i.Weight = stock.cached[0].Weight
		}
		get(s, "10.1.0.1", "s", "")
	}
	if n := len(s.Changes("")); n != changesKept {
		t.Errorf("%d changes kept, want %d", n, changesKept)
	}
}

func TestSeenCallers(t *testing.T) {
	s, _ := newTestServer(t)
	sum := func() (n uint64) {
		for _, c := range s.seen.lately() {
			n += c.Requests
		}
		return n
	}
	for range 3 {
		get(s, "10.1.0.1", "s", "")
	}
	get(s, "10.2.0.1", "s", "")
	if list := s.seen.lately(); len(list) != 2 || sum() != 4 {
		t.Errorf("seen %v, want 2 callers and 4 requests", list)
	}
	s.seen.rotate(s.now())
	if len(s.seen.lately()) != 2 {
		t.Error("callers are forgotten too early")
	}
	s.seen.rotate(s.now())
	if len(s.seen.lately()) != 0 {
		t.Error("callers are not forgotten")
	}
	s.seen.now.Load().count.Store(seenKept)
	get(s, "10.1.0.1", "s", "")
	if len(s.seen.lately()) != 0 {
		t.Error("more callers than the bound")
	}
}

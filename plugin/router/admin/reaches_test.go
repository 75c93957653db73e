package admin

import (
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The reach of evacuations is found anew when other files are in force, and after a while.
func TestReaches(t *testing.T) {
	w := pageBackend{t: t}.World()
	state := func(at time.Time) *world.World { // as w, at another time
		return &world.World{Rules: w.Rules, Table: w.Table, Now: at, Instances: w.Instances, Names: w.Names}
	}
	var r reaches
	first := r.of(state(w.Now))
	if len(first) != 1 || first[0].Unreached == nil {
		t.Fatalf("%+v", first)
	}
	same := func(w *world.World) bool { return &r.of(w)[0] == &first[0] }
	for _, tt := range []struct {
		name string
		w    *world.World
		want bool
	}{
		{"soon after", state(w.Now.Add(reachAge)), true},
		{"later", state(w.Now.Add(reachAge + time.Second)), false},
		{"after the clock was set back", state(w.Now.Add(-time.Minute)), false},
	} {
		if got := same(tt.w); got != tt.want {
			t.Errorf("%s: the same is told: %t", tt.name, got)
		}
		first = r.of(tt.w)
	}
	other := state(w.Now.Add(-time.Minute))
	if other.Rules = new(route.Rules); len(r.of(other)) != 0 {
		t.Error("other rules, and the same reach")
	}
}

package admin

import (
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// reachAge is how long a reach is told again: to find it, every service is decided for every
// kind of caller, while page and scripts ask for the status every few seconds.
const reachAge = 10 * time.Second

// reaches keeps the reach of the evacuations in force. A reaches is for concurrent use.
type reaches struct {
	mu    sync.Mutex
	rules *route.Rules
	table *location.Table
	at    time.Time // of the server
	list  []world.Reach
}

// of returns the reach of each evacuation of the rules of a state, with lists that are not
// written: of this moment, or of one that is at most reachAge ago.
func (r *reaches) of(w *world.World) []world.Reach {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := w.Now.Sub(r.at)
	if r.list == nil || r.rules != w.Rules || r.table != w.Table || age < 0 || age > reachAge {
		r.rules, r.table, r.at, r.list = w.Rules, w.Table, w.Now, w.Reach(w.Rules.AllEvacuations())
		for n := range r.list {
			r.list[n].Cut(maxListed)
		}
	}
	return r.list
}

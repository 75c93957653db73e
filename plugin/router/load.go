package router

import (
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// loadWorkers is how many goroutines count loads at the same time: requests come first.
const loadWorkers = 2

// Loads returns what roads carry by callers of this node or of all nodes, the highest load
// first. Services of which every instance works are left out. Loads looks at every
// instance: it is for operators, not for requests.
func (s *Server) Loads(kinds []api.KindState) []world.RoadLoad {
	var asking []world.Asking
	for _, k := range kinds {
		if service, err := route.ParseService(k.Service); err == nil {
			asking = append(asking, world.Asking{Service: service, Addr: k.Example, Callers: k.Callers})
		}
	}
	return s.World().Loads(asking, loadWorkers)
}

// loadShare is the share of one processor that counting loads for the metrics may take: one
// by this number.
const loadShare = 20

// loadMetric is the loads of this node's callers for the metrics. The zero value is ready
// for use.
type loadMetric struct {
	mu   sync.Mutex
	last map[observe.LoadKey]float64
	next time.Time // when they are counted anew
}

// countLoads returns the highest load of each rule, tier and level that callers of this
// node have. Where counting takes long, the loads are those of some time ago.
func (s *Server) countLoads() map[observe.LoadKey]float64 {
	m := &s.loads
	m.mu.Lock()
	defer m.mu.Unlock()
	start := clock.Now()
	if m.last != nil && start.Before(m.next) {
		return m.last
	}
	kinds := s.CallersNow().Kinds
	m.last = highestLoads(kinds, s.Loads(kinds))
	end := clock.Now()
	m.next = end.Add(loadShare * end.Sub(start))
	return m.last
}

// highestLoads returns the highest load of each rule, tier and level: of the roads that
// have api.LoadCallers or more, and 1 where everything works.
func highestLoads(kinds []api.KindState, roads []world.RoadLoad) map[observe.LoadKey]float64 {
	out := map[observe.LoadKey]float64{}
	for _, k := range kinds {
		if k.State == string(route.StateFirst) || k.State == string(route.StateWidened) {
			out[observe.LoadKey{Rule: k.Rule, Tier: k.Tier, Level: k.Level}] = 1
		}
	}
	for _, road := range roads {
		key := observe.LoadKey{Rule: road.Rule, Tier: road.Tier, Level: road.Level}
		if road.Seen >= api.LoadCallers {
			out[key] = max(out[key], road.Times)
		}
	}
	return out
}

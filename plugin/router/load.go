package router

import (
	"sync"
	"time"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// loadWorkers is how many goroutines count loads at the same time: requests come first.
const loadWorkers = 2

// Loads returns what roads carry by callers of this node or of all nodes, the highest load
// first. Services of which every instance works are left out. The state is that of the
// server; nil has it made at need. Loads looks at every instance: it is for operators, not
// for requests.
func (s *Server) Loads(w *world.World, kinds []api.KindState) []world.RoadLoad {
	if s.everythingWorks() {
		return []world.RoadLoad{}
	}
	var asking []world.Asking
	for _, k := range kinds {
		if service, err := route.ParseService(k.Service); err == nil {
			asking = append(asking, world.Asking{Service: service, Addr: k.Example, Callers: k.Callers})
		}
	}
	if w == nil {
		w = s.World()
	}
	return w.Loads(asking, loadWorkers)
}

// everythingWorks reports whether all instances are healthy and none is evacuated. Each load
// is 1 then.
func (s *Server) everythingWorks() bool {
	works := len(s.Rules().Evacuations(s.Now())) == 0
	_ = s.Caches().Instance().IteratorInstances(func(_ string, i *model.Instance) (bool, error) {
		works = works && i.Healthy()
		return works, nil
	})
	return works
}

// loadShare is the share of the time in which loads are counted for the metrics, on
// loadWorkers processors at most: one by this number.
const loadShare = 20

// loadWait is how long counting may take while a scrape waits for it.
const loadWait = time.Second

// loadMetric is the loads of this node's callers for the metrics. The zero value is ready
// for use.
type loadMetric struct {
	count func() map[observe.LoadKey]float64

	mu       sync.Mutex
	last     map[observe.LoadKey]float64
	took     time.Duration
	next     time.Time // when they are counted anew
	counting bool      // somebody counts them
}

// now returns the loads. Where counting takes long, they are those of some time ago, and
// nobody waits.
func (m *loadMetric) now() map[observe.LoadKey]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.counting || m.last != nil && clock.Now().Before(m.next):
	case m.last != nil && m.took > loadWait:
		m.counting = true
		go observe.Safely("counting loads", func() {
			defer m.finish()
			m.keep(m.measure())
		})
	default:
		m.set(m.measure())
	}
	return m.last
}

// measure counts, and returns how long that took.
func (m *loadMetric) measure() (map[observe.LoadKey]float64, time.Duration) {
	start := clock.Now()
	loads := m.count()
	return loads, clock.Now().Sub(start)
}

// set sets the loads. Whoever calls has the lock.
func (m *loadMetric) set(loads map[observe.LoadKey]float64, took time.Duration) {
	m.last, m.took, m.next = loads, took, clock.Now().Add(loadShare*took)
}

// keep is set for who has not the lock.
func (m *loadMetric) keep(loads map[observe.LoadKey]float64, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(loads, took)
}

// finish says that nobody counts any more.
func (m *loadMetric) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counting = false
}

// countLoads returns the highest load of each rule, tier and level that callers of this
// node have.
func (s *Server) countLoads() map[observe.LoadKey]float64 {
	kinds := s.CallersNow().Kinds
	return highestLoads(kinds, s.Loads(nil, kinds))
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

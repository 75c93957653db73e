package observe

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// LoadKey has the labels of a load.
type LoadKey struct{ Rule, Tier, Level string }

// countLoads counts the loads of this node's callers for each scrape.
var countLoads atomic.Pointer[func() map[LoadKey]float64]

// CountLoads has count called for each scrape of the metrics. Count is called
// concurrently.
func CountLoads(count func() map[LoadKey]float64) { countLoads.Store(&count) }

var loadsNow = newGaugeFuncVec(prometheus.GaugeOpts{
	Name: "setrouter_load", Help: "How many times what their callers put on their first road when everything works the usable instances of a road carry, by this node's callers of the last two minutes: of the service with the most, by rule, tier and level of the road, without roads of fewer than 5 callers.",
}, []string{"rule", "tier", "level"}, func(emit func(float64, ...string)) {
	for key, times := range counted(&countLoads) {
		emit(times, key.Rule, key.Tier, key.Level)
	}
})

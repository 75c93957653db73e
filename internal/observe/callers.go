package observe

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// CallersKey has the labels of a number of callers.
type CallersKey struct{ Rule, Tier, Level, State string }

// countCallers counts the callers of this node for each scrape.
var countCallers atomic.Pointer[func() map[CallersKey]int]

// CountCallers has count called for each scrape of the metrics. Count is called
// concurrently.
func CountCallers(count func() map[CallersKey]int) { countCallers.Store(&count) }

var callersNow = newGaugeFuncVec(prometheus.GaugeOpts{
	Name: "setrouter_callers", Help: "Callers that asked this node for a service in the last two minutes, counted for each service, by rule, tier and level of the road that they have, and by state: first, widened, unusable, empty, unknown, stock or shadow.",
}, []string{"rule", "tier", "level", "state"}, func(emit func(float64, ...string)) {
	for key, n := range counted(&countCallers) {
		emit(float64(n), key.Rule, key.Tier, key.Level, key.State)
	}
})

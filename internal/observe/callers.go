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

// callersNow is counted for each scrape, so that there are series only for what is.
var callersNow = newGaugeFuncVec(prometheus.GaugeOpts{
	Name: "setrouter_callers", Help: "Callers that asked this node for a service in the last two minutes, counted for each service, by rule, tier and level of the road that they have, and by state: first, widened, unusable, empty, unknown, stock or shadow.",
}, []string{"rule", "tier", "level", "state"})

// callers is a gauge of callers.
type callers struct{ desc *prometheus.Desc }

func newGaugeFuncVec(opts prometheus.GaugeOpts, labels []string) callers {
	return callers{prometheus.NewDesc(opts.Name, opts.Help, labels, nil)}
}

// Describe implements prometheus.Collector.
func (c callers) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c callers) Collect(out chan<- prometheus.Metric) {
	count := countCallers.Load()
	if count == nil {
		return
	}
	Safely("counting callers", func() {
		for key, n := range (*count)() {
			out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), key.Rule, key.Tier, key.Level, key.State)
		}
	})
}

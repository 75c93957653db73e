package observe

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// gaugeFuncVec is a gauge that is counted for each scrape, so that there are series only
// for what is.
type gaugeFuncVec struct {
	desc    *prometheus.Desc
	collect func(emit func(value float64, labels ...string))
}

func newGaugeFuncVec(opts prometheus.GaugeOpts, labels []string, collect func(emit func(value float64, labels ...string))) gaugeFuncVec {
	return gaugeFuncVec{prometheus.NewDesc(opts.Name, opts.Help, labels, nil), collect}
}

// Describe implements prometheus.Collector.
func (g gaugeFuncVec) Describe(out chan<- *prometheus.Desc) { out <- g.desc }

// Collect implements prometheus.Collector.
func (g gaugeFuncVec) Collect(out chan<- prometheus.Metric) {
	Safely("counting for the metrics", func() {
		g.collect(func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, labels...)
		})
	})
}

// counted returns what a function counts, nothing if there is no function yet.
func counted[K comparable, V any](count *atomic.Pointer[func() map[K]V]) map[K]V {
	if f := count.Load(); f != nil {
		return (*f)()
	}
	return nil
}

package observe

import "github.com/prometheus/client_golang/prometheus"

// Views are the lists that are kept for callers (docs/design.md, 5.4).
var (
	// Views is how many lists are kept.
	Views = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_views", Help: "Lists that are kept: of each kind of callers and service.",
	})
	// ViewsBytes is about what they take.
	ViewsBytes = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_views_bytes", Help: "What the lists that are kept take, about; the bound is viewsMB of plugin.router.",
	})
	// ViewsGivenUp counts lists for which there was no room.
	ViewsGivenUp = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_views_given_up_total", Help: "Lists for which there was no room: evicted are lists that made room for others, refused are lists that were made for one request and not kept.",
	}, []string{"why"})
)

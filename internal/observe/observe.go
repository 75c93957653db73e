// Package observe has the log and the metrics of this pack, in the form of the
// Polaris server that it lives in.
package observe

import (
	"github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/livefile"
)

// Log is the scope `setrouter` of bootstrap.logger.
var Log = log.RegisterScope("setrouter", "SET router", 0)

var (
	entries = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_entries", Help: "Entries in force: mapping prefixes, or rules and lane addresses.",
	}, []string{"kind"})
	loads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_loads_total", Help: "Loads of changed files, by result: ok or refused.",
	}, []string{"kind", "result"})
	lastSuccess = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_last_load_timestamp_seconds", Help: "When the files in force were loaded.",
	}, []string{"kind"})
	refused = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_load_refused", Help: "1 while the files on disk are refused and the last good ones stay in force.",
	}, []string{"kind"})
	// Failures counts requests that routing failed for an internal reason.
	Failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "setrouter_failures_total", Help: "Requests whose routing failed; they got the stock answer, or an error with failOpen: false.",
	})
	// Requests counts discovery requests for instances by what was sent.
	Requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_requests_total", Help: "Requests for instances, by result: routed, unchanged, empty, stock, refused or failed.",
	}, []string{"result"})
)

// Register puts the pack's metrics on the server's /metrics. Calling it again
// has no effect.
func Register() {
	for _, c := range []prometheus.Collector{entries, loads, lastSuccess, refused, Failures, Requests} {
		_ = metrics.GetRegistry().Register(c) // AlreadyRegisteredError is the only one
	}
}

// Load reports every try to load changed files of a kind: mapping or routing.
func Load(kind string) func(livefile.Status) {
	return func(s livefile.Status) {
		if s.Err != nil {
			loads.WithLabelValues(kind, "refused").Inc()
			refused.WithLabelValues(kind).Set(1)
			Log.Error("[SetRouter] "+kind+" files refused, the last good ones stay in force", zap.Error(s.Err), zap.Strings("files", s.Files))
			return
		}
		loads.WithLabelValues(kind, "ok").Inc()
		refused.WithLabelValues(kind).Set(0)
		entries.WithLabelValues(kind).Set(float64(s.Count))
		lastSuccess.WithLabelValues(kind).Set(float64(s.LoadedAt.Unix()))
		Log.Info("[SetRouter] "+kind+" files in force", zap.Strings("files", s.Files), zap.Int("entries", s.Count))
	}
}

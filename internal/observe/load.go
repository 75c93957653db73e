package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/livefile"
)

var (
	entries = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_entries", Help: "Entries in force: mapping prefixes, or rules and lane addresses.",
	}, []string{"kind"})
	loads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_loads_total", Help: "Loads of changed files, by result: ok or refused.",
	}, []string{"kind", "result"})
	loadSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "setrouter_load_seconds", Help: "Time to read and check the files of a kind.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	}, []string{"kind"})
	grayReleases = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_gray_releases", Help: "Files of the config center of which this node has a gray release in force.",
	}, []string{"kind"})
	lastSuccess = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_last_load_timestamp_seconds", Help: "When the files in force were loaded.",
	}, []string{"kind"})
	refused = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_load_refused", Help: "1 while the files on disk are refused and the last good ones stay in force.",
	}, []string{"kind"})
	filesInfo = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_files_info", Help: "1 for the digest of the files of a kind in force, none where there are none; nodes that agree have one digest.",
	}, []string{"kind", "digest"})
)

// showDigest leaves the digest in force as the only one of its kind.
func showDigest(kind, digest string) {
	if digest == "" {
		digest = "none"
	}
	filesInfo.DeletePartialMatch(prometheus.Labels{"kind": kind})
	filesInfo.WithLabelValues(kind, digest).Set(1)
}

// Load reports every try to load changed files of a kind: mapping or routing.
func Load(kind string) func(livefile.Status) {
	return func(s livefile.Status) {
		loadSeconds.WithLabelValues(kind).Observe(s.Took.Seconds())
		if s.CopyErr != nil {
			Log.Warn("[SetRouter] "+kind+" files of the config center", zap.Error(s.CopyErr))
		}
		entries.WithLabelValues(kind).Set(float64(s.Count))
		showDigest(kind, s.Digest)
		grays := 0
		for _, r := range s.Releases {
			if r.Type == "gray" {
				grays++
			}
		}
		grayReleases.WithLabelValues(kind).Set(float64(grays))
		if !s.LoadedAt.IsZero() {
			lastSuccess.WithLabelValues(kind).Set(float64(s.LoadedAt.Unix()))
		}
		if s.Err != nil {
			loads.WithLabelValues(kind, "refused").Inc()
			refused.WithLabelValues(kind).Set(1)
			Log.Error("[SetRouter] "+kind+" files refused, "+instead(s), zap.Error(s.Err), zap.Strings("files", s.Files))
			return
		}
		loads.WithLabelValues(kind, "ok").Inc()
		refused.WithLabelValues(kind).Set(0)
		fields := []zap.Field{zap.Strings("files", s.Files), zap.Int("entries", s.Count)}
		if len(s.Releases) > 0 {
			fields = append(fields, zap.Any("releases", s.Releases))
		}
		Log.Info("[SetRouter] "+kind+" files in force", fields...)
	}
}

// instead is what is in force where files are refused.
func instead(s livefile.Status) string {
	switch {
	case s.LoadedAt.IsZero():
		return "and none are in force: the server answers as without them"
	case !s.CopiedAt.IsZero():
		return "the copy on disk of " + s.CopiedAt.Format(time.RFC3339) + " is in force"
	}
	return "the last good ones stay in force"
}

package observe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

var (
	entries = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_entries", Help: "Entries in force: mapping entries as they are written, or rules and lane addresses.",
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

// Load is one load of the files of a kind, and what is in force after the load.
type Load struct {
	Kind  string   // mapping or routing
	Files []string // the files that were loaded
	Took  time.Duration
	Err   error // nil: the loaded files are in force

	Entries  int
	Digest   string    // empty: nothing is in force
	LoadedAt time.Time // zero: nothing is in force
	CopiedAt time.Time // not zero: the copy on disk that was made then is in force
	CopyErr  error     // why there is no usable copy on disk
	Releases []release.Release
}

// Report counts the load, shows what is in force, and logs both.
func (l Load) Report() {
	loadSeconds.WithLabelValues(l.Kind).Observe(l.Took.Seconds())
	events.Noted.Note(l.event(clock.Now()))
	if l.CopyErr != nil {
		Log.Warn("[SetRouter] "+l.Kind+" files", zap.Error(l.CopyErr))
	}
	l.showInForce()
	if l.Err != nil {
		loads.WithLabelValues(l.Kind, "refused").Inc()
		refused.WithLabelValues(l.Kind).Set(1)
		Log.Error("[SetRouter] "+l.Kind+" files refused, "+l.afterRefusal(), zap.Error(l.Err), zap.Strings("files", l.Files))
		return
	}
	loads.WithLabelValues(l.Kind, "ok").Inc()
	refused.WithLabelValues(l.Kind).Set(0)
	fields := []zap.Field{zap.Strings("files", l.Files), zap.Int("entries", l.Entries)}
	if len(l.Releases) > 0 {
		fields = append(fields, zap.Any("releases", l.Releases))
	}
	Log.Info("[SetRouter] "+l.Kind+" files in force", fields...)
}

// event returns the load as an event.
func (l Load) event(now time.Time) events.Event {
	e := events.Event{At: now, Code: events.CodeFilesLoaded, Severity: events.SeverityInfo, Args: map[string]string{"kind": l.Kind}}
	if l.Err != nil {
		lines := strict.Lines(l.Err)
		e.Code, e.Severity = events.CodeFilesRefused, events.SeverityRed
		e.Args["problem"], e.Args["problems"] = shortened(lines[0]), strconv.Itoa(len(lines))
		e.Text = fmt.Sprintf("%s files refused, %s: %s", l.Kind, l.afterRefusal(), e.Args["problem"])
		if more := len(lines) - 1; more > 0 {
			e.Text += fmt.Sprintf(" (and %d more)", more)
		}
		return e
	}
	var releases []string
	for _, r := range l.Releases {
		name := r.File + " " + r.Name
		if r.Type == release.TypeGray {
			name += " (gray)"
		}
		releases = append(releases, name)
	}
	e.Args["entries"], e.Args["digest"], e.Args["release"] = strconv.Itoa(l.Entries), l.Digest, strings.Join(releases, ", ")
	e.Text = fmt.Sprintf("%s files in force, %s", l.Kind, plural.Count(l.Entries, "entry", "entries"))
	if len(releases) > 0 {
		e.Text += ": " + e.Args["release"]
	}
	return e
}

// maxProblem bounds the text of a problem in an event, in bytes.
const maxProblem = 500

func shortened(text string) string {
	if len(text) <= maxProblem {
		return text
	}
	return strings.ToValidUTF8(text[:maxProblem], "") + "..."
}

// showInForce sets the metrics of what is in force.
func (l Load) showInForce() {
	entries.WithLabelValues(l.Kind).Set(float64(l.Entries))
	digest := l.Digest
	if digest == "" {
		digest = "none"
	}
	filesInfo.DeletePartialMatch(prometheus.Labels{"kind": l.Kind}) // the digest before this one
	filesInfo.WithLabelValues(l.Kind, digest).Set(1)
	grays := 0
	for _, r := range l.Releases {
		if r.Type == release.TypeGray {
			grays++
		}
	}
	grayReleases.WithLabelValues(l.Kind).Set(float64(grays))
	if !l.LoadedAt.IsZero() {
		lastSuccess.WithLabelValues(l.Kind).Set(float64(l.LoadedAt.Unix()))
	}
}

// afterRefusal returns what is in force when the files are refused.
func (l Load) afterRefusal() string {
	switch {
	case l.LoadedAt.IsZero():
		return "and none are in force: the server answers as without them"
	case !l.CopiedAt.IsZero():
		return "the copy on disk of " + l.CopiedAt.Format(time.RFC3339) + " is in force"
	}
	return "the last good ones stay in force"
}

// lastFetch is when each address of files over HTTP was fetched last.
var lastFetch = prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "setrouter_last_fetch_timestamp_seconds", Help: "When an address answered last with its text, or that the text is as before.",
}, []string{"kind", "address"})

// Fetched notes that an address has answered. The address is as it is shown, without its
// query.
func Fetched(kind, address string, at time.Time) {
	lastFetch.WithLabelValues(kind, address).Set(float64(at.Unix()))
}

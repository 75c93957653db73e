package main

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// eye is one of those who look at the town.
type eye string

// The eyes. The page's headline is the health of the status that the page shows.
const (
	eyeCallers eye = "callers"
	eyeMetric  eye = "metric"
	eyeAlert   eye = "alert"
	eyePage    eye = "page"
	eyeStatus  eye = "status"
)

var eyes = []eye{eyeCallers, eyeMetric, eyeAlert, eyePage, eyeStatus}

// look is what an eye saw at a time: the fields of that eye.
type look struct {
	at      time.Time
	lists   map[string]string  // of each caller: its hosts, or why it has none
	metrics map[string]float64 // of all nodes, summed, by series; of loads the greatest
	alerts  []string           // that fire
	health  api.Health
	code    int    // of setctl status
	head    string // its first lines
}

// watch has all eyes looking, until it is stopped. It keeps every look.
type watch struct {
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu    sync.Mutex
	looks map[eye][]look
}

// watch begins to look at the town.
func (t *town) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel, looks: map[eye][]look{}}
	w.every(ctx, eyeCallers, 100*time.Millisecond, t.seeCallers)
	w.every(ctx, eyeMetric, 500*time.Millisecond, t.seeMetrics)
	w.every(ctx, eyePage, 500*time.Millisecond, t.seePage)
	w.every(ctx, eyeStatus, time.Second, func() (look, error) { return t.seeStatus(ctx) })
	if t.prom != nil {
		w.every(ctx, eyeAlert, 500*time.Millisecond, func() (look, error) {
			alerts, err := t.prom.firing()
			return look{alerts: alerts}, err
		})
	}
	return w
}

// every has an eye look again and again. What it cannot see it has not seen.
func (w *watch) every(ctx context.Context, e eye, interval time.Duration, see func() (look, error)) {
	w.all.Go(func() {
		for tick := time.NewTicker(interval); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			at := time.Now()
			if l, err := see(); err == nil && ctx.Err() == nil {
				l.at = at
				w.mu.Lock()
				w.looks[e] = append(w.looks[e], l)
				w.mu.Unlock()
			}
		}
	})
}

// stop ends all looking.
func (w *watch) stop() {
	w.cancel()
	w.all.Wait()
}

// between returns what an eye saw between two times.
func (w *watch) between(e eye, from, to time.Time) []look {
	w.mu.Lock()
	defer w.mu.Unlock()
	begin, _ := slices.BinarySearchFunc(w.looks[e], from, func(l look, t time.Time) int { return l.at.Compare(t) })
	end, _ := slices.BinarySearchFunc(w.looks[e], to, func(l look, t time.Time) int { return l.at.Compare(t) })
	return slices.Clone(w.looks[e][begin:max(begin, end)])
}

// seeCallers asks each SDK for its list, as the application behind it does.
func (t *town) seeCallers() (look, error) {
	l := look{lists: map[string]string{}}
	for _, s := range seats {
		got, err := t.sdk.Get(s.name, "default", s.service)
		if err != nil {
			return l, err
		}
		hosts := []string{}
		for _, i := range got.Instances {
			hosts = append(hosts, i.Host)
		}
		slices.Sort(hosts)
		l.lists[s.name] = strings.Join(hosts, " ")
		if got.Error != "" {
			l.lists[s.name] = "error: " + got.Error
		}
	}
	return l, nil
}

// seeMetrics adds up the series of all nodes that live.
func (t *town) seeMetrics() (look, error) {
	l := look{metrics: map[string]float64{}}
	for _, n := range t.nodes {
		series, err := scrape(n.server.HTTPAddr)
		if err != nil {
			continue // it is dead
		}
		for name, value := range series {
			if strings.HasPrefix(name, "setrouter_load{") { // a proportion
				l.metrics[name] = max(l.metrics[name], value)
				continue
			}
			l.metrics[name] += value
		}
	}
	return l, nil
}

// scrape returns the series of the pack on a node.
func scrape(addr string) (map[string]float64, error) {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + addr + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasPrefix(name, "setrouter_") {
			out[name] = n
		}
	}
	return out, nil
}

// seePage gets the status that the page shows, at the first node.
func (t *town) seePage() (look, error) {
	var s api.Status
	err := getJSON(t.nodes[0].server.AdminURL+"/setrouter/v1/status", &s)
	return look{health: s.Health}, err
}

// seeStatus runs `setctl status` at the first node.
func (t *town) seeStatus(ctx context.Context) (look, error) {
	code, out, err := t.setctl(ctx, "status")
	head, _, _ := strings.Cut(out, "\nup for ")
	return look{code: code, head: head}, err
}

// most returns the greatest of the series that begin so: of one node.
func (l look) most(prefix string) (most float64) {
	for name, value := range l.metrics {
		if strings.HasPrefix(name, prefix) {
			most = max(most, value)
		}
	}
	return most
}

// sum adds up the series that have all of the words in them.
func (l look) sum(words ...string) (sum float64) {
	for name := range maps.Keys(l.metrics) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(name, word) }) {
			sum += l.metrics[name]
		}
	}
	return sum
}

package nodes

import (
	"context"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// watchInterval is how often a node asks the others for the metrics.
const watchInterval = 10 * time.Second

var watching sync.Once

// Watch begins to ask all nodes every few seconds, and shows in the metrics how they are.
// It does so as long as the process lives; calling Watch again has no effect.
func Watch(s *router.Server) {
	watching.Do(func() {
		go func() {
			for range time.Tick(watchInterval) {
				observe.Safely("asking the nodes", func() { show(Ask(context.Background(), s)) })
			}
		}()
	})
}

// show sets the metrics of the nodes.
func show(all api.Cluster) {
	standings := map[string]int{"ours": 0, "stock": 0, "silent": 0}
	for _, n := range all.Nodes {
		switch {
		case n.Summary != nil:
			standings["ours"]++
		case !n.Healthy && !n.Self: // Polaris has dropped it
		case n.Stock:
			standings["stock"]++
		default:
			standings["silent"]++
		}
	}
	for standing, n := range standings {
		observe.Nodes.WithLabelValues(standing).Set(float64(n))
	}
	about := map[api.About]int{}
	for _, a := range api.Abouts {
		about[a] = 0
	}
	for _, d := range all.Differences {
		about[d.About]++
	}
	for a, n := range about {
		observe.Disagreements.WithLabelValues(string(a)).Set(float64(n))
	}
}

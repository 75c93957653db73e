package kubernetes

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/sources"
)

// reportInterval is that of metrics and log.
const reportInterval = 5 * time.Second

// report keeps the metrics, and logs where the state of a cluster is another,
// until ctx ends.
func (s *Source) report(ctx context.Context) {
	tick := time.NewTicker(reportInterval)
	defer tick.Stop()
	logged := map[string]string{}
	for {
		status := s.Status(clock.Now())
		measure(status)
		for _, c := range status.Clusters {
			if logged[c.Name] != c.State {
				logged[c.Name] = c.State
				logState(c)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func logState(c sources.Cluster) {
	log := observe.Log.Info
	if c.State == sources.StateAway {
		log = observe.Log.Warn
	}
	log("[SetRouter] kubernetes: "+c.State, zap.String("cluster", c.Name), zap.Int("pods", c.Pods), zap.Int("nodes", c.Nodes),
		zap.Time("heard", c.Heard), zap.String("problems", strings.Join(c.Problems, "; ")))
}

func measure(status sources.Status) {
	var clusters []observe.KubernetesCluster
	for _, c := range status.Clusters {
		figures := observe.KubernetesCluster{Name: c.Name, Snapshot: c.Snapshot, Pods: c.Pods, Invalid: c.Invalid}
		if !c.Heard.IsZero() {
			figures.Heard = float64(c.Heard.Unix())
		}
		clusters = append(clusters, figures)
	}
	observe.Kubernetes(status.Ambiguous, clusters)
}

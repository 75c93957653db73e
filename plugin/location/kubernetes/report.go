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

// reportInterval is how often the source updates its metrics and its log.
const reportInterval = 5 * time.Second

// report updates the metrics, and logs each change of a cluster's state, until ctx
// ends.
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

// measure updates the metrics.
func measure(status sources.Status) {
	var clusters []observe.KubernetesCluster
	for _, c := range status.Clusters {
		cluster := observe.KubernetesCluster{Name: c.Name, Snapshot: c.Snapshot, Pods: c.Pods, Invalid: c.Invalid}
		if !c.Heard.IsZero() {
			cluster.Heard = float64(c.Heard.Unix())
		}
		clusters = append(clusters, cluster)
	}
	observe.Kubernetes(status.Ambiguous, clusters)
}

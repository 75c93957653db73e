package kubernetes

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// copyInterval is how often the server compares the copy on disk with the table. A
// restart without the API server can miss the changes of one interval.
const copyInterval = 10 * time.Second

// maxInvalid bounds the invalid pods of a cluster in a status.
const maxInvalid = 50

// Source is the identity source `kubernetes`.
type Source struct {
	table    *Table
	clusters []*watched
	interval time.Duration // copyInterval; tests use another
	look     time.Duration // workloadInterval; tests use another
}

var _ sources.Source = (*Source)(nil)

func init() {
	sources.Register(location.SourceKubernetes, func(config *serverconfig.Config) (sources.Source, error) {
		s, err := New(config.Kubernetes)
		if err != nil {
			return nil, err
		}
		quietClient()
		go s.Run(context.Background())
		return s, nil
	})
}

// New returns a source for the configured clusters. It reads the kubeconfigs and
// the copies on disk, and does not speak to API servers.
func New(k *serverconfig.Kubernetes) (*Source, error) {
	s := &Source{table: NewTable(), interval: copyInterval, look: workloadInterval}
	for _, c := range k.Clusters {
		w, err := newWatched(c, k, s.table)
		if err != nil {
			return nil, fmt.Errorf("plugin.location.option.kubernetes: cluster %q: %w", c.Name, err)
		}
		s.clusters = append(s.clusters, w)
	}
	for _, w := range s.clusters {
		w.restore()
	}
	return s, nil
}

// Run keeps the table equal to the clusters until ctx ends.
func (s *Source) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range s.clusters {
		all.Go(func() {
			if err := w.run(ctx, s.interval, s.look); err != nil {
				observe.Log.Error("[SetRouter] the cluster is not followed", zap.String("cluster", w.Name), zap.Error(err))
			}
		})
	}
	all.Go(func() { s.report(ctx) })
	all.Wait()
}

// Facts implements location.Source.
func (s *Source) Facts(addr netip.Addr) (location.Found, bool) {
	facts, ok := s.table.Facts(addr)
	if !ok {
		return location.Found{}, false
	}
	return facts.Found(), true
}

// Generation implements sources.Source.
func (s *Source) Generation() uint64 { return s.table.Generation() }

// All implements sources.Source.
func (s *Source) All() iter.Seq2[netip.Addr, *location.Facts] { return s.table.All() }

// Status implements sources.Source.
func (s *Source) Status(now time.Time) sources.Status {
	out := sources.Status{Clusters: []sources.Cluster{}}
	out.Addresses, out.Ambiguous = s.table.Addresses()
	for _, w := range s.clusters {
		out.Clusters = append(out.Clusters, w.status(now))
	}
	return out
}

// status returns the state of one cluster.
func (w *watched) status(now time.Time) sources.Cluster {
	c := sources.Cluster{Name: w.Name, State: sources.StateLive, First: []sources.Invalid{}, Problems: []string{}}
	c.Pods, c.Nodes, c.Invalid = w.table.Count(w.Name)
	keys, reasons := w.table.Invalid(w.Name, maxInvalid)
	for i := range keys {
		c.First = append(c.First, sources.Invalid{Pod: keys[i], Why: reasons[i]})
	}
	var err error
	c.Heard, err = w.heard()
	switch synced := w.synced(); {
	case !synced && !w.restored.IsZero():
		c.State, c.Snapshot, c.Heard = sources.StateSnapshot, true, w.restored
	case !synced:
		c.State = sources.StateStarting
	case err != nil:
		c.State = sources.StateAway
	}
	c.Heard = clock.AsOf(now, c.Heard)
	if !c.Heard.IsZero() {
		c.AgeSeconds = now.Sub(c.Heard).Seconds()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, problem := range []error{err, w.diskErr, w.complaintErr()} {
		if problem != nil {
			c.Problems = append(c.Problems, problem.Error())
		}
	}
	if unnamed := w.table.Unnamed(w.Name); unnamed != "" {
		c.Problems = append(c.Problems, unnamed)
	}
	c.Problems = append(c.Problems, w.workloads.problems()...)
	return c
}

// complaintErr returns the error of the last attempt to write an Event.
func (w *watched) complaintErr() error {
	if w.complainer == nil {
		return nil
	}
	return w.complainer.lastError()
}

package kubernetes

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/observe"
)

// heardInterval is how often the server writes a copy whose records have not changed,
// to update the time in the copy.
const heardInterval = 5 * time.Minute

// restore puts the copy on disk into the table. Without a valid copy the table
// stays empty until the API server answers.
func (w *watched) restore() {
	if w.file == "" {
		return
	}
	c, ok, err := readDisk(w.file, w.options)
	w.diskErr = err
	if err != nil {
		observe.Log.Warn("[SetRouter] no copy of the cluster's pods", zap.String("cluster", w.Name), zap.Error(err))
	}
	if !ok {
		return
	}
	for _, n := range c.Nodes {
		w.table.PutNode(w.Name, n)
	}
	for _, p := range c.Pods {
		w.table.PutPod(w.Name, p)
	}
	w.restored = c.Heard
	observe.Log.Info("[SetRouter] pods from the copy on disk", zap.String("cluster", w.Name), zap.Int("pods", len(c.Pods)), zap.Time("heard", c.Heard))
}

// keepCopy writes the copy on disk when records have changed, until ctx ends. It
// writes only after the first lists are whole.
func (w *watched) keepCopy(ctx context.Context, interval time.Duration) {
	if w.file == "" {
		return
	}
	var written struct {
		changes uint64
		heard   time.Time
	}
	for tick := time.NewTicker(interval); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		heard, _ := w.heard()
		if !w.synced() || (w.table.Changes(w.Name) == written.changes && heard.Sub(written.heard) < heardInterval) {
			continue
		}
		pods, nodes, changes := w.table.Records(w.Name)
		err := diskcopy.Write(w.file, diskCopy{diskVersion, w.options, heard, pods, nodes})
		w.mu.Lock()
		w.diskErr = err
		w.mu.Unlock()
		if err == nil {
			written.changes, written.heard = changes, heard
		}
	}
}

// heard returns the oldest of the times at which the feeds last had an answer, and
// the first error among the feeds. The time is zero if a feed never had an answer.
func (w *watched) heard() (oldest time.Time, err error) {
	for i, f := range w.feeds {
		heard, feedErr := f.contact.state()
		if i == 0 || heard.Before(oldest) {
			oldest = heard
		}
		if err == nil {
			err = feedErr
		}
	}
	return oldest, err
}

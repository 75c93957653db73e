package kubernetes

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/observe"
)

// heardInterval is how often a copy is written for its time alone.
const heardInterval = 5 * time.Minute

// restore puts the copy on disk into the table. Without one, or with one that
// cannot be read, the table waits for the API server.
func (w *watched) restore() {
	if w.file == "" {
		return
	}
	c, ok, err := readDisk(w.file, w.of)
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

// keepCopy writes the copy on disk when records have changed. What was never
// whole is not written over what was.
func (w *watched) keepCopy(ctx context.Context, interval time.Duration) {
	if w.file == "" {
		return
	}
	var written struct {
		changes uint64
		at      time.Time
	}
	for tick := time.NewTicker(interval); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		heard, _ := w.heard()
		if !w.synced() || (w.table.Changes(w.Name) == written.changes && heard.Sub(written.at) < heardInterval) {
			continue
		}
		pods, nodes, changes := w.table.Records(w.Name)
		err := diskcopy.Write(w.file, diskCopy{diskVersion, w.of, heard, pods, nodes})
		w.mu.Lock()
		w.diskErr = err
		w.mu.Unlock()
		if err == nil {
			written.changes, written.at = changes, heard
		}
	}
}

// heard is when the last news came of the feed that is longest without, and why
// it has none since; zero for never.
func (w *watched) heard() (oldest time.Time, err error) {
	for i, f := range w.feeds {
		at, failed := f.contact.state()
		if i == 0 || at.Before(oldest) {
			oldest = at
		}
		if err == nil {
			err = failed
		}
	}
	return oldest, err
}

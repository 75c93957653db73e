package livefile

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	quiet    = 100 * time.Millisecond // without a change, before the files are read
	patience = time.Second            // for a directory that changes all the time
)

// Run looks for changes until ctx ends. It watches the directories of the files:
// so it sees renames, saves by editors, and the swap of symlinks in a Kubernetes
// ConfigMap. A watch gets lost where its directory is removed, and sources have
// no watch: so Run also looks at each tick.
func (l *Live[T]) Run(ctx context.Context) {
	tick := time.NewTicker(l.options.Poll)
	defer tick.Stop()
	watcher, err := fsnotify.NewWatcher()
	if err != nil { // there are no inotify instances left: only tick
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.Refresh()
			}
		}
	}
	defer watcher.Close()
	l.watch(watcher)
	l.follow(ctx, watcher, tick.C)
}

// follow looks when the watched directories have been quiet, and at each tick.
func (l *Live[T]) follow(ctx context.Context, watcher *fsnotify.Watcher, tick <-chan time.Time) {
	var settled <-chan time.Time
	var busySince time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if event.Op == fsnotify.Chmod {
				continue
			}
			if settled == nil {
				busySince = time.Now()
			}
			if settled == nil || time.Since(busySince) < patience {
				settled = time.After(quiet)
			}
		case <-watcher.Errors: // events were lost: the next tick finds the change
		case <-settled:
			settled = nil
			l.Refresh()
		case <-tick:
			l.watch(watcher)
			l.Refresh()
		}
	}
}

// watch adds the directories that exist. To add a directory again has no effect.
// A directory that does not exist yet is added at a later tick.
func (l *Live[T]) watch(watcher *fsnotify.Watcher) {
	for _, glob := range l.disk.globs {
		dirs := []string{filepath.Dir(glob)}
		if strings.ContainsAny(dirs[0], "*?[") {
			dirs, _ = filepath.Glob(dirs[0])
		}
		for _, dir := range dirs {
			_ = watcher.Add(dir)
		}
	}
}

package livefile

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long the files must have been left alone before they are read,
// and patience how long a busy directory can put that off.
const (
	quiet    = 100 * time.Millisecond
	patience = time.Second
)

// Run watches the directories of the files, for renames, saves by editors and
// the symlink swap of a Kubernetes ConfigMap, until ctx ends. Watches get lost,
// with a directory for one: a look at each Poll interval is the backstop.
func (l *Live[T]) Run(ctx context.Context) {
	tick := time.NewTicker(l.options.Poll)
	defer tick.Stop()
	watcher, err := fsnotify.NewWatcher()
	if err != nil { // out of inotify instances: the ticker alone, then
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.refresh()
			}
		}
	}
	defer watcher.Close()
	l.watch(watcher)
	l.follow(ctx, watcher, tick.C)
}

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
		case <-watcher.Errors: // events were lost: the ticker finds the change
		case <-settled:
			settled = nil
			l.refresh()
		case <-tick:
			l.watch(watcher)
			l.refresh()
		}
	}
}

// watch adds the directories that are there. Adding one again has no effect,
// and one that is not there yet is tried at the next tick.
func (l *Live[T]) watch(watcher *fsnotify.Watcher) {
	for _, glob := range l.globs {
		dirs := []string{filepath.Dir(glob)}
		if strings.ContainsAny(dirs[0], "*?[") {
			dirs, _ = filepath.Glob(dirs[0])
		}
		for _, dir := range dirs {
			_ = watcher.Add(dir)
		}
	}
}

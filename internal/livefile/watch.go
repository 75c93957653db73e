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
		l.follow(ctx, &fsnotify.Watcher{}, func() {}, tick.C)
		return
	}
	defer watcher.Close()
	watch := func() { l.watch(watcher) }
	watch()
	l.follow(ctx, watcher, watch, tick.C)
}

// follow looks when the watched directories have been quiet, when files have stood
// still, and at each tick.
func (l *Live[T]) follow(ctx context.Context, watcher *fsnotify.Watcher, watch func(), tick <-chan time.Time) {
	var due <-chan time.Time // of the next look
	var busySince time.Time  // zero: the directories have been quiet
	lookNow := func() {
		due, busySince = nil, time.Time{}
		if wait := l.Refresh(); wait > 0 {
			due = time.After(wait)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if event.Op == fsnotify.Chmod {
				continue
			}
			l.note(event)
			if busySince.IsZero() {
				busySince = time.Now()
			}
			if time.Since(busySince) < patience {
				due = time.After(quiet)
			}
		case <-watcher.Errors: // events were lost: the next tick finds the change
			l.forgetArrivals()
		case <-due:
			lookNow()
		case <-tick:
			watch()
			if busySince.IsZero() {
				lookNow()
			}
		}
	}
}

// note remembers an event of a watched directory.
func (l *Live[T]) note(event fsnotify.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disk.still.note(event)
}

// forgetArrivals makes every file that has changed wait until it has stood still.
func (l *Live[T]) forgetArrivals() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.disk.still.arrivals)
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

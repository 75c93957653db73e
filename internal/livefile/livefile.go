// Package livefile keeps a value that is made from files in step with them: a
// set of files named by globs, and of contents that a Provider has, is loaded
// whole or not at all, and with a fault anywhere the last good value stays in
// force.
package livefile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Options say what to load. Load must be pure: from files to a value and the
// count of what it holds.
type Options[T any] struct {
	Globs []string // and names of the Provider's contents, as scheme://...
	// Provider has the contents whose names have a scheme. Where there are
	// such, Open takes nothing into force but the value of no files, and Start
	// loads for the first time.
	Provider Provider
	// Copy is where the Provider's contents in force are kept on disk, for a
	// start at which they cannot be had.
	Copy string
	Load func(files []strict.File) (value *T, count int, err error)
	// Guard may refuse a reload for what it would lose; nil refuses nothing.
	// It is not asked at the first load, nor when a reload is forced.
	Guard func(oldCount, newCount int) error
	// OnLoad is called after each try, also the first, from one goroutine at
	// a time; nil is fine. An unchanged set of files is not tried again.
	OnLoad func(Status)
	// Poll is the interval of the look at the files that finds what the watch
	// missed; 0 is 2 s, and 1 s with a Provider's contents.
	Poll time.Duration
}

// Live is the value in force. It is safe for concurrent use.
type Live[T any] struct {
	options Options[T]
	globs   []string // of options.Globs, those of files
	remote  []string // and those of the Provider's contents
	value   atomic.Pointer[T]
	shown   atomic.Pointer[state]

	mu        sync.Mutex // serialises loads
	started   bool
	tried     bool      // a load was reported
	unsettled int       // tries in a row that met a content that is being replaced
	seen      signature // at the last try
	inForce   []strict.File
	releases  map[string]Release // in force, by file
	newest    map[string]Release // that were in force, by file and type
	status    Status
}

// Open loads the files for the first time. Any fault is an error. With contents
// of a Provider it only sees to it that the files can be read.
func Open[T any](options Options[T]) (*Live[T], error) {
	l := &Live[T]{options: options}
	l.show()
	for _, name := range options.Globs {
		switch {
		case !Remote(name):
			l.globs = append(l.globs, name)
		case !slices.Contains(l.remote, name):
			l.remote = append(l.remote, name)
		}
	}
	if l.options.Poll == 0 {
		l.options.Poll = 2 * time.Second
	}
	if len(l.remote) > 0 {
		return l, l.prepare()
	}
	l.started = true
	if err := l.Reload(false); err != nil {
		return nil, err
	}
	return l, nil
}

// Get returns the value in force; it does not block.
func (l *Live[T]) Get() *T { return l.value.Load() }

// Reload loads the files now, changed or not. Forced, it does not ask what
// would be lost, and takes a release that is older than the one in force.
func (l *Live[T]) Reload(force bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		return errors.New("the server is starting")
	}
	l.unsettled = patientTries - 1 // whoever asks is told at once
	l.seen = l.sign()
	return l.load(force)
}

// refresh loads the files if they are not those of the last try.
func (l *Live[T]) refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if p := recover(); p != nil { // in a goroutine that nobody guards
			l.status.Err = fmt.Errorf("panic in a load: %v", p)
			l.show()
		}
	}()
	now := l.sign()
	if !l.started {
		return
	}
	l.keepCopyAgain()
	if now.equal(l.seen) {
		return
	}
	l.seen = now
	_ = l.load(false)
	// A swap of symlinks under the reading mixes two versions: read again.
	if again := l.sign(); !again.equal(l.seen) {
		l.seen = again
		_ = l.load(false)
	}
}

func (l *Live[T]) load(force bool) error {
	tried := clock.Now()
	r := l.read(force)
	// The server's cache can be without a release for a second while another
	// one takes its place.
	if r.unsettled || r.absent && l.inForce != nil {
		l.seen = signature{} // to be read again
		if l.unsettled++; l.unsettled != patientTries {
			return r.err
		}
	} else {
		l.unsettled = 0
	}
	l.status.TriedAt = tried
	files, err := r.files, r.err
	if err == nil && l.inForce != nil && slices.EqualFunc(files, l.inForce, sameFile) {
		// Touched only, or back to what is in force: the value and its
		// identity stay, and a fault of the files between is over.
		moved := l.note(r.releases)
		if l.status.Err == nil && !moved {
			l.show()
			return nil
		}
		l.status.CopiedAt = time.Time{}
		if moved {
			l.keepCopy()
		}
		l.report(files, nil)
		return nil
	}
	if err == nil {
		err = l.replace(files, force)
	}
	switch {
	case err == nil:
		l.status.CopiedAt = time.Time{}
		l.note(r.releases)
		l.keepCopy()
	case !l.tried && !r.absent:
		l.useCopy()
	}
	l.report(files, err)
	return err
}

// replace puts the files in force, or returns why not.
func (l *Live[T]) replace(files []strict.File, force bool) error {
	value, count, err := l.safeLoad(files)
	if err != nil {
		return err
	}
	if l.inForce != nil && !force {
		if err := l.vanished(files, count); err != nil {
			return err
		}
		if l.options.Guard != nil {
			if err := l.options.Guard(l.status.Count, count); err != nil {
				return err
			}
		}
	}
	l.value.Store(value)
	l.inForce = files
	l.status.Count, l.status.LoadedAt = count, clock.Now()
	l.status.InForce, l.status.Digest = nil, digest(files)
	for _, f := range files {
		l.status.InForce = append(l.status.InForce, f.Name)
	}
	return nil
}

func (l *Live[T]) safeLoad(files []strict.File) (value *T, count int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while loading: %v", p)
		}
	}()
	value, count, err = l.options.Load(files)
	if err == nil && value == nil {
		err = errors.New("nothing was loaded")
	}
	return value, count, err
}

func sameFile(a, b strict.File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) }

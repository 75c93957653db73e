// Package livefile keeps a value in step with the texts from which it is made:
// files on disk, named by globs, and texts of other sources. All of them are
// loaded together or not at all. After a fault in one of them the last good value
// stays in force.
//
// A look finds what has changed: Run looks when the file system reports a change,
// and at each tick. Then the Live reads every text, loads them into a new value,
// asks the guard whether too much would be lost, and puts the value in force:
// see Live.load.
package livefile

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Options say what to load.
type Options[T any] struct {
	Globs []string // names and patterns of files on disk
	// Sources have further texts. With Sources, Open puts the value of no texts
	// in force, and Start loads for the first time.
	Sources []Source
	// Load makes a value, and counts the entries in it. It must be pure.
	Load func(files []strict.File) (value *T, count int, err error)
	// Guard may refuse a new value for what would be lost with the value in force;
	// nil refuses nothing. Gone are the names of the files in force that are there
	// no more. Guard is not asked at the first load, nor when a reload is forced.
	Guard func(inForce, next *T, gone []string) error
	// OnLoad is called after each load, refused or not, with the value in force
	// then. It is called by one goroutine at a time; nil is fine. A look that
	// finds nothing new is no load.
	OnLoad func(value *T, status Status)
	// Poll is the time from tick to tick; 0 is 2 s. With Sources it is 1 s at
	// most.
	Poll time.Duration
}

// Live is the value in force. It is safe for concurrent use.
type Live[T any] struct {
	options Options[T]
	shown   atomic.Pointer[shown[T]] // what Get, Files and Status return

	mu      sync.Mutex // one load at a time; guards what follows
	phase   phase
	disk    disk
	value   *T
	inForce *set // that value is made from; nil: no load has succeeded yet
	status  Status
}

// phase is how far a Live has come since its Open.
type phase int

const (
	phaseWaiting phase = iota // for Start
	phaseFirst                // the first load is due
	phaseLoaded               // the first load is over
)

// Open loads the files for the first time. Any fault is an error. With Sources,
// Open only makes sure that the files on disk can be read.
func Open[T any](options Options[T]) (*Live[T], error) {
	l := &Live[T]{options: options, disk: disk{globs: options.Globs, alone: len(options.Sources) == 0, still: newStillness()}}
	l.show()
	if l.options.Poll == 0 {
		l.options.Poll = 2 * time.Second
	}
	first := l.prepare
	if len(options.Sources) == 0 {
		l.phase = phaseFirst
		first = func() error { return l.Reload(false) }
	}
	if err := first(); err != nil {
		return nil, err
	}
	return l, nil
}

// prepare puts the value of no texts in force, until Start.
func (l *Live[T]) prepare() error {
	l.options.Poll = min(l.options.Poll, time.Second)
	value, _, err := l.safeLoad(nil)
	if err != nil {
		return err
	}
	l.value = value
	l.show()
	var problems strict.Problems
	l.disk.files(&problems)
	return problems.Err()
}

// Start loads for the first time, where there are Sources. Where the load fails,
// the copies on disk of the Sources are put in force instead, if they can be
// used. The fault is in the Status. A second Start has no effect.
func (l *Live[T]) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase == phaseWaiting {
		l.phase = phaseFirst
		_ = l.load(UrgencyNow)
	}
}

// Get returns the value in force. It does not block.
func (l *Live[T]) Get() *T { return l.shown.Load().value }

// Reload loads the files now, changed or not. Forced, it asks no guard, and the
// Sources take what they would refuse otherwise.
func (l *Live[T]) Reload(force bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.phase == phaseWaiting:
		return errors.New("the server is starting")
	case force:
		return l.load(UrgencyForced)
	}
	return l.load(UrgencyNow)
}

// Refresh looks once, as Run does at each tick: it loads the files if one of them
// has changed since the last load. Where files are still being written, it leaves
// everything as it is, and returns how long they must still stand as they do; else it
// returns 0.
func (l *Live[T]) Refresh() (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if p := recover(); p != nil { // in a goroutine that nobody else guards
			l.status.Err = fmt.Errorf("panic in a load: %v", p)
			l.show()
		}
	}()
	if l.phase == phaseWaiting {
		return 0
	}
	if l.status.CopyErr != nil && l.inForce != nil {
		l.keep()
		l.show()
	}
	if !l.changed() && !l.disk.still.said { // else the load ends what was said
		l.disk.still.reset()
		return 0
	}
	wait, name := l.disk.wait()
	if wait > 0 {
		l.hold(name)
		return wait
	}
	if l.load(UrgencyNone) == errMixed {
		return quiet
	}
	return 0
}

func (l *Live[T]) changed() bool {
	return l.disk.changed() || slices.ContainsFunc(l.options.Sources, Source.Changed)
}

// load is what happens when a file has changed, or somebody asks for a reload.
func (l *Live[T]) load(urgency Urgency) error {
	began := clock.Now()
	found, err := l.read(urgency)
	if err == errLater || err == errMixed {
		return err
	}
	l.status.TriedAt = began
	if err == nil && l.inForce.equal(found) {
		l.confirm(found)
		return nil
	}
	if err == nil {
		err = l.replace(found, urgency)
	}
	switch {
	case err == nil:
		l.keep()
	case l.phase == phaseFirst:
		l.useCopies()
	}
	l.report(found, err)
	return err
}

// read reads the files on disk and every source. The error is errLater or errMixed, and
// then nothing has been read, or has every fault.
func (l *Live[T]) read(urgency Urgency) (found *set, err error) {
	var problems strict.Problems
	before := l.disk.seen
	settled := true
	found = &set{files: l.disk.read(&problems)}
	for _, source := range l.options.Sources {
		reading, ok := source.Read(urgency, &problems)
		found.add(reading)
		settled = settled && ok
	}
	switch {
	case !settled:
		err = errLater
	case urgency == UrgencyNone && l.disk.changed():
		err = errMixed
	default:
		return found, problems.Err()
	}
	l.disk.seen = before
	return nil, err
}

// confirm ends a load that has found the files in force. Files were touched, or
// put back after a fault, or a source has published the same text anew: the value
// and its identity stay.
func (l *Live[T]) confirm(found *set) {
	anew := !l.inForce.sameVersions(found)
	if l.status.Err == nil && !anew {
		l.show()
		return
	}
	l.status.CopiedAt = time.Time{}
	if anew {
		l.inForce = found
		l.keep()
	}
	l.report(found, nil)
}

// replace puts the files that were found in force, or returns why not.
func (l *Live[T]) replace(found *set, urgency Urgency) error {
	value, count, err := l.safeLoad(found.files)
	if err != nil {
		return err
	}
	if l.inForce != nil && urgency != UrgencyForced && !found.goesBack(l.inForce) {
		if err := l.askGuard(found.files, value); err != nil {
			return err
		}
	}
	l.value, l.inForce = value, found
	l.status.Count, l.status.LoadedAt, l.status.CopiedAt = count, clock.Now(), time.Time{}
	l.status.InForce, l.status.Digest = found.names(), digest(found.files)
	l.show() // before the copies are written, which can take a while
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

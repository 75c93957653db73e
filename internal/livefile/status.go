package livefile

import (
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Status says what is in force, and how the last load went.
type Status struct {
	InForce  []string // names of files, in order
	Count    int      // entries in force
	Digest   string   // of the files in force, see DigestLength; empty: nothing is
	LoadedAt time.Time
	// CopiedAt is when the copy on disk was written that is in force; zero where
	// the texts themselves are in force.
	CopiedAt time.Time
	// CopyErr is why the copy on disk could not be written, or used, last.
	CopyErr error

	// Warnings are what is likely a mistake about the files on disk: some that nobody
	// reads, some that can never change.
	Warnings []strict.Problem

	Files   []string // names of the files that were loaded last
	TriedAt time.Time
	Took    time.Duration
	Err     error // nil: the files that were loaded last are in force
}

// shown is what a Live says, also while a load takes its time, or a source does not
// answer. The value and the files that it is made from change together.
type shown[T any] struct {
	value  *T
	files  []strict.File
	status Status
}

// Files returns the files in force. It does not block.
func (l *Live[T]) Files() []strict.File { return l.shown.Load().files }

// Status returns what is in force, and how the last load went. It does not block.
func (l *Live[T]) Status() Status { return l.shown.Load().status }

func (l *Live[T]) show() {
	now := &shown[T]{value: l.value, status: l.status}
	if l.inForce != nil {
		now.files = l.inForce.files
	}
	l.shown.Store(now)
}

// report ends a load.
func (l *Live[T]) report(found *set, err error) {
	l.phase = phaseLoaded
	l.status.Files, l.status.Err, l.status.Took = found.names(), err, time.Since(l.status.TriedAt)
	l.show()
	if l.options.OnLoad != nil {
		l.options.OnLoad(l.Get(), l.status)
	}
}

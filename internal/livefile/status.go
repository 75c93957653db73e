package livefile

import (
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Status says what is in force, and how the last try went.
type Status struct {
	Files    []string // tried last
	InForce  []string
	Count    int // in force
	LoadedAt time.Time
	TriedAt  time.Time
	Took     time.Duration // of the last try
	Err      error         // of the last try; nil: what was tried is in force
	CopiedAt time.Time     // not zero: in force is the copy on disk, made then
	CopyErr  error         // of the last use of the copy on disk
	Digest   string        // of what is in force; empty: nothing is
	Releases []Release     // in force, in the order of their files
}

// state is what is told of a Live, also while a load takes its time, or a store
// does not answer.
type state struct {
	status Status
	files  []strict.File
}

// Handle is a Live without its type.
type Handle interface {
	Status() Status
	Files() []strict.File
	Reload(force bool) error
}

// Files returns the files in force; it does not block.
func (l *Live[T]) Files() []strict.File { return l.shown.Load().files }

// Status returns the state of the last try; it does not block.
func (l *Live[T]) Status() Status { return l.shown.Load().status }

func (l *Live[T]) show() { l.shown.Store(&state{l.status, l.inForce}) }

func (l *Live[T]) report(files []strict.File, err error) {
	l.tried = true
	l.status.Err, l.status.Took = err, time.Since(l.status.TriedAt)
	l.status.Files = nil
	for _, f := range files {
		l.status.Files = append(l.status.Files, f.Name)
	}
	l.show()
	if l.options.OnLoad != nil {
		l.options.OnLoad(l.status)
	}
}

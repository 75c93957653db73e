package livefile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Source has texts that are not files on disk, under names of its own. A Live
// calls the methods of a Source from one goroutine at a time.
type Source interface {
	// Changed reports whether Read would return something else than it did last.
	// Every look calls Changed, so it reads no text.
	Changed() bool
	// Read returns the texts as they are now, and adds what is wrong with them to
	// problems. Where nobody waits for the load, a Source may ask for time with ok
	// false: the Live then leaves everything as it is, without a word, and reads
	// again as soon as Changed reports true.
	Read(urgency Urgency, problems *strict.Problems) (reading Reading, ok bool)
	// Copy returns what an earlier run of the server has kept on disk. A Live
	// asks for the copy where its first load has failed. Copy returns nil where
	// the copy must not stand in for the texts.
	Copy() (*Reading, error)
}

// Reading is what a Source had at one moment.
type Reading struct {
	Files []strict.File
	// Version differs where the same texts were published anew. It may be empty.
	Version string
	// SavedAt is when a copy was written, zero for texts of now.
	SavedAt time.Time
	// Keep is called when Files are in force. The Source keeps them on disk for
	// the next start. After an error Keep is called again at each look.
	Keep func() error
	// Back are the names of texts that were in force here before, and that an operator has
	// gone back to: the guard is not asked about them.
	Back []string
}

// Urgency says how a load was asked for.
type Urgency int

// The urgencies of a load.
const (
	UrgencyNone   Urgency = iota // a look has found a change, and nobody waits
	UrgencyNow                   // the server starts, or an operator waits for the outcome
	UrgencyForced                // an operator wants whatever there is
)

var (
	// errLater says that a Source asks for time.
	errLater = errors.New("a source asks for time")
	// errMixed says that files changed while they were read.
	errMixed = errors.New("files changed while they were read")
)

// set is what is loaded together: every file on disk, and a Reading of each
// Source. Its files are in the order of their names.
type set struct {
	files    []strict.File
	readings []Reading
}

func (s *set) add(r Reading) {
	s.readings = append(s.readings, r)
	s.files = append(s.files, r.Files...)
	slices.SortFunc(s.files, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) })
}

func (s *set) names() []string {
	var names []string
	for _, file := range s.files {
		names = append(names, file.Name)
	}
	return names
}

// goesBack reports whether all that differs from the set in force was in force before.
func (s *set) goesBack(inForce *set) bool {
	var back []string
	for _, reading := range s.readings {
		back = append(back, reading.Back...)
	}
	if len(back) == 0 || !slices.Equal(s.names(), inForce.names()) {
		return false
	}
	for n, file := range s.files {
		if !bytes.Equal(file.Data, inForce.files[n].Data) && !slices.Contains(back, file.Name) {
			return false
		}
	}
	return true
}

// equal reports whether both sets have the same texts. A nil set equals none.
func (s *set) equal(other *set) bool {
	sameFile := func(a, b strict.File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) }
	return s != nil && slices.EqualFunc(s.files, other.files, sameFile)
}

func (s *set) sameVersions(other *set) bool {
	return slices.EqualFunc(s.readings, other.readings, func(a, b Reading) bool { return a.Version == b.Version })
}

// keep has the sources keep on disk what is in force.
func (l *Live[T]) keep() {
	var err error
	for _, reading := range l.inForce.readings {
		err = errors.Join(err, reading.Keep())
	}
	if err != nil {
		err = fmt.Errorf("the copy on disk cannot be written: %w", err)
	}
	l.status.CopyErr = err
}

// useCopies puts the sources' copies on disk in force, with the files on disk of
// now. The oldest copy gives the time.
func (l *Live[T]) useCopies() {
	found, err := l.readCopies()
	if found == nil && err == nil {
		return
	}
	if err == nil {
		err = l.replace(found, UrgencyForced)
	}
	if err != nil {
		l.status.CopyErr = fmt.Errorf("the copy on disk cannot be used: %w", err)
		return
	}
	l.keep()
	for _, reading := range found.readings {
		if l.status.CopiedAt.IsZero() || reading.SavedAt.Before(l.status.CopiedAt) {
			l.status.CopiedAt = reading.SavedAt
		}
	}
}

// readCopies returns nil where a source wants its copy not to be used, and where
// there are no sources.
func (l *Live[T]) readCopies() (*set, error) {
	if len(l.options.Sources) == 0 {
		return nil, nil
	}
	var problems strict.Problems
	found := &set{files: l.disk.files(&problems)}
	for _, source := range l.options.Sources {
		reading, err := source.Copy()
		if err != nil || reading == nil {
			return nil, err
		}
		found.add(*reading)
	}
	return found, problems.Err()
}

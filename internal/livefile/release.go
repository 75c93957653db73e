package livefile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Release is the publication that a Provider's content is of. The zero value is
// none: its content is not compared with earlier ones.
type Release struct {
	File    string `json:"file"` // the Provider's name of the content
	Name    string `json:"name"`
	Type    string `json:"type"`    // full or gray
	Version uint64 `json:"version"` // counts the publications of the file
	// ID is a number that the store gives once, when a release is made; to put
	// an earlier one in force again changes its Version and its time.
	ID          uint64    `json:"id"`
	PublishedAt time.Time `json:"publishedAt"`
}

// olderThan tells whether r is a state from before other. No number alone says
// it: the versions of a file can start again when its releases are deleted, a
// rollback has a lower ID than what it replaces, and the store's clock can be
// set back. So the ID decides only where both were put in force in one second.
func (r Release) olderThan(other Release) bool {
	before := r.PublishedAt.Before(other.PublishedAt) || r.PublishedAt.Equal(other.PublishedAt) && r.ID <= other.ID
	return r != other && r.Version <= other.Version && before
}

// older is ErrUnsettled in an operator's words: a replica of the store that lags
// catches up.
type older string

func (o older) Error() string { return string(o) }

func (older) Unwrap() error { return ErrUnsettled }

// notOlder refuses a release from before the newest of its type that was in
// force.
func (l *Live[T]) notOlder(r Release) error {
	last, there := l.newest[r.File+" "+r.Type]
	if !there || !r.olderThan(last) {
		return nil
	}
	return older(fmt.Sprintf("the store shows release %q (version %d), which is older than %q (version %d) that was in force here: "+
		"a replica lags, or an old database is back; to follow it publish it anew, or setctl reload --force", r.Name, r.Version, last.Name, last.Version))
}

// note takes down which releases are in force, and tells whether they are others.
func (l *Live[T]) note(releases map[string]Release) bool {
	if maps.Equal(releases, l.releases) {
		return false
	}
	l.releases, l.status.Releases = releases, nil
	for _, r := range releases {
		if r.File != "" {
			l.mark(r)
			l.status.Releases = append(l.status.Releases, r)
		}
	}
	slices.SortFunc(l.status.Releases, func(a, b Release) int { return strings.Compare(a.File, b.File) })
	return true
}

func (l *Live[T]) mark(r Release) {
	if l.newest == nil {
		l.newest = map[string]Release{}
	}
	l.newest[r.File+" "+r.Type] = r
}

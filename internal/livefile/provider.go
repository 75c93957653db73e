package livefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Provider has contents by names that are no files'. A panic in it is an error.
type Provider interface {
	// Version tells without reading whether a content may have changed: it is
	// another one then.
	Version(name string) string
	// Read returns a content, and the release that it is of. Its error can be
	// ErrAbsent or ErrUnsettled.
	Read(name string) ([]byte, Release, error)
}

var (
	// ErrAbsent says that the provider can be read, and has no such content.
	ErrAbsent = errors.New("there is no such content")
	// ErrUnsettled says that the content is being replaced: read it again.
	ErrUnsettled = errors.New("the content is being replaced")
)

// patientTries is how often a content may be unsettled before it is a fault.
const patientTries = 5

// Remote tells whether a name is of a Provider's content.
func Remote(name string) bool { return strings.Contains(name, "://") }

// prepare takes the value of no files into force.
func (l *Live[T]) prepare() error {
	if l.options.Poll > time.Second {
		l.options.Poll = time.Second
	}
	value, _, err := l.safeLoad(nil)
	if err != nil {
		return err
	}
	l.value.Store(value)
	var problems strict.Problems
	readFiles(l.globs, true, &problems)
	return problems.Err()
}

// Start loads for the first time where a Provider has contents. A fault leaves
// the copy on disk in force, or nothing where there is none, or where the
// Provider says that there is no such content. It is in the status.
func (l *Live[T]) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return
	}
	l.started = true
	l.unsettled = patientTries - 1 // nobody waits at the start
	l.recall()
	l.seen = l.sign()
	_ = l.load(false)
}

func (l *Live[T]) sign() signature {
	s := signature{files: signFiles(l.globs), versions: map[string]string{}}
	for _, name := range l.remote {
		version, err := guarded(func() (string, error) { return l.options.Provider.Version(name), nil })
		if err != nil {
			version = err.Error()
		}
		s.versions[name] = version
	}
	return s
}

// reading is what is there to be loaded.
type reading struct {
	files     []strict.File
	releases  map[string]Release // by file
	err       error              // every fault
	absent    bool               // a content that the Provider does not have
	unsettled bool               // a content that is being replaced
}

func (l *Live[T]) read(force bool) (r reading) {
	var problems strict.Problems
	r.releases = map[string]Release{}
	r.files = readFiles(l.globs, len(l.remote) > 0, &problems)
	for _, name := range l.remote {
		var release Release
		data, err := guarded(func() (data []byte, err error) {
			data, release, err = l.options.Provider.Read(name)
			return data, err
		})
		if err == nil && !force {
			err = l.notOlder(release)
		}
		if err == nil {
			err = strict.CheckText(data)
		}
		if err == nil {
			r.releases[name] = release
			r.files = append(r.files, strict.File{Name: name, Data: data})
			continue
		}
		r.absent = r.absent || errors.Is(err, ErrAbsent)
		r.unsettled = r.unsettled || errors.Is(err, ErrUnsettled)
		problems.Add(strict.Problem{File: name, Message: err.Error()})
	}
	sortFiles(r.files)
	r.err = problems.Err()
	return r
}

func sortFiles(files []strict.File) {
	slices.SortFunc(files, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) })
}

func guarded[V any](f func() (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while reading: %v", p)
		}
	}()
	return f()
}

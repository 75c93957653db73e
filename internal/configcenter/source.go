package configcenter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

var (
	// ErrAbsent says that the config center can be read, and has no such file.
	ErrAbsent = errors.New("there is no such content")
	// errUnsettled says that a file is being replaced: read it again.
	errUnsettled = errors.New("the content is being replaced")
)

// patientLooks is at how many looks in a row a file may be unsettled before that
// is a fault.
const patientLooks = 3

// reader is what a Source asks of a Center. A panic in it is an error.
type reader interface {
	// Version returns a text that is another one when Read would return something
	// else. It reads no content.
	Version(name string) string
	// Read returns the content of a file, and its release. Its error can be
	// ErrAbsent or errUnsettled.
	Read(name string) ([]byte, release.Release, error)
}

// Source has the mapping files or the routing files that are in the config
// center. It keeps them on disk for a start without the config center, and never
// goes back to an older release by itself. Releases is safe for concurrent use.
type Source struct {
	center   reader
	names    []string
	copyFile string

	versions  map[string]string          // of each file, at the last Read
	unsettled int                        // looks in a row that met an unsettled file
	absent    bool                       // the last Read missed a file
	newest    map[string]release.Release // that were in force, by file and type
	kept      bool                       // files of the Source are in force

	mu      sync.Mutex
	inForce []release.Release
}

var _ livefile.Source = (*Source)(nil)

// Source returns the files of a kind, mapping or routing, under these names.
func (c *Center) Source(kind string, names []string) *Source {
	return newSource(c, names, copyFile(kind))
}

func newSource(center reader, names []string, copyFile string) *Source {
	s := &Source{center: center, copyFile: copyFile, newest: map[string]release.Release{}}
	for _, name := range names {
		if !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
	}
	s.recall()
	return s
}

// Releases returns what is in force of each file, in the order of the names.
func (s *Source) Releases() []release.Release {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inForce
}

// Changed implements livefile.Source.
func (s *Source) Changed() bool {
	return s.unsettled > 0 || !maps.Equal(s.versions, s.look())
}

// look returns the version of each file.
func (s *Source) look() map[string]string {
	versions := map[string]string{}
	for _, name := range s.names {
		version, err := guarded(func() (string, error) { return s.center.Version(name), nil })
		if err != nil {
			version = err.Error()
		}
		versions[name] = version
	}
	return versions
}

// Read implements livefile.Source.
func (s *Source) Read(urgency livefile.Urgency, problems *strict.Problems) (livefile.Reading, bool) {
	s.versions = s.look() // before the reading: a change meanwhile is seen later
	var files []strict.File
	releases := map[string]release.Release{}
	s.absent = false
	unsettled := false
	for _, name := range s.names {
		data, r, err := s.readOne(name, urgency == livefile.UrgencyForced)
		if err != nil {
			s.absent = s.absent || errors.Is(err, ErrAbsent)
			unsettled = unsettled || errors.Is(err, errUnsettled)
			problems.Add(strict.Problem{File: name, Message: err.Error()})
			continue
		}
		files = append(files, strict.File{Name: name, Data: data})
		releases[name] = r
	}
	reading := livefile.Reading{Files: files, Version: versionOf(releases), Keep: func() error { return s.keep(files, releases) }, Back: s.goingBack(releases)}
	// The server's cache can be without a release for a second, while another
	// release takes its place.
	return reading, s.settled(unsettled || s.absent && s.kept, urgency)
}

// goingBack returns the files whose gray release has ended, so that the full release is in
// force again that was in force here before it.
func (s *Source) goingBack(releases map[string]release.Release) (names []string) {
	for _, old := range s.Releases() {
		r, ok := releases[old.File]
		if ok && old.Type == release.TypeGray && r.Type == release.TypeFull && r == s.newest[r.File+" "+r.Type] {
			names = append(names, old.File)
		}
	}
	return names
}

// readOne returns a file and its release. Without force it refuses a release
// that is older than one that was in force.
func (s *Source) readOne(name string, force bool) (data []byte, r release.Release, err error) {
	data, err = guarded(func() (data []byte, err error) {
		data, r, err = s.center.Read(name)
		return data, err
	})
	if err == nil && !force {
		err = s.checkOlder(r)
	}
	if err == nil {
		err = strict.CheckText(data)
	}
	return data, r, err
}

// settled reports whether what was read counts. Where a file is unsettled, that
// is a fault once: when it has been so for several looks, or somebody waits.
func (s *Source) settled(unsettled bool, urgency livefile.Urgency) bool {
	if !unsettled {
		s.unsettled = 0
		return true
	}
	s.unsettled++
	if urgency != livefile.UrgencyNone {
		s.unsettled = patientLooks
	}
	return s.unsettled == patientLooks
}

// checkOlder refuses a release that is older than the last release of its file
// and type that was in force.
func (s *Source) checkOlder(r release.Release) error {
	last, ok := s.newest[r.File+" "+r.Type]
	if !ok || !r.OlderThan(last) {
		return nil
	}
	return older(fmt.Sprintf("the store shows release %q (version %d), which is older than %q (version %d) that was in force here: "+
		"a replica lags, or an old database is back; to follow it publish it anew, or setctl reload --force", r.Name, r.Version, last.Name, last.Version))
}

// older is errUnsettled in an operator's words: a replica of the store that lags
// will catch up.
type older string

func (o older) Error() string { return string(o) }

func (older) Unwrap() error { return errUnsettled }

// versionOf returns a text that is equal for equal releases.
func versionOf(releases map[string]release.Release) string { return fmt.Sprint(releases) }

// keep notes which releases are in force, and writes the copy on disk.
func (s *Source) keep(files []strict.File, releases map[string]release.Release) error {
	s.mark(slices.Collect(maps.Values(releases)))
	err := s.writeCopy(files, releases)
	s.show(releases)
	return err
}

// mark remembers releases: no older ones may follow.
func (s *Source) mark(releases []release.Release) {
	for _, r := range releases {
		s.newest[r.File+" "+r.Type] = r
	}
}

// show has Releases return these.
func (s *Source) show(releases map[string]release.Release) {
	s.kept = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inForce = slices.SortedFunc(maps.Values(releases), func(a, b release.Release) int { return strings.Compare(a.File, b.File) })
}

func guarded[V any](f func() (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while reading: %v", p)
		}
	}()
	return f()
}

package livefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A file that is written in pieces must not be read half. So a look reads the files
// only when each file that has changed came by a rename, or has stood still for
// stillFor (docs/design.md, 5). Whoever asks for a reload gets the files as they are.
const (
	stillFor = time.Second
	// sayAfter is how long files may change before somebody is told that they are not
	// read.
	sayAfter = 10 * time.Second
)

// stillness is what is known of the files that have changed since the last read.
type stillness struct {
	stillFor time.Duration
	now      func() time.Time
	changing map[string]look    // by the name of the file
	arrivals map[string]arrival // by the path of what was created
	since    time.Time          // files have been changing; zero: none are
	said     bool               // somebody was told of it
}

// look is how a file looks, and since when.
type look struct {
	info  os.FileInfo // nil: the file is gone
	since time.Time
}

// arrival is a file or link that came into a watched directory.
type arrival struct {
	at      time.Time
	written bool // and was written to since
}

func newStillness() stillness {
	return stillness{stillFor: stillFor, now: time.Now, arrivals: map[string]arrival{}}
}

// note remembers an event of a watched directory. A rename into the directory is an
// event Create without an event Write.
func (s *stillness) note(event fsnotify.Event) {
	path := filepath.Clean(event.Name)
	switch {
	case event.Has(fsnotify.Create):
		s.arrivals[path] = arrival{at: s.now()}
	case event.Has(fsnotify.Write):
		a := s.arrivals[path]
		a.written = true
		s.arrivals[path] = a
	case event.Has(fsnotify.Remove), event.Has(fsnotify.Rename):
		delete(s.arrivals, path)
	}
}

// reset forgets everything: the files have just been read, or are as they were read.
func (s *stillness) reset() {
	s.changing, s.since, s.said = nil, time.Time{}, false
	clear(s.arrivals)
}

// wait returns how long the files must still stand as they do now before they are
// read, 0 if they can be read, and the name of a file that is waited for. Infos say how
// the files look now, and seen how they looked at the last read.
func (s *stillness) wait(infos, seen map[string]os.FileInfo) (wait time.Duration, name string) {
	now, changing := s.now(), map[string]look{}
	see := func(file string, info os.FileInfo) {
		l, ok := s.changing[file]
		if !ok || !sameInfo(l.info, info) {
			l = look{info, now}
		}
		changing[file] = l
		if left := s.due(file, l).Sub(now); left > wait || left == wait && name > file {
			wait, name = left, file
		}
	}
	for file, info := range infos {
		if before, ok := seen[file]; !ok || !sameInfo(before, info) {
			see(file, info)
		}
	}
	for file := range seen {
		if _, ok := infos[file]; !ok {
			see(file, nil)
		}
	}
	s.changing = changing
	if s.since.IsZero() {
		s.since = now
	}
	return max(wait, 0), name
}

// due returns when a file can be read if it goes on to look the same.
func (s *stillness) due(file string, l look) time.Time {
	due := l.since.Add(s.stillFor)
	if a, ok := s.renamed(file, l.info); ok && a.at.Add(quiet).Before(due) {
		return a.at.Add(quiet) // what was created is written to soon after
	}
	return due
}

// renamed reports whether a file came by a rename: of the file itself, or of a link in
// its directory that leads to it, as a ConfigMap has one. The arrival is that of what was
// renamed.
func (s *stillness) renamed(file string, info os.FileInfo) (arrival, bool) {
	if info == nil || info.Size() == 0 {
		return arrival{}, false
	}
	file = filepath.Clean(file)
	for _, path := range []string{file, linkInto(file)} {
		a, ok := s.arrivals[path]
		if ok && a.written {
			return arrival{}, false
		}
		if ok && !info.ModTime().After(a.at) {
			return a, true
		}
	}
	return arrival{}, false
}

// linkInto returns the path of the link beside file through which the link file leads.
// It returns "" if file is no link, or leads elsewhere.
func linkInto(file string) string {
	target, err := os.Readlink(file)
	if err != nil || filepath.IsAbs(target) {
		return ""
	}
	first, _, _ := strings.Cut(filepath.Clean(target), string(filepath.Separator))
	if first == ".." {
		return ""
	}
	return filepath.Join(filepath.Dir(file), first)
}

// hold leaves everything as it is while files change. Once it says that they have been
// changing for long.
func (l *Live[T]) hold(name string) {
	s := &l.disk.still
	if s.said || l.inForce == nil || s.now().Sub(s.since) < sayAfter {
		return
	}
	s.said = true
	l.status.TriedAt = s.now()
	l.report(l.inForce, fmt.Errorf("%s: has been changing for %v, and is read when it has stood still for %v", name, sayAfter, s.stillFor))
}

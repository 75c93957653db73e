package livefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// stepped is a Live without Run. The test has its clock, and tells it of events.
type stepped struct {
	*fixture
	clock time.Time
}

func newStepped(t *testing.T, files map[string]string) *stepped {
	t.Helper()
	s := &stepped{fixture: &fixture{t: t, dir: t.TempDir(), loads: make(chan loaded, 100)}, clock: time.Now()}
	for name, text := range files {
		s.write(name, text)
	}
	live, err := Open(Options[lines]{Globs: []string{filepath.Join(s.dir, "*.txt")}, Load: loadLines, Guard: guardLines, OnLoad: s.onLoad})
	if err != nil {
		t.Fatal(err)
	}
	<-s.loads
	s.live = live
	live.disk.still.now = func() time.Time { return s.clock }
	return s
}

func (s *stepped) put(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stepped) append(name, text string) {
	s.t.Helper()
	file, err := os.OpenFile(s.path(name), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// event tells of an event. What was done before is older.
func (s *stepped) event(op fsnotify.Op, name string) {
	if now := time.Now(); now.After(s.clock) {
		s.clock = now
	}
	s.live.note(fsnotify.Event{Name: s.path(name), Op: op})
}

// look lets time pass, looks, and compares how long is still to be waited and what is in
// force.
func (s *stepped) look(after, wait time.Duration, want string) {
	s.t.Helper()
	s.clock = s.clock.Add(after)
	if got := s.live.Refresh(); got != wait {
		s.t.Errorf("after %v: waits for %v, want %v", after, got, wait)
	}
	if got := strings.Join(*s.live.Get(), " "); got != want {
		s.t.Errorf("after %v in force: %q, want %q", after, got, want)
	}
}

// A file that is written in pieces is not read before it has stood still for a second.
func TestWrittenInPieces(t *testing.T) {
	s := newStepped(t, map[string]string{"a.txt": "1\n2"})
	s.put("a.txt", "3\n")
	s.look(0, time.Second, "1 2")
	s.look(900*time.Millisecond, 100*time.Millisecond, "1 2")
	s.append("a.txt", "4\n")
	s.look(50*time.Millisecond, time.Second, "1 2")
	s.look(time.Second-1, 1, "1 2")
	s.look(1, 0, "3 4")
	s.look(0, 0, "3 4")
	if n := len(s.loads); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
}

// A file that came by a rename is read when nothing has followed for a moment.
func TestCameByRename(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*stepped)
		wait   time.Duration
	}{
		{"renamed", func(s *stepped) { s.write("a.txt", "3\n4"); s.event(fsnotify.Create, "a.txt") }, quiet},
		{"renamed under a new name", func(s *stepped) {
			s.write("b.txt", "3")
			s.event(fsnotify.Create, "b.txt")
		}, quiet},
		{"renamed without an event", func(s *stepped) { s.write("a.txt", "3\n4") }, stillFor},
		{"created and written to", func(s *stepped) {
			s.write("a.txt", "3\n")
			s.event(fsnotify.Create, "a.txt")
			s.event(fsnotify.Write, "a.txt")
		}, stillFor},
		{"created and still empty", func(s *stepped) { s.write("a.txt", ""); s.event(fsnotify.Create, "a.txt") }, stillFor},
		{"written to after the event", func(s *stepped) {
			s.write("a.txt", "3\n")
			s.event(fsnotify.Create, "a.txt")
			later := s.clock.Add(time.Millisecond)
			if err := os.Chtimes(s.path("a.txt"), later, later); err != nil {
				s.t.Fatal(err)
			}
		}, stillFor},
		{"created, gone and written to in place", func(s *stepped) {
			s.event(fsnotify.Create, "a.txt")
			s.event(fsnotify.Remove, "a.txt")
			s.put("a.txt", "3\n")
			s.event(fsnotify.Write, "a.txt")
		}, stillFor},
		{"one renamed, another one in pieces", func(s *stepped) {
			s.write("b.txt", "3")
			s.event(fsnotify.Create, "b.txt")
			s.put("a.txt", "4\n5")
			s.event(fsnotify.Write, "a.txt")
		}, stillFor},
		{"gone", func(s *stepped) {
			if err := os.Rename(s.path("a.txt"), s.path("a.old")); err != nil {
				s.t.Fatal(err)
			}
			s.event(fsnotify.Rename, "a.txt")
		}, stillFor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStepped(t, map[string]string{"a.txt": "1\n2"})
			tt.change(s)
			s.look(0, tt.wait, "1 2")
			s.look(tt.wait-1, 1, "1 2")
			s.clock = s.clock.Add(1)
			if wait := s.live.Refresh(); wait != 0 || len(s.loads) != 1 {
				t.Errorf("waits for %v, %d loads, want no wait and one load", wait, len(s.loads))
			}
		})
	}
}

// A ConfigMap is swapped by a rename of a link in the directory. Its files are links
// through that link.
func TestSwappedByLink(t *testing.T) {
	s := newStepped(t, map[string]string{"a.txt": "0"})
	version := func(name, text string) {
		t.Helper()
		err := errors.Join(os.Mkdir(s.path(name), 0o700), os.WriteFile(s.path(name+"/a.txt"), []byte(text), 0o600),
			os.Symlink(name, s.path("..data_tmp")), os.Rename(s.path("..data_tmp"), s.path("..data")))
		if err != nil {
			t.Fatal(err)
		}
	}
	version("..v1", "1")
	if err := errors.Join(os.Remove(s.path("a.txt")), os.Symlink("..data/a.txt", s.path("a.txt"))); err != nil {
		t.Fatal(err)
	}
	s.live.disk.still.stillFor = 0
	s.look(0, 0, "1")
	s.live.disk.still.stillFor = stillFor
	version("..v2", "2")
	s.event(fsnotify.Create, "..v2")
	s.event(fsnotify.Create, "..data")
	s.look(0, quiet, "1")
	s.look(quiet, 0, "2")
	// Written in place behind the link, where nobody watches.
	s.put("..v2/a.txt", "3")
	s.look(0, stillFor, "2")
	// A link that leads out of the directory is no ConfigMap's.
	outside := filepath.Join(t.TempDir(), "b.txt")
	if err := errors.Join(os.WriteFile(outside, []byte("4"), 0o600), os.Symlink(outside, s.path("b.txt"))); err != nil {
		t.Fatal(err)
	}
	s.event(fsnotify.Create, "elsewhere")
	s.look(0, stillFor, "2")
	s.look(stillFor, 0, "3 4")
}

// Files that change all the time are not read, and somebody is told, once. Other changes
// wait, too. Whoever asks for a reload gets the files as they are.
func TestNeverStill(t *testing.T) {
	s := newStepped(t, map[string]string{"a.txt": "1\n2", "b.txt": "3"})
	for n := range 25 {
		s.append("a.txt", fmt.Sprint("\n", n))
		s.look(900*time.Millisecond, time.Second, "1 2 3")
		if n < 11 && len(s.loads) > 0 {
			t.Fatalf("told after %v", time.Duration(n)*900*time.Millisecond)
		}
	}
	want := s.path("a.txt") + ": has been changing for 10s, and is read when it has stood still for 1s"
	if load := <-s.loads; load.status.Err == nil || load.status.Err.Error() != want || len(s.loads) != 0 {
		t.Errorf("%v, want %s", load.status.Err, want)
	}
	s.put("a.txt", "5\n6")
	if err := s.live.Reload(false); err != nil {
		t.Error(err)
	}
	s.next("", "5 6 3")
	s.look(0, 0, "5 6 3")
}

// Files that come back to what is in force end the report, too.
func TestStillAgain(t *testing.T) {
	s := newStepped(t, map[string]string{"a.txt": "1\n2"})
	for range 13 {
		s.put("a.txt", "1")
		s.look(0, time.Second, "1 2")
		s.put("a.txt", "1\n2")
		s.look(900*time.Millisecond, time.Second, "1 2")
	}
	s.next("has been changing for 10s", "1 2")
	s.look(time.Second, 0, "1 2")
	s.next("", "1 2")
}

// A file that was written to for long and is gone again ends the report, too.
func TestNeverStillAndGone(t *testing.T) {
	s := newStepped(t, map[string]string{"a.txt": "1"})
	s.put("b.txt", "2")
	for range 13 {
		s.append("b.txt", "2")
		s.look(900*time.Millisecond, time.Second, "1")
	}
	s.next("b.txt: has been changing for 10s", "1")
	if err := os.Remove(s.path("b.txt")); err != nil {
		t.Fatal(err)
	}
	s.look(time.Second, 0, "1")
	s.next("", "1")
	s.look(time.Second, 0, "1")
	if n := len(s.loads); n != 0 {
		t.Errorf("%d more loads", n)
	}
}

// writerSource changes a file on disk while it is read, once.
type writerSource struct {
	fakeSource
	write func()
}

func (w *writerSource) Read(urgency Urgency, problems *strict.Problems) (Reading, bool) {
	if w.write != nil {
		w.write()
		w.write = nil
	}
	return w.fakeSource.Read(urgency, problems)
}

// What changes while files are read is not mixed with what was read before.
func TestChangedWhileRead(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.txt", "1")
	source := &writerSource{fakeSource: fakeSource{now: "3"}}
	var seen []string
	live, err := Open(Options[lines]{Globs: []string{filepath.Join(dir, "*.txt")}, Sources: []Source{source}, Load: loadLines,
		OnLoad: func(value *lines, _ Status) { seen = append(seen, strings.Join(*value, " ")) }})
	if err != nil {
		t.Fatal(err)
	}
	live.Start()
	live.disk.still.stillFor = 0
	put("a.txt", "10")
	source.write = func() { put("b.txt", "20") }
	if wait := live.Refresh(); wait != quiet {
		t.Errorf("waits for %v, want %v", wait, quiet)
	}
	if wait := live.Refresh(); wait != 0 {
		t.Errorf("waits for %v, want 0", wait)
	}
	if got := strings.Join(seen, ", "); got != "1 3, 10 20 3" {
		t.Errorf("in force were %s", got)
	}
	// A file that comes and goes while files are read leaves nothing unread.
	put("a.txt", "11")
	source.write = func() { put("c.txt", "30") }
	live.Refresh()
	if err := os.Remove(filepath.Join(dir, "c.txt")); err != nil {
		t.Fatal(err)
	}
	live.Refresh()
	if got := strings.Join(*live.Get(), " "); got != "11 20 3" {
		t.Errorf("in force is %s", got)
	}
}

package livefile

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

const sourceName = "fake://a.txt"

// fakeSource has one text, and on its disk a copy of it.
type fakeSource struct {
	now     string // "later": it asks for time, unless somebody waits
	version int
	read    int // the version that was read last
	reads   int
	asked   Urgency // at the last Read

	copied  string // "gone": there must be no copy; empty: it cannot be read
	kept    []string
	keepErr error
}

func (s *fakeSource) publish(text string) {
	s.now = text
	s.version++
}

func (s *fakeSource) Changed() bool { return s.read != s.version }

func (s *fakeSource) Read(urgency Urgency, problems *strict.Problems) (Reading, bool) {
	s.reads++
	s.asked = urgency
	if s.now == "later" && urgency == UrgencyNone {
		return Reading{}, false
	}
	s.read = s.version
	if s.now == "later" {
		problems.Add(strict.Problem{File: sourceName, Message: "is not settled"})
		return Reading{}, true
	}
	return s.reading(s.now, fmt.Sprint(s.version)), true
}

func (s *fakeSource) reading(text, version string) Reading {
	return Reading{
		Files: []strict.File{{Name: sourceName, Data: []byte(text)}}, Version: version,
		Keep: func() error {
			s.kept = append(s.kept, version+" "+text)
			return s.keepErr
		},
	}
}

func (s *fakeSource) Copy() (*Reading, error) {
	switch s.copied {
	case "":
		return nil, errors.New("there is no copy")
	case "gone":
		return nil, nil
	}
	r := s.reading(s.copied, "copy")
	r.SavedAt = time.Unix(100, 0)
	return &r, nil
}

// sourced is a Live of one source, and of the files in a directory.
type sourced struct {
	*fixture
	source *fakeSource
}

func newSourced(t *testing.T, source fakeSource) sourced {
	t.Helper()
	f := sourced{&fixture{t: t, dir: t.TempDir(), loads: make(chan loaded, 100)}, &source}
	live, err := Open(Options[lines]{
		Globs: []string{filepath.Join(f.dir, "*.txt")}, Sources: []Source{f.source}, Load: loadLines, Guard: guardLines, OnLoad: f.onLoad,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.live = live
	return f
}

func (f sourced) start(wantErr, want string) {
	f.t.Helper()
	f.live.Start()
	f.next(wantErr, want)
}

// Open puts the value of no texts in force, and reads none before Start.
func TestSourceBeforeStart(t *testing.T) {
	f := newSourced(t, fakeSource{now: "1"})
	f.live.Refresh()
	if err := f.live.Reload(true); err == nil || err.Error() != "the server is starting" {
		t.Error(err)
	}
	if got := f.live.Get(); got == nil || len(*got) != 0 || f.source.reads != 0 || len(f.live.Files()) != 0 {
		t.Errorf("in force: %v, %d reads", got, f.source.reads)
	}
	f.start("", "1")
	f.live.Start()
	if f.source.reads != 1 || f.source.asked != UrgencyNow {
		t.Errorf("%d reads, the last with urgency %d", f.source.reads, f.source.asked)
	}
}

// A file that is named and not there stops the start, with sources too.
func TestSourceBesideMissingFile(t *testing.T) {
	_, err := Open(Options[lines]{Globs: []string{"nowhere.txt"}, Sources: []Source{&fakeSource{}}, Load: loadLines})
	if want := "nowhere.txt: no such file; check the name, relative names start at the server's working directory"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What a source publishes is loaded with the files on disk, kept when it is in
// force, and kept again where the same text was published anew.
func TestSourceChanges(t *testing.T) {
	f := newSourced(t, fakeSource{now: "1 2"})
	f.write("a.txt", "0")
	f.start("", "0 1 2")
	for _, step := range []struct{ text, wantErr, want string }{
		{"3", "", "0 3"},
		{"bad", "bad line", "0 3"},
		{"3", "", "0 3"}, // the fault is over, and the version another one
		{"3", "", "0 3"},
	} {
		f.source.publish(step.text)
		f.live.Refresh()
		f.next(step.wantErr, step.want)
	}
	f.live.Refresh()
	if err := f.live.Reload(false); err != nil || len(f.loads) != 0 {
		t.Errorf("%v, and %d loads of what is in force", err, len(f.loads))
	}
	if got, want := fmt.Sprint(f.source.kept), "[0 1 2 1 3 3 3 4 3]"; got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
}

// While a source asks for time, nothing is reported. Who waits is told at once.
func TestSourceAsksForTime(t *testing.T) {
	f := newSourced(t, fakeSource{now: "1"})
	f.start("", "1")
	before := f.live.Status()
	f.source.publish("later")
	for range 3 {
		f.live.Refresh()
	}
	if s := f.live.Status(); len(f.loads) != 0 || s.TriedAt != before.TriedAt || f.source.reads != 4 || f.source.asked != UrgencyNone {
		t.Errorf("%d loads, %d reads: %+v", len(f.loads), f.source.reads, s)
	}
	for force, want := range map[bool]Urgency{false: UrgencyNow, true: UrgencyForced} {
		if err := f.live.Reload(force); err == nil || f.source.asked != want {
			t.Errorf("%v, urgency %d, want %d", err, f.source.asked, want)
		}
		f.next(sourceName+": is not settled", "1")
	}
	f.source.publish("2")
	f.live.Refresh()
	f.next("", "2")
}

// Where the first load fails, the copy counts, until a load succeeds.
func TestSourceCopy(t *testing.T) {
	for _, tt := range []struct {
		name, now, copied      string
		wantErr, want, copyErr string
	}{
		{"good", "1", "2", "", "1", ""},
		{"bad", "bad", "2", "bad line", "2", ""},
		{"bad without a copy", "bad", "", "bad line", "", "the copy on disk cannot be used: there is no copy"},
		{"bad, and the copy too", "bad", "bad", "bad line", "", "the copy on disk cannot be used: bad line"},
		{"bad, and no copy must be used", "bad", "gone", "bad line", "", ""},
		{"not settled", "later", "2", "is not settled", "2", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newSourced(t, fakeSource{now: tt.now, copied: tt.copied})
			f.start(tt.wantErr, tt.want)
			s := f.live.Status()
			if got := fmt.Sprint(s.CopyErr); tt.copyErr == "" && s.CopyErr != nil || tt.copyErr != "" && got != tt.copyErr {
				t.Errorf("the copy: %v, want %q", s.CopyErr, tt.copyErr)
			}
			if copied := tt.wantErr != "" && tt.want != ""; copied != s.CopiedAt.Equal(time.Unix(100, 0)) || copied == s.CopiedAt.IsZero() {
				t.Errorf("the copy of %v is in force, want one: %t", s.CopiedAt, copied)
			}
			if tt.now == "bad" {
				f.source.publish("bad")
				f.live.Refresh()
				f.next("bad line", tt.want) // a copy is for the first load only
			}
			f.source.publish("3")
			f.live.Refresh()
			f.next("", "3")
			if s := f.live.Status(); !s.CopiedAt.IsZero() || s.CopyErr != nil {
				t.Errorf("the copy of %v is in force, %v", s.CopiedAt, s.CopyErr)
			}
		})
	}
}

// What could not be kept is kept again at each look, also while newer texts are
// refused.
func TestSourceKeepsAgain(t *testing.T) {
	f := newSourced(t, fakeSource{now: "1", keepErr: errors.New("the disk is full")})
	f.start("", "1")
	f.source.publish("bad")
	f.live.Refresh()
	f.next("bad line", "1")
	if err := f.live.Status().CopyErr; err == nil || err.Error() != "the copy on disk cannot be written: the disk is full" {
		t.Error(err)
	}
	f.source.keepErr = nil
	f.live.Refresh()
	f.live.Refresh()
	if err := f.live.Status().CopyErr; err != nil || fmt.Sprint(f.source.kept) != "[0 1 0 1 0 1]" {
		t.Errorf("%v, kept %q", err, f.source.kept)
	}
}

package configcenter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/atomicfile"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

const centerName = "polaris://ns/group/a.txt"

// published is what fakeCenter has under centerName.
type published struct {
	version int
	text    string
	err     error
	panics  bool
	release release.Release
}

type fakeCenter struct {
	mu    sync.Mutex
	now   published
	reads int
}

func (c *fakeCenter) Version(string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.now.version)
}

func (c *fakeCenter) Read(string) ([]byte, release.Release, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.now.panics {
		panic("a nil map")
	}
	return []byte(c.now.text), c.now.release, c.now.err
}

func (c *fakeCenter) publish(p published) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.version = c.now.version + 1
	c.now = p
}

// lines is the value of these tests: every line of every file. A line "bad" is a
// fault, a line "panic" a bug.
type lines []string

func loadLines(files []strict.File) (*lines, int, error) {
	var out lines
	for _, file := range files {
		for line := range strings.Lines(string(file.Data)) {
			switch line = strings.TrimSpace(line); line {
			case "bad":
				return nil, 0, errors.New("bad line")
			case "panic":
				panic("a bug")
			}
			out = append(out, line)
		}
	}
	return &out, len(out), nil
}

// guardLines refuses to lose more than half of the lines.
func guardLines(inForce, next *lines, _ []string) error {
	if lost := len(*inForce) - len(*next); lost*2 > len(*inForce) {
		return fmt.Errorf("%d of %d lines would be lost", lost, len(*inForce))
	}
	return nil
}

// fixture is a Live of one file in a config center, and of the files in a
// directory.
type fixture struct {
	t      *testing.T
	dir    string
	center *fakeCenter
	source *Source
	live   *livefile.Live[lines]
	loads  chan livefile.Status
}

// newFixture prepares a server at its start. The directory keeps the copy of
// earlier runs.
func newFixture(t *testing.T, dir string, now published) fixture {
	t.Helper()
	f := fixture{t: t, dir: dir, center: &fakeCenter{now: now}, loads: make(chan livefile.Status, 100)}
	f.source = newSource(f.center, []string{centerName, centerName}, filepath.Join(dir, "copy", "lines.json"))
	live, err := livefile.Open(livefile.Options[lines]{
		Globs: []string{filepath.Join(dir, "*.txt")}, Sources: []livefile.Source{f.source},
		Load: loadLines, Guard: guardLines, Poll: 10 * time.Millisecond,
		OnLoad: func(_ *lines, s livefile.Status) { f.loads <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.live = live
	return f
}

func (f fixture) start(wantErr, want string) {
	f.t.Helper()
	f.live.Start()
	f.next(wantErr, want)
}

// run looks for changes until the test ends.
func (f fixture) run() {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() {
		f.live.Run(ctx)
		close(done)
	}()
	f.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (f fixture) path(name string) string { return filepath.Join(f.dir, name) }

// write puts a file in place by a rename.
func (f fixture) write(name, text string) {
	f.t.Helper()
	if err := atomicfile.Write(f.path(name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// next waits for the next load, and compares its error and what is in force.
func (f fixture) next(wantErr, want string) {
	f.t.Helper()
	select {
	case s := <-f.loads:
		if s.Err == nil && wantErr != "" || s.Err != nil && (wantErr == "" || !strings.Contains(s.Err.Error(), wantErr)) {
			f.t.Errorf("error %v, want %q", s.Err, wantErr)
		}
	case <-time.After(10 * time.Second):
		f.t.Fatal("the change was not seen")
	}
	if got := strings.Join(*f.live.Get(), " "); got != want {
		f.t.Errorf("in force: %q, want %q", got, want)
	}
}

func TestSourceReleases(t *testing.T) {
	f := newFixture(t, t.TempDir(), published{text: "1\n2"})
	if got := *f.live.Get(); len(got) != 0 || f.center.reads != 0 {
		t.Errorf("before the start %v is in force, and %d contents were read", got, f.center.reads)
	}
	f.run()
	f.start("", "1 2")
	for _, step := range []struct {
		r             published
		wantErr, want string
	}{
		{published{text: "1\n2\n3"}, "", "1 2 3"},
		{published{text: "1\nbad"}, "bad line", "1 2 3"},
		{published{text: "panic"}, "panic while loading: a bug", "1 2 3"},
		{published{panics: true}, centerName + ": panic while reading: a nil map", "1 2 3"},
		{published{err: ErrAbsent}, centerName + ": there is no such content", "1 2 3"},
		{published{text: " "}, centerName + ": is empty", "1 2 3"},
		{published{text: "1"}, "2 of 3 lines would be lost", "1 2 3"},
		{published{text: "1\n2\n3"}, "", "1 2 3"}, // rolled back
		{published{text: "4\n5"}, "", "4 5"},
	} {
		f.center.publish(step.r)
		f.next(step.wantErr, step.want)
	}
	f.write("b.txt", "6")
	f.next("", "6 4 5") // in the order of names
	// Another version with the content in force is no load.
	before := f.live.Get()
	f.center.publish(published{text: "4\n5"})
	if err := f.live.Reload(false); err != nil || f.live.Get() != before || len(f.loads) != 0 {
		t.Errorf("%v, %d reports", err, len(f.loads))
	}
}

// The end of a gray release is no loss: the full release is in force again that was in force
// here before it. The guard is asked about every other full release.
func TestSourceGoesBack(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	of := func(version uint64, typ, text string) published {
		return published{text: text, release: release.Release{File: centerName, Name: fmt.Sprint("r", version), Type: typ, Version: version, ID: version, PublishedAt: at.Add(time.Duration(version) * time.Minute)}}
	}
	f := newFixture(t, t.TempDir(), of(1, release.TypeFull, "1"))
	f.run()
	f.start("", "1")
	for _, step := range []struct {
		r             published
		wantErr, want string
	}{
		{of(2, release.TypeGray, "1\n2\n3\n4"), "", "1 2 3 4"},
		{of(1, release.TypeFull, "1"), "", "1"},
		{of(3, release.TypeGray, "1\n2\n3\n4"), "", "1 2 3 4"},
		{of(4, release.TypeFull, "4"), "3 of 4 lines would be lost", "1 2 3 4"}, // another full release
		{of(5, release.TypeFull, "1\n2\n3"), "", "1 2 3"},
		{of(6, release.TypeFull, "1"), "2 of 3 lines would be lost", "1 2 3"}, // no gray one was in force
	} {
		f.center.publish(step.r)
		f.next(step.wantErr, step.want)
	}
}

// A content that is being replaced, or is gone, is read again and reported late,
// and once.
func TestSourceUnsettled(t *testing.T) {
	for _, fault := range []error{errUnsettled, ErrAbsent} {
		f := newFixture(t, t.TempDir(), published{text: "1"})
		f.start("", "1")
		f.center.publish(published{err: fault})
		for range patientLooks {
			f.live.Refresh() // as the ticker does
		}
		f.next(fault.Error(), "1")
		if f.center.reads <= patientLooks || len(f.loads) != 0 {
			t.Errorf("%d reads, %d more reports", f.center.reads, len(f.loads))
		}
		f.center.now.text, f.center.now.err = "2", nil // under the same version
		f.live.Refresh()
		f.next("", "2")

		f.center.publish(published{err: fault})
		f.live.Refresh()
		f.center.publish(published{text: "3"})
		f.live.Refresh()
		f.next("", "3") // without a word of what was between
	}
}

func TestSourceStart(t *testing.T) {
	away := published{err: errors.New("cannot be read")}
	for _, tt := range []struct {
		name          string
		copied        bool
		now           published
		wantErr, want string
		fromCopy      bool
	}{
		{"empty", false, published{err: ErrAbsent}, "there is no such content", "", false},
		{"empty, with a copy", true, published{err: ErrAbsent}, "there is no such content", "", false},
		{"away", false, away, "cannot be read", "", false},
		{"away, with a copy", true, away, "cannot be read", "1 2", true},
		{"bad", false, published{text: "bad"}, "bad line", "", false},
		{"bad, with a copy", true, published{text: "bad"}, "bad line", "1 2", true},
		{"unsettled, with a copy", true, published{err: errUnsettled}, "being replaced", "1 2", true},
		{"panic, with a copy", true, published{panics: true}, "a nil map", "1 2", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.copied {
				newFixture(t, dir, published{text: "1\n2"}).start("", "1 2")
			}
			f := newFixture(t, dir, tt.now)
			f.run()
			f.start(tt.wantErr, tt.want)
			if s := f.live.Status(); s.CopiedAt.IsZero() == tt.fromCopy || (s.CopyErr == nil) != (tt.copied || tt.now.err == ErrAbsent) {
				t.Errorf("the copy of %v is in force, %v", s.CopiedAt, s.CopyErr)
			}
			f.center.publish(published{text: "1\n3"})
			f.next("", "1 3")
			if s := f.live.Status(); !s.CopiedAt.IsZero() || s.CopyErr != nil {
				t.Errorf("the copy of %v is still in force, %v", s.CopiedAt, s.CopyErr)
			}
		})
	}
}

// What cannot be a copy is not used, and what cannot be written changes nothing.
func TestSourceCopyFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{":                              "unexpected end of JSON input",
		`{"version": 9}`:                 "copy/lines.json: version 9, expected 1: another version of setrouter wrote it, and it is not used",
		`{"version": 1, "contents": []}`: "has no " + centerName,
		`{"version": 1, "contents": [{"name": "` + centerName + `", "content": "bad"}]}`: "bad line",
	} {
		f := newFixture(t, t.TempDir(), published{err: errors.New("cannot be read")})
		if err := errors.Join(os.Mkdir(f.path("copy"), 0o700), os.WriteFile(f.path("copy/lines.json"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		f.start("cannot be read", "")
		if s := f.live.Status(); s.CopyErr == nil || !strings.Contains(s.CopyErr.Error(), want) {
			t.Errorf("%s: %v, want %s", text, s.CopyErr, want)
		}
	}
	f := newFixture(t, t.TempDir(), published{text: "1"})
	f.write("copy", "not a directory")
	f.start("", "1")
	if s := f.live.Status(); s.CopyErr == nil || !strings.Contains(s.CopyErr.Error(), "the copy on disk cannot be written") {
		t.Errorf("%v", s.CopyErr)
	}
	if err := os.Remove(f.path("copy")); err != nil {
		t.Fatal(err)
	}
	f.live.Refresh() // as the ticker does
	if s := f.live.Status(); s.CopyErr != nil {
		t.Errorf("the copy is still not written: %v", s.CopyErr)
	}
}

// A copy that could not be written is written once it can, also while newer
// contents are refused, or what is in force is gone.
func TestSourceCopyWhileRefused(t *testing.T) {
	for want, newer := range map[string]published{
		"bad line":                 {text: "bad"},
		"there is no such content": {err: ErrAbsent},
		"older than":               at("full", 2, 2, 20, "2"),
	} {
		f := newFixture(t, t.TempDir(), at("full", 3, 3, 30, "1"))
		f.write("copy", "not a directory")
		f.start("", "1")
		f.center.publish(newer)
		for range patientLooks {
			f.live.Refresh()
		}
		f.next(want, "1")
		if err := os.Remove(f.path("copy")); err != nil {
			t.Fatal(err)
		}
		f.live.Refresh() // as the ticker does
		if s := f.live.Status(); s.CopyErr != nil || s.Err == nil {
			t.Errorf("%s: the copy: %v, the contents: %v", want, s.CopyErr, s.Err)
		}
		second := newFixture(t, f.dir, published{text: "bad"})
		second.start("bad line", "1")
	}
}

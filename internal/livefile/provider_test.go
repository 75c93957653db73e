package livefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const remoteName = "polaris://ns/group/a.txt"

// release is what fakeProvider has under remoteName.
type release struct {
	version int
	text    string
	err     error
	panics  bool
	is      Release
}

type fakeProvider struct {
	mu    sync.Mutex
	now   release
	reads int
}

func (p *fakeProvider) Version(string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprint(p.now.version)
}

func (p *fakeProvider) Read(string) ([]byte, Release, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	if p.now.panics {
		panic("a nil map")
	}
	return []byte(p.now.text), p.now.is, p.now.err
}

func (p *fakeProvider) publish(r release) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.version = p.now.version + 1
	p.now = r
}

// remoteFixture is a Live of one remote content, and of the files in a directory.
type remoteFixture struct {
	*fixture
	provider *fakeProvider
}

// newRemote prepares a server at its start: dir keeps its copy from earlier runs.
func newRemote(t *testing.T, dir string, at release) remoteFixture {
	t.Helper()
	f := remoteFixture{&fixture{t: t, dir: dir, loads: make(chan Status, 100)}, &fakeProvider{now: at}}
	live, err := Open(Options[lines]{
		Globs: []string{filepath.Join(dir, "*.txt"), remoteName, remoteName}, Provider: f.provider, Copy: filepath.Join(dir, "copy", "lines.json"),
		Load: loadLines, Guard: ShrinkGuard(50), Poll: 10 * time.Millisecond, OnLoad: func(s Status) { f.loads <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.live = live
	return f
}

func (f remoteFixture) start(wantErr, want string) {
	f.t.Helper()
	f.live.Start()
	f.next(wantErr, want)
}

func TestRemoteReleases(t *testing.T) {
	f := newRemote(t, t.TempDir(), release{text: "1\n2"})
	if got := *f.live.Get(); len(got) != 0 || f.provider.reads != 0 {
		t.Errorf("before the start %v is in force, and %d contents were read", got, f.provider.reads)
	}
	f.run(f.live)
	f.start("", "1 2")
	for _, step := range []struct {
		r             release
		wantErr, want string
	}{
		{release{text: "1\n2\n3"}, "", "1 2 3"},
		{release{text: "1\nbad"}, "bad line", "1 2 3"},
		{release{text: "panic"}, "panic while loading: a bug", "1 2 3"},
		{release{panics: true}, remoteName + ": panic while reading: a nil map", "1 2 3"},
		{release{err: ErrAbsent}, remoteName + ": there is no such content", "1 2 3"},
		{release{text: " "}, remoteName + ": is empty", "1 2 3"},
		{release{text: "1"}, "2 of 3 entries would be lost", "1 2 3"},
		{release{text: "1\n2\n3"}, "", "1 2 3"}, // rolled back
		{release{text: "4\n5"}, "", "4 5"},
	} {
		f.provider.publish(step.r)
		f.next(step.wantErr, step.want)
	}
	f.write("b.txt", "6")
	f.next("", "6 4 5") // in the order of names
	// Another version with the content in force is no load.
	before := f.live.Get()
	f.provider.publish(release{text: "4\n5"})
	if err := f.live.Reload(false); err != nil || f.live.Get() != before || len(f.loads) != 0 {
		t.Errorf("%v, %d reports", err, len(f.loads))
	}
}

// A content that is being replaced, or is gone, is read again and reported late,
// and once.
func TestRemoteUnsettled(t *testing.T) {
	for _, fault := range []error{ErrUnsettled, ErrAbsent} {
		f := newRemote(t, t.TempDir(), release{text: "1"})
		f.start("", "1")
		f.provider.publish(release{err: fault})
		for range patientTries {
			f.live.refresh() // as the ticker does
		}
		f.next(fault.Error(), "1")
		if f.provider.reads <= patientTries || len(f.loads) != 0 {
			t.Errorf("%d reads, %d more reports", f.provider.reads, len(f.loads))
		}
		f.provider.now.text, f.provider.now.err = "2", nil // under the same version
		f.live.refresh()
		f.next("", "2")

		f.provider.publish(release{err: fault})
		f.live.refresh()
		f.provider.publish(release{text: "3"})
		f.live.refresh()
		f.next("", "3") // without a word of what was between
	}
}

func TestRemoteStart(t *testing.T) {
	away := release{err: errors.New("cannot be read")}
	for _, tt := range []struct {
		name          string
		copied        bool
		at            release
		wantErr, want string
		fromCopy      bool
	}{
		{"empty", false, release{err: ErrAbsent}, "there is no such content", "", false},
		{"empty, with a copy", true, release{err: ErrAbsent}, "there is no such content", "", false},
		{"away", false, away, "cannot be read", "", false},
		{"away, with a copy", true, away, "cannot be read", "1 2", true},
		{"bad", false, release{text: "bad"}, "bad line", "", false},
		{"bad, with a copy", true, release{text: "bad"}, "bad line", "1 2", true},
		{"unsettled, with a copy", true, release{err: ErrUnsettled}, "being replaced", "1 2", true},
		{"panic, with a copy", true, release{panics: true}, "a nil map", "1 2", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.copied {
				newRemote(t, dir, release{text: "1\n2"}).start("", "1 2")
			}
			f := newRemote(t, dir, tt.at)
			f.run(f.live)
			f.start(tt.wantErr, tt.want)
			if s := f.live.Status(); s.CopiedAt.IsZero() == tt.fromCopy || (s.CopyErr == nil) != (tt.copied || tt.at.err == ErrAbsent) {
				t.Errorf("the copy of %v is in force, %v", s.CopiedAt, s.CopyErr)
			}
			f.provider.publish(release{text: "1\n3"})
			f.next("", "1 3")
			if s := f.live.Status(); !s.CopiedAt.IsZero() || s.CopyErr != nil {
				t.Errorf("the copy of %v is still in force, %v", s.CopiedAt, s.CopyErr)
			}
		})
	}
}

// What cannot be a copy is not used, and what cannot be written changes nothing.
func TestRemoteCopyFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{":                              "unexpected end of JSON input",
		`{"version": 9}`:                 "version 9, expected 1",
		`{"version": 1, "contents": []}`: "has no " + remoteName,
		`{"version": 1, "contents": [{"name": "` + remoteName + `", "content": "bad"}]}`: "bad line",
	} {
		f := newRemote(t, t.TempDir(), release{err: errors.New("cannot be read")})
		if err := errors.Join(os.Mkdir(f.path("copy"), 0o700), os.WriteFile(f.path("copy/lines.json"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		f.start("cannot be read", "")
		if s := f.live.Status(); s.CopyErr == nil || !strings.Contains(s.CopyErr.Error(), want) {
			t.Errorf("%s: %v, want %s", text, s.CopyErr, want)
		}
	}
	f := newRemote(t, t.TempDir(), release{text: "1"})
	f.write("copy", "not a directory")
	f.start("", "1")
	if s := f.live.Status(); s.CopyErr == nil || !strings.Contains(s.CopyErr.Error(), "the copy on disk cannot be written") {
		t.Errorf("%v", s.CopyErr)
	}
	if err := os.Remove(f.path("copy")); err != nil {
		t.Fatal(err)
	}
	f.live.refresh() // as the ticker does
	if s := f.live.Status(); s.CopyErr != nil {
		t.Errorf("the copy is still not written: %v", s.CopyErr)
	}
}

// A file that is named and not there stops the start, as without a provider.
func TestRemoteBesideMissingFile(t *testing.T) {
	_, err := Open(Options[lines]{Globs: []string{"nowhere.txt", remoteName}, Provider: &fakeProvider{}, Load: loadLines})
	if err == nil || !strings.Contains(err.Error(), "nowhere.txt: no such file") {
		t.Error(err)
	}
}

// A copy that could not be written is written once it can, also while newer
// contents are refused, or what is in force is gone.
func TestRemoteCopyWhileRefused(t *testing.T) {
	for want, newer := range map[string]release{
		"bad line":                 {text: "bad"},
		"there is no such content": {err: ErrAbsent},
		"older than":               at("full", 2, 2, 20, "2"),
	} {
		f := newRemote(t, t.TempDir(), at("full", 3, 3, 30, "1"))
		f.write("copy", "not a directory")
		f.start("", "1")
		f.provider.publish(newer)
		for range patientTries {
			f.live.refresh()
		}
		f.next(want, "1")
		if err := os.Remove(f.path("copy")); err != nil {
			t.Fatal(err)
		}
		f.live.refresh() // as the ticker does
		if s := f.live.Status(); s.CopyErr != nil || s.Err == nil {
			t.Errorf("%s: the copy: %v, the contents: %v", want, s.CopyErr, s.Err)
		}
		second := newRemote(t, f.dir, release{text: "bad"})
		second.start("bad line", "1")
	}
}

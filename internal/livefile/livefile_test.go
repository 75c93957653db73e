package livefile

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

	"go.uber.org/goleak"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is the value of these tests: every line of every file, an entry each.
// A line "bad" is a fault, a line "panic" a bug.
type lines []string

func loadLines(files []strict.File) (*lines, int, error) {
	var out lines
	for _, f := range files {
		for line := range strings.Lines(string(f.Data)) {
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

// guardLines refuses to lose more than half of the lines, and lines of files that are
// gone.
func guardLines(inForce, next *lines, gone []string) error {
	lost := len(*inForce) - len(*next)
	switch {
	case lost > 0 && len(gone) > 0:
		return fmt.Errorf("%s: gone, and %d lines with them", gone, lost)
	case lost*2 > len(*inForce):
		return fmt.Errorf("%d of %d lines would be lost", lost, len(*inForce))
	}
	return nil
}

// fixture is a directory of files, watched while the test runs.
type fixture struct {
	t     *testing.T
	dir   string
	live  *Live[lines]
	loads chan loaded
}

// loaded is what OnLoad was given.
type loaded struct {
	value  *lines
	status Status
}

func (f *fixture) onLoad(value *lines, status Status) { f.loads <- loaded{value, status} }

func newFixture(t *testing.T, files map[string]string) *fixture {
	f := &fixture{t: t, dir: t.TempDir(), loads: make(chan loaded, 100)}
	for name, text := range files {
		f.write(name, text)
	}
	f.open(filepath.Join(f.dir, "*.txt"))
	return f
}

func (f *fixture) open(globs ...string) {
	f.t.Helper()
	live, err := Open(Options[lines]{
		Globs: globs, Load: loadLines, Guard: guardLines, Poll: 50 * time.Millisecond,
		OnLoad: f.onLoad,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.live = live
	<-f.loads
	f.run(live)
}

// run watches until the test ends.
func (f *fixture) run(live *Live[lines]) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() {
		live.Run(ctx)
		close(done)
	}()
	f.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

// write puts a file in place by a rename.
func (f *fixture) write(name, text string) {
	f.t.Helper()
	temp := f.path(".new")
	if err := errors.Join(os.WriteFile(temp, []byte(text), 0o600), os.Rename(temp, f.path(name))); err != nil {
		f.t.Fatal(err)
	}
}

// next waits for the next load, and compares its error and what is in force.
func (f *fixture) next(wantErr, want string) {
	f.t.Helper()
	select {
	case load := <-f.loads:
		if err := load.status.Err; err == nil && wantErr != "" || err != nil && (wantErr == "" || !strings.Contains(err.Error(), wantErr)) {
			f.t.Errorf("error %v, want %q", err, wantErr)
		}
		if got := strings.Join(*load.value, " "); got != want {
			f.t.Errorf("OnLoad got %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		f.t.Fatal("the change was not seen")
	}
	if got := strings.Join(*f.live.Get(), " "); got != want {
		f.t.Errorf("in force: %q, want %q", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	large := write("large.txt", "x")
	if err := os.Truncate(large, 1<<30); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ glob, want string }{
		{filepath.Join(dir, "*.none"), "*.none: no such file; check the name, relative names start at the server's working directory"},
		{write("bad.txt", "bad"), "bad line"},
		{write("bug.txt", "panic"), "panic while loading: a bug"},
		{large, "large.txt: is larger than 256 MiB, the limit for one file; split it, any number of files can be named"},
		{dir, "is a directory, expected a file"},
	}
	for _, tt := range tests {
		_, err := Open(Options[lines]{Globs: []string{tt.glob}, Load: func(files []strict.File) (*lines, int, error) { return loadLines(files) }})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.glob, err, tt.want)
		}
	}
}

func TestChanges(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1\n2", "b.txt": "3\n4"})
	f.write("a.txt", "1\n2\n5")
	f.next("", "1 2 5 3 4")
	// An editor that writes in place. It does not truncate the file: a tick may
	// come between.
	file, err := os.OpenFile(f.path("b.txt"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("6\n7")
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	f.next("", "1 2 5 6 7")
	f.write("c.txt", "8")
	f.next("", "1 2 5 6 7 8")
	f.write("c.txt", "bad")
	f.next("bad line", "1 2 5 6 7 8")
	f.write("c.txt", "9")
	f.next("", "1 2 5 6 7 9")
	f.write("a.txt", "panic")
	f.next("panic while loading: a bug", "1 2 5 6 7 9")
	f.write("a.txt", "1\n2\n5")
	f.next("", "1 2 5 6 7 9") // back to what is in force: the fault is over
	// A rename takes the entries along, a removal does not.
	if err := os.Rename(f.path("c.txt"), f.path("d.txt")); err != nil {
		t.Fatal(err)
	}
	f.next("", "1 2 5 6 7 9")
	if err := os.Remove(f.path("d.txt")); err != nil {
		t.Fatal(err)
	}
	f.next("d.txt]: gone, and 1 lines with them", "1 2 5 6 7 9")
	if err := f.live.Reload(true); err != nil {
		t.Fatal(err)
	}
	f.next("", "1 2 5 6 7")
}

// What the guard refuses is not in force until it is forced. A bug in the guard refuses.
func TestGuard(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1\n2\n3\n4"})
	f.write("a.txt", "1")
	f.next("3 of 4 lines would be lost", "1 2 3 4")
	f.write("a.txt", "1\n2")
	f.next("", "1 2")

	path := filepath.Join(t.TempDir(), "a.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	live, err := Open(Options[lines]{Globs: []string{path}, Load: loadLines, Guard: func(*lines, *lines, []string) error { panic("a bug") }})
	if err != nil {
		t.Fatal(err)
	}
	write("2")
	if err := live.Reload(false); err == nil || err.Error() != "panic in the shrink guard: a bug" || (*live.Get())[0] != "1" {
		t.Errorf("%v, in force %v", err, *live.Get())
	}
	if err := live.Reload(true); err != nil || (*live.Get())[0] != "2" {
		t.Errorf("forced: %v, in force %v", err, *live.Get())
	}
}

// A touched file keeps the value, and with it all that is built on it.
func TestUnchangedContentKeepsTheValue(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1"})
	before := f.live.Get()
	f.write("a.txt", "1")
	if err := f.live.Reload(false); err != nil {
		t.Fatal(err)
	}
	if f.live.Get() != before {
		t.Error("equal content made a new value")
	}
}

// Kubernetes swaps a symlink to a directory; the files are symlinks through it.
func TestConfigMapSwap(t *testing.T) {
	f := &fixture{t: t, dir: t.TempDir(), loads: make(chan loaded, 100)}
	version := func(name, text string) {
		t.Helper()
		err := errors.Join(os.Mkdir(f.path(name), 0o700), os.WriteFile(f.path(name+"/a.txt"), []byte(text), 0o600),
			os.Symlink(name, f.path("..data_tmp")), os.Rename(f.path("..data_tmp"), f.path("..data")))
		if err != nil {
			t.Fatal(err)
		}
	}
	version("..v1", "1")
	if err := os.Symlink("..data/a.txt", f.path("a.txt")); err != nil {
		t.Fatal(err)
	}
	f.open(f.path("*.txt"))
	version("..v2", "2")
	f.next("", "2")
}

func TestDirectoryGoneAndBack(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1"})
	if err := os.Rename(f.dir, f.dir+".away"); err != nil {
		t.Fatal(err)
	}
	f.next("no such file", "1")
	if err := os.Rename(f.dir+".away", f.dir); err != nil {
		t.Fatal(err)
	}
	f.next("", "1")
	f.write("a.txt", "2")
	f.next("", "2")
}

// One change is one report, however often the ticker looks.
func TestFaultIsReportedOnce(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1"})
	f.write("a.txt", "bad")
	f.next("bad line", "1")
	f.write("b.txt", "2") // the next report must be of this change
	f.next("bad line", "1")
	f.write("a.txt", "3")
	f.next("", "3 2")
	if n := len(f.loads); n != 0 {
		t.Errorf("%d more reports", n)
	}
}

// Who asks for the status does not wait for a load: a large mapping takes
// seconds, and other nodes wait for 2 s.
func TestStatusDuringLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	loading, end := make(chan bool, 1), make(chan bool)
	live, err := Open(Options[lines]{Globs: []string{path}, Load: func(files []strict.File) (*lines, int, error) {
		if string(files[0].Data) != "1" {
			loading <- true
			<-end
		}
		return loadLines(files)
	}})
	if err != nil {
		t.Fatal(err)
	}
	live.disk.still.stillFor = 0
	before := live.Status()
	write("2\n3")
	var all sync.WaitGroup
	all.Go(func() { live.Refresh() })
	<-loading
	told := make(chan Status, 1)
	all.Go(func() {
		live.Files()
		told <- live.Status()
	})
	select {
	case s := <-told:
		if s.Digest != before.Digest || s.Count != 1 || s.Err != nil {
			t.Errorf("%+v, want %+v", s, before)
		}
	case <-time.After(time.Minute):
		t.Error("the status waits for the load")
	}
	close(end)
	all.Wait()
	if s := live.Status(); s.Count != 2 || string(live.Files()[0].Data) != "2\n3" {
		t.Errorf("%+v", s)
	}
}

// A bug in what is told of a load does not take the server down.
func TestPanicInReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	live, err := Open(Options[lines]{Globs: []string{path}, Load: loadLines, OnLoad: func(_ *lines, s Status) {
		if s.Count > 1 {
			panic("a bug")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	live.disk.still.stillFor = 0
	for _, text := range []string{"2\n3", "4\n5\n6"} { // the lock is free again
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		live.Refresh()
		if s := live.Status(); s.Err == nil || s.Err.Error() != "panic in a load: a bug" {
			t.Error(s.Err)
		}
	}
}

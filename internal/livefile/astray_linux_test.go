package livefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file to which no name leads can never change: a mount of it alone keeps it. Only Linux says how
// many names lead to a file.
func TestStuck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mounted := fmt.Sprintf("/proc/self/fd/%d", file.Fd()) // leads to the file as a mount does
	live, err := Open(Options[lines]{Globs: []string{mounted}, Load: loadLines})
	if err != nil || len(live.Status().Warnings) != 0 {
		t.Fatal(err, live.Status().Warnings)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	live.Refresh()
	want := mounted + ": warning: can never change: no link leads to this file any more. It is a bind mount or subPath of a single file whose name was replaced; mount its directory, and start the server anew"
	if got := live.Status().Warnings; len(got) != 1 || got[0].String() != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// An edit that keeps the size and the time of the last write is seen.
func TestEditOfTheSameSizeAndTime(t *testing.T) {
	f := newFixture(t, map[string]string{"a.txt": "1"})
	before, err := os.Stat(f.path("a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(f.path("a.txt"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("2")
	if err := errors.Join(err, file.Close(), os.Chtimes(f.path("a.txt"), time.Time{}, before.ModTime())); err != nil {
		t.Fatal(err)
	}
	f.next("", "2")
}

package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// names are the files in a directory, hidden ones too.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		out = append(out, entry.Name())
	}
	return out
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	other := filepath.Join(dir, ".a.yaml.bak.new") // not a hidden file of ours
	for _, leftover := range []string{filepath.Join(dir, ".a.yaml.123.new"), other} {
		if err := os.WriteFile(leftover, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		text string
		mode os.FileMode
	}{{"first", 0o640}, {"second, longer", 0o604}, {"", 0o600}} {
		if err := Write(name, []byte(step.text), step.mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		data, errRead := os.ReadFile(name)
		if err := errors.Join(err, errRead); err != nil || string(data) != step.text || info.Mode() != step.mode {
			t.Errorf("%q with mode %v, %v, want %q with %v", data, info.Mode(), err, step.text, step.mode)
		}
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("in the directory there are %v, want a.yaml and %s", got, other)
	}
}

// Where a write fails, the old file stays, and nothing is left beside it.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	if err := os.MkdirAll(filepath.Join(name, "x"), 0o700); err != nil { // a rename cannot replace it
		t.Fatal(err)
	}
	if err := Write(name, []byte("new"), 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("in the directory there are %v, want a.yaml", got)
	}
	if err := Write(filepath.Join(dir, "nowhere", "a.yaml"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}

// Several writers of one file may fail, and leave a whole content.
func TestWritersAtOnce(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	var all sync.WaitGroup
	for _, letter := range "abcd" {
		all.Go(func() {
			for range 20 {
				_ = Write(name, bytes.Repeat([]byte{byte(letter)}, 1<<16), 0o600)
			}
		})
	}
	all.Wait()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != 1<<16 || len(bytes.Trim(data, string(data[:1]))) != 0 {
		t.Errorf("%d bytes of several writers", len(data))
	}
	if err := Write(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("in the directory there are %v, want a.yaml", got)
	}
}

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every seed belongs to a target, and all of them are few and small.
func TestSeeds(t *testing.T) {
	t.Chdir("../..")
	targets, err := find("")
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, target := range targets {
		dirs = append(dirs, target.seeds())
	}
	files, bytes := 0, int64(0)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, filepath.Join("testdata", "fuzz")) {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		files, bytes = files+1, bytes+info.Size()
		if !slices.Contains(dirs, filepath.Dir(path)) {
			t.Errorf("%s is no target's", path)
		}
		return nil
	})
	if err != nil || files >= 500 || bytes >= 1<<20 {
		t.Errorf("%d files of %d bytes, want fewer than 500 of 1 MB; %v", files, bytes, err)
	}
}

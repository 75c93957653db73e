package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A build that has not its tools says so before it does anything.
func TestBuildNamesMissingTools(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"bash", "dirname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	const after = "; expected go, git and buildah (Debian packages git and buildah)\n"
	for _, want := range []string{"go git buildah", "go git", "go"} { // one less each time
		out, err := exec.Command("bash", "build").CombinedOutput()
		if full := "build/image/build: not on PATH: " + want + after; err == nil || string(out) != full {
			t.Errorf("%v: %q, want %q", err, out, full)
		}
		add := map[string]string{"go git buildah": "buildah", "go git": "git"}[want]
		if add != "" {
			if err := os.WriteFile(filepath.Join(bin, add), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

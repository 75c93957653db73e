package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What was skipped is listed after go test's own closing lines, also when go
// test has run the package before.
func TestSkipsAreListed(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	cgo, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CGO_ENABLED", strings.TrimSpace(string(cgo))) // which depends on a compiler on PATH
	empty, full := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "redis-server"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const (
		none  = "No test was skipped for want of a program or a right.\n"
		redis = "Tests skipped: 1\n   1 for want of redis-server (Debian: redis-server)\napt-get install --no-install-recommends redis-server\n"
	)
	for _, step := range []struct{ name, path, testPath, want, err string }{
		{"not there", empty, empty, redis, ""},
		{"not there, again", empty, empty, redis, ""},
		{"there", full, full, none, ""},
		{"there, again", full, full, none, ""},
		{"the test does not see what is there", full, empty, redis, "TestNeedsRedis in PACKAGE was skipped for want of redis-server, and that is here"},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Setenv("PATH", step.path)
			t.Setenv("SKIPS_PATH", step.testPath)
			var stdout, stderr bytes.Buffer
			code, err := run([]string{goCommand, "test", "-vet=off", "./testdata/skips"}, &stdout, &stderr)
			before, list, ok := strings.Cut(stdout.String(), "\n\n")
			if code != 0 || stderr.Len() > 0 || !ok || !strings.HasPrefix(before, "ok ") {
				t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
			}
			if list != step.want {
				t.Errorf("the list is %q, want %q", list, step.want)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			dir, _ := filepath.Abs("testdata/skips")
			if want := strings.Replace(step.err, "PACKAGE", dir, 1); text != want {
				t.Errorf("error %q, want %q", text, want)
			}
		})
	}
}

// A command that fails has its exit code, and its list, too.
func TestExitCode(t *testing.T) {
	var out bytes.Buffer
	code, err := run([]string{"sh", "-c", "echo said; exit 3"}, &out, &out)
	if want := "said\n\nNo test was skipped for want of a program or a right.\n"; code != 3 || err != nil || out.String() != want {
		t.Errorf("exit code %d, %v, %q, want 3 and %q", code, err, &out, want)
	}
	if _, err := run([]string{"nowhere"}, &out, &out); err == nil {
		t.Error("a command that is not there is no error")
	}
}

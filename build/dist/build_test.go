package dist

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

// repository is a git repository with the script build, and the tools that the
// script asks for. Those that compile do nothing.
func repository(t *testing.T, missing ...string) (dir string) {
	t.Helper()
	needs.Program(t, "git")
	dir = t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".gitignore"), "/bin/\n")
	write(t, filepath.Join(dir, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n## v0.9.0 (a day)\n\n## v0.8.10\n\n## v0.7.0\n")
	script, err := os.ReadFile("build")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "build/dist/build"), string(script))
	for _, tool := range []string{"bash", "dirname", "git", "grep", "head", "tar", "gzip", "sha256sum", "go", "buildah"} {
		if slices.Contains(missing, tool) {
			continue
		}
		link := filepath.Join(bin, tool)
		path, err := exec.LookPath(tool)
		if slices.Contains([]string{"go", "buildah"}, tool) {
			write(t, link, "#!/bin/sh\nexit 1\n")
		} else if err != nil {
			t.Fatal(err)
		} else if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{"init -q", "add .", "commit -q -m first", "tag v0.7.0", "commit -q -m second --allow-empty"} {
		git(t, dir, strings.Fields(args)...)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// What is no release is refused before anything is built.
func TestRefused(t *testing.T) {
	const form = ", expected one as v0.9.0 or v0.9.0-rc.1"
	for _, tt := range []struct {
		name    string
		version string
		missing []string
		change  func(dir string)
		want    string
	}{
		{"no tools", "v0.9.0", []string{"buildah", "gzip"}, nil, "not on PATH: buildah gzip; expected go, and Debian's packages git, buildah, tar, gzip and coreutils"},
		{"no v", "0.9.0", nil, nil, `VERSION "0.9.0"` + form},
		{"two numbers", "v0.9", nil, nil, `VERSION "v0.9"` + form},
		{"a zero before a number", "v0.09.0", nil, nil, `VERSION "v0.09.0"` + form},
		{"a branch", "main", nil, nil, `VERSION "main"` + form},
		{"what git describe says of changes", "v0.9.0+dirty", nil, nil, `VERSION "v0.9.0+dirty"` + form},
		{"not in the changelog", "v0.9.1", nil, nil, `CHANGELOG.md has no "## v0.9.1", expected what is new in it`},
		{"the begin of another version", "v0.8.1", nil, nil, `CHANGELOG.md has no "## v0.8.1", expected what is new in it`},
		{"a changed file", "v0.9.0", nil, func(dir string) { write(t, filepath.Join(dir, "CHANGELOG.md"), "") },
			`"CHANGELOG.md" is not as the commit has it, expected a checkout without changes`},
		{"a new file", "v0.9.0", nil, func(dir string) { write(t, filepath.Join(dir, "new"), "") },
			`"new" is not as the commit has it, expected a checkout without changes`},
		{"a tag at another commit", "v0.7.0", nil, nil, "the tag v0.7.0 is at TAGGED, expected it at HEAD, or no tag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, tt.missing...)
			if tt.change != nil {
				tt.change(dir)
			}
			want := "build/dist/build: " + strings.ReplaceAll(tt.want, "TAGGED", git(t, dir, "rev-parse", "HEAD~")[:12]) + "\n"
			if out, err := run(dir, tt.version); err == nil || out != want {
				t.Errorf("%v: %q, want %q", err, out, want)
			}
		})
	}
}

// A release that is right gets as far as the first program, which does nothing here.
func TestTaken(t *testing.T) {
	for _, version := range []string{"", "v0.9.0"} {
		if out, err := run(repository(t), version); err == nil || strings.Contains(out, "expected") {
			t.Errorf("VERSION %q: %v: %s", version, err, out)
		}
	}
}

func run(dir, version string) (out string, err error) {
	cmd := exec.Command(filepath.Join(dir, "build/dist/build"), version)
	cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin"), "HOME=" + dir}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

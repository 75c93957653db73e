package setrouter

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the pages name is there.
func TestPagesNameTests(t *testing.T) {
	there := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(read(t, name), -1) {
			there[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, atLeast := range map[string]int{"docs/security.md": 40, "docs/reliability.md": 10} {
		named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(read(t, page), -1)
		if len(named) < atLeast {
			t.Errorf("%s names %d tests", page, len(named))
		}
		for _, name := range named {
			if !there[name] {
				t.Errorf("%s: there is no %s", page, name)
			}
		}
	}
}

// Every direct dependency has its line, with its version and a reason.
func TestDependenciesHaveReasons(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}} {{.Version}}{{end}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	page, modules := read(t, "docs/decisions/0013-dependencies.md"), map[string]bool{}
	for line := range strings.Lines(string(out)) {
		path, version, given := strings.Cut(strings.TrimSpace(line), " ")
		if !given {
			continue
		}
		modules[path] = true
		if !regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(path) + ` \| ` + regexp.QuoteMeta(version) + ` \| [^|]{3,} \| [^|]{3,} \|$`).MatchString(page) {
			t.Errorf("%s %s has no line", path, version)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\| (\S+/\S+) \| v`).FindAllStringSubmatch(page, -1) {
		if !modules[m[1]] {
			t.Errorf("%s has a line, and is no direct dependency", m[1])
		}
	}
}

// clientOpen alone does not refuse clients without a token. So whatever names one of
// the two options names the other, too.
func TestBothClientOptions(t *testing.T) {
	files, err := exec.Command("git", "grep", "-l", "-E", "client(Open|Strict)").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(files)) {
		if text := read(t, name); strings.Contains(text, "clientOpen") != strings.Contains(text, "clientStrict") {
			t.Errorf("%s names one of clientOpen and clientStrict, expected both", name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

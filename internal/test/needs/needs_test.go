package needs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fake is a test that notes how it ended.
type fake struct {
	testing.TB
	ended string
}

func (f *fake) Name() string                   { return "TestFake" }
func (f *fake) Helper()                        {}
func (f *fake) Logf(string, ...any)            {}
func (f *fake) Skipf(format string, a ...any)  { f.ended += "skip: " + fmt.Sprintf(format, a...) }
func (f *fake) Fatalf(format string, a ...any) { f.ended += "fatal: " + fmt.Sprintf(format, a...) }

func TestSkips(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"curl", "mariadb", "npm"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	line := func(rest string) string { return `{"Dir":"` + dir + `","Test":"TestFake",` + rest + "}\n" }
	for _, tt := range []struct {
		name        string
		run         func(testing.TB)
		ended, list string
	}{
		{"there", func(t testing.TB) { Program(t, "curl", "mariadb") }, "", ""},
		{"not there", func(t testing.TB) { Program(t, "promtool") },
			"skip: for want of promtool (Debian: prometheus)", line(`"Programs":["promtool"]`)},
		{"some there", func(t testing.TB) { Program(t, "mariadbd", "mariadb-install-db", "mariadb", "redis-server") },
			"skip: for want of mariadbd, mariadb-install-db, redis-server (Debian: mariadb-server, redis-server)",
			line(`"Programs":["mariadbd","mariadb-install-db","redis-server"]`)},
		{"a right", func(t testing.TB) { Right(t, RightNamespace) }, // there is no ip on PATH
			"skip: for want of the right to make network namespaces", line(`"Right":"the right to make network namespaces"`)},
		{"Python", func(t testing.TB) { Program(t, PythonVenv) }, // there is no python3 on PATH
			"skip: for want of python3 -m venv (Debian: python3-venv)", line(`"Programs":["python3 -m venv"]`)},
		{"downloaded", func(t testing.TB) { Downloaded(t, RegistryPyPI, nil) }, "", ""},
		{"a registry that is away", func(t testing.TB) { Downloaded(t, RegistryPyPI, errors.New("no package")) }, // there is no pip on PATH
			"skip: for want of packages: PyPI cannot be reached", line(`"Registry":"PyPI"`)},
		{"a registry that is there", func(t testing.TB) { Downloaded(t, RegistryNPM, errors.New("no such version")) },
			"fatal: the npm registry can be reached, and yet: no such version", ""},
		{"nobody knows where it is from", func(t testing.TB) { Program(t, "curl", "nonsense") },
			`fatal: program "nonsense" is not known to the package needs, which has the Debian package of each`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "list")
			t.Setenv(Variable, list)
			f := &fake{TB: t}
			tt.run(f)
			text, _ := os.ReadFile(list)
			if !strings.HasPrefix(f.ended, tt.ended) || (f.ended == "") != (tt.ended == "") || !strings.HasPrefix(string(text), tt.list) {
				t.Errorf("ended with %q, want %q; the list is %q, want %q", f.ended, tt.ended, text, tt.list)
			}
		})
	}

	t.Setenv(Variable, "")
	f := &fake{TB: t}
	if Program(f, "promtool"); f.ended != "skip: for want of promtool (Debian: prometheus)" {
		t.Errorf("outside of make test: %q", f.ended)
	}
	t.Setenv(Variable, filepath.Join(bin, "nowhere", "list"))
	f = &fake{TB: t}
	if Program(f, "promtool"); !strings.HasPrefix(f.ended, "fatal: the list of skipped tests: open ") {
		t.Errorf("a list that cannot be written: %q", f.ended)
	}
}

func TestReport(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	list := filepath.Join(t.TempDir(), "list")
	for _, s := range []Skip{
		{Test: "TestA", Programs: []string{"promtool"}},
		{Test: "TestB", Programs: []string{"mariadbd", "redis-server"}},
		{Test: "TestC", Right: RightNamespace},
		{Test: "TestC/two", Registry: RegistryMaven},
		{Test: "TestD/one", Programs: []string{"mariadbd", "redis-server"}},
	} {
		if err := s.append(list); err != nil {
			t.Fatal(err)
		}
	}
	const want = `Tests skipped: 5
   2 for want of mariadbd, redis-server (Debian: mariadb-server, redis-server)
   1 for want of packages: a Maven repository cannot be reached
   1 for want of promtool (Debian: prometheus)
   1 for want of the right to make network namespaces
apt-get install --no-install-recommends mariadb-server prometheus redis-server
`
	if got, err := Report(list); got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if err := (Skip{Dir: "d", Test: "TestE", Programs: []string{"curl", "promtool"}}).append(list); err != nil {
		t.Fatal(err)
	}
	if _, err := Report(list); err == nil || err.Error() != "TestE in d was skipped for want of curl, and that is here" {
		t.Errorf("a skip for want of what is there: %v", err)
	}
}

// Every right can be tried, and trying leaves nothing behind.
func TestRights(t *testing.T) {
	for _, r := range []right{RightMount, RightNamespace} {
		first, again := r.try(), r.try()
		if (first == nil) != (again == nil) {
			t.Errorf("%s: %v, and then %v", r, first, again)
		}
		t.Logf("%s: %v", r, first)
	}
	if err := right("nonsense").try(); err == nil {
		t.Error("a right that nobody knows is there")
	}
	if err := registry("nonsense").try(); err == nil {
		t.Error("a registry that nobody knows is there")
	}
}

// Tests skip by this package. Fuzz targets skip inputs, and so does what draws states by
// chance, in files named random_test.go.
func TestNoOtherSkips(t *testing.T) {
	skips, calls := regexp.MustCompile(`\.(Skip|Skipf|SkipNow)\(`), 0
	err := filepath.WalkDir("../../..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "fuzz_test.go") || strings.HasSuffix(name, "random_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		calls += strings.Count(string(text), "needs.Program(")
		if skips.Match(text) && !strings.Contains(filepath.ToSlash(name), "internal/test/needs/") {
			t.Errorf("%s skips by itself, expected by the package needs", name)
		}
		return err
	})
	if err != nil || calls < 5 {
		t.Errorf("%d calls of needs.Program in the repository, %v", calls, err)
	}
}

// besideCI are programs of tests with the build tag dist, which CI does not run.
var besideCI = []string{"buildah", "qemu-aarch64-static"}

// CI installs what tests need.
func TestCIHasPrograms(t *testing.T) {
	script, err := os.ReadFile("../../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for program, debian := range packages {
		if !slices.Contains(besideCI, program) && !regexp.MustCompile(`\b`+regexp.QuoteMeta(debian)+`\b`).Match(script) {
			t.Errorf(".ci/run does not install %s, which has %s", debian, program)
		}
	}
}

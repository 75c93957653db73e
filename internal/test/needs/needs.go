// Package needs skips tests for want of a program, a right or a registry that the
// machine may not have, and lists what it skipped. Tests do not skip for such a
// reason by themselves: the list at the end of `make test` would not have it.
package needs

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Variable is the environment variable that names the list, a file. A test reads
// the variable only if it is skipped, and each run of `make test` has another
// file: so go test has no cached result for a package with skipped tests, and
// runs it anew. Other packages stay cached: their tests did run, if with
// programs that are gone since.
const Variable = "SETROUTER_SKIPPED"

// NginxStream is the module of nginx that passes connections on.
const NginxStream = "/usr/lib/nginx/modules/ngx_stream_module.so"

// PythonVenv is Python with the module that makes virtual environments. Debian has
// Python without it.
const PythonVenv = "python3 -m venv"

// packages has the Debian package of each program or file that tests use.
var packages = map[string]string{
	"buildah":             "buildah",
	"chromium":            "chromium",
	"curl":                "curl",
	"git":                 "git",
	"haproxy":             "haproxy",
	"ip":                  "iproute2",
	"javac":               "openjdk-17-jdk-headless",
	"make":                "make",
	"mariadb":             "mariadb-server",
	"mariadb-install-db":  "mariadb-server",
	"mariadbd":            "mariadb-server",
	"mvn":                 "maven",
	"nginx":               "nginx",
	NginxStream:           "libnginx-mod-stream",
	"node":                "nodejs",
	"npm":                 "npm",
	PythonVenv:            "python3-venv",
	"prometheus":          "prometheus",
	"promtool":            "prometheus",
	"qemu-aarch64-static": "qemu-user-static",
	"redis-server":        "redis-server",
}

// Skip is a line of the list, in JSON: a test, and what the machine does not
// have for it.
type Skip struct {
	Dir      string   // of the test's package
	Test     string   // its name
	Programs []string `json:",omitempty"`
	Right    right    `json:",omitempty"`
	Registry registry `json:",omitempty"` // which could not be reached
}

// Program skips the test unless all programs are on PATH.
func Program(t testing.TB, names ...string) {
	t.Helper()
	var missing []string
	for _, name := range names {
		if packages[name] == "" {
			t.Fatalf("program %q is not known to the package needs, which has the Debian package of each", name)
		}
		if !onPath(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		skip(t, Skip{Programs: missing})
	}
}

// Right skips the test unless the process has the right, one of the constants.
func Right(t testing.TB, needed right) {
	t.Helper()
	if err := needed.try(); err != nil {
		t.Logf("no %s: %v", needed, err)
		skip(t, Skip{Right: needed})
	}
}

// skip notes why a test is skipped, and skips it.
func skip(t testing.TB, s Skip) {
	t.Helper()
	if name := os.Getenv(Variable); name != "" {
		s.Test = t.Name()
		s.Dir, _ = os.Getwd()
		if err := s.append(name); err != nil {
			t.Fatalf("the list of skipped tests: %v", err)
		}
	}
	t.Skipf("for want of %s", s.want())
}

// append writes a line at once, as other processes do at the same time.
func (s Skip) append(name string) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	list, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer list.Close()
	_, err = list.Write(append(line, '\n'))
	return err
}

// want names what is missing.
func (s Skip) want() string {
	if s.Right != "" {
		return string(s.Right)
	}
	if s.Registry != "" {
		return "packages: " + string(s.Registry) + " cannot be reached"
	}
	return strings.Join(s.Programs, ", ") + " (Debian: " + strings.Join(s.debian(), ", ") + ")"
}

// debian returns the packages that have the programs, each once.
func (s Skip) debian() []string {
	var out []string
	for _, name := range s.Programs {
		out = append(out, packages[name])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unfounded returns what the test was skipped for and the machine has; empty if
// the skip was right. A registry may be back by now, and is not asked again.
func (s Skip) unfounded() string {
	if s.Right != "" && s.Right.try() == nil {
		return string(s.Right)
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(s.Programs), func(name string) bool { return !onPath(name) }), ", ")
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	if strings.HasPrefix(program, "/") { // a file that nobody runs
		_, err = os.Stat(program)
	}
	if program == PythonVenv {
		err = exec.Command("python3", "-c", "import venv, ensurepip").Run()
	}
	return err == nil
}

// Package faults brings about what goes wrong with one server node, against real
// processes. docs/reliability.md names its tests.
package faults

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// programs is where the programs under test are built.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // the tests wait, mostly
		panic(err)
	}
	dir, err := os.MkdirTemp("", "setrouter-faults-")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// The programs, each built when it is first asked for. A stepping server has a
// clock that follows a file.
var (
	serverBinary   = program("polaris-server", "../polaris-server")
	steppingServer = program("stepping-server", "-tags", "clockstep", "../polaris-server")
	stockServer    = program("stock-server", "github.com/polarismesh/polaris")
	setctlBinary   = program("setctl", "../setctl")
)

func program(name string, build ...string) func(*testing.T) string {
	built := sync.OnceValues(func() (string, error) {
		binary := filepath.Join(programs, name)
		return binary, polaristest.Build(".", binary, build...)
	})
	return func(t *testing.T) string {
		t.Helper()
		binary, err := built()
		must(t, err)
		return binary
	}
}

const mapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, set: qb.novel.h}
  - {match: 127.2.0.0/16, set: qb.novel.z}
`

const routing = `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}}
`

// The callers of these files, and one that they do not know.
var (
	shanghai = netip.MustParseAddr("127.1.0.1")
	shenzhen = netip.MustParseAddr("127.2.0.1")
	stranger = netip.MustParseAddr("127.9.0.1")
)

// start starts a server that ends with the test.
func start(t *testing.T, o polaristest.Options) (*polaristest.Server, *polaristest.Console) {
	t.Helper()
	if o.Binary == "" {
		o.Binary = serverBinary(t)
	}
	if o.Files == nil && o.Dir == "" && o.Replaces == nil {
		o.Files = map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing}
	}
	server, err := polaristest.Start(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the pack's log:\n%s", server.Log())
		}
		must(t, server.Kill())
	})
	console, err := polaristest.Login(t.Context(), server)
	must(t, err)
	return server, console
}

// config is the configuration of these tests, with texts replaced in pairs.
func config(t *testing.T, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile("../../internal/test/polaristest/polaris-server.yaml.tmpl")
	must(t, err)
	for old := range slices.Chunk(pairs, 2) {
		if !strings.Contains(string(text), old[0]) {
			t.Fatalf("the configuration has no %q", old[0])
		}
	}
	return strings.NewReplacer(pairs...).Replace(string(text))
}

// instance has a SET, or none if set is empty.
func instance(service, host, set string) polaristest.Instance {
	i := polaristest.Instance{Namespace: "default", Service: service, Host: host, Port: 80, Weight: 100, Healthy: true}
	if set != "" {
		i.Metadata = map[string]string{"internal-set-name": set}
	}
	return i
}

// novel is a group for each city, the pool and another business.
func novel(service string) []polaristest.Instance {
	return []polaristest.Instance{
		instance(service, "10.11.0.1", "qb.novel.h"), instance(service, "10.12.0.1", "qb.novel.z"),
		instance(service, "10.13.0.1", "qb.novel.*"), instance(service, "10.14.0.1", "ams.SH.1"),
	}
}

// ask asks over HTTP for a service, and returns the hosts, sorted.
func ask(t *testing.T, s *polaristest.Server, caller netip.Addr, service string) ([]string, error) {
	d, err := polaristest.Discover(context.WithoutCancel(t.Context()), s.HTTPAddr, polaristest.Request{Source: caller, Namespace: "default", Service: service})
	if err != nil {
		return nil, err
	}
	if d.Code != codeOK {
		return nil, fmt.Errorf("%s asks for %s: code %d, %s", caller, service, d.Code, d.Info)
	}
	out := []string{}
	for _, i := range d.Instances {
		out = append(out, i.Host)
	}
	slices.Sort(out)
	return out, nil
}

// Codes of answers.
const (
	codeOK        = 200000
	codeUnchanged = 200001
)

// gets wants a caller to get the hosts now.
func gets(t *testing.T, s *polaristest.Server, caller netip.Addr, service string, want ...string) error {
	got, err := ask(t, s, caller, service)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("%s asks for %s: %v, want %v", caller, service, got, want)
	}
	return err
}

// eventually waits until a caller gets the hosts: the server's caches take a
// second to follow the store.
func eventually(t *testing.T, s *polaristest.Server, caller netip.Addr, service string, want ...string) {
	t.Helper()
	wait(t, func() error { return gets(t, s, caller, service, want...) })
}

// says waits for `setctl status` to exit with a code and to have words, or with
// a word of "!", not.
func says(t *testing.T, s *polaristest.Server, wantCode int, words ...string) {
	t.Helper()
	wait(t, func() error {
		code, out := setctl(t, s, "status")
		out = strings.Join(strings.Fields(out), " ") // columns are as wide as their words
		for _, w := range words {
			if not, is := strings.CutPrefix(w, "!"); strings.Contains(out, not) == is {
				return fmt.Errorf("status has not %q: %s", w, out)
			}
		}
		if code != wantCode {
			return fmt.Errorf("exit code %d, want %d: %s", code, wantCode, out)
		}
		return nil
	})
}

func setctl(t *testing.T, s *polaristest.Server, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(setctlBinary(t), args...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), "SETROUTER_SERVER="+s.AdminURL)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return exit.ExitCode(), text.String()
	}
	must(t, err)
	return 0, text.String()
}

// metric is the value of a time series at /metrics.
func metric(t *testing.T, s *polaristest.Server, series string) float64 {
	t.Helper()
	for line := range strings.Lines(fetch(t, "http://"+s.HTTPAddr+"/metrics")) {
		if value, is := strings.CutPrefix(line, series+" "); is {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			must(t, err)
			return n
		}
	}
	t.Fatal(fmt.Errorf("there is no %s among the metrics", series))
	return 0
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(text)
}

// wait polls until done returns nil.
func wait(t *testing.T, done func() error) {
	t.Helper()
	polaristest.Wait(t, done)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

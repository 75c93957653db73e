package main

import (
	"bufio"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// pythonBin makes the environment of scripts/clients/polaris-python, once.
var pythonBin = sync.OnceValues(func() (string, error) {
	return polaristest.Python(filepath.Join(filepath.Dir(serverBinary), "polaris-python"), "../../scripts/clients/polaris-python/requirements.txt")
})

// pythonRows are the rows for the caller in Python in docs/compatibility.md.
var pythonRows = []serviceRow[*pythonCaller]{
	{"own", "A caller: its own group; the group is isolated: the pool; the group is back: the group again", pythonOwn},
	{"unhealthy", "The own group is unhealthy: the pool. The pool is unhealthy, too: the own group, marked as unhealthy", pythonUnhealthy},
	{"unchanged", "The caller sends the revision that it has: code 200001, the same revision and no instance", pythonUnchanged},
	{"empty", "An empty list: code 200000 and no instance. Instances come: they are in the next answer", pythonEmpty},
	{"unknown", "A service that does not exist: code 400202", pythonUnknown},
	{"types", "Types 100 to 106: code 200000 under their own type, and no rules; the stream goes on", pythonTypes},
	{"mapping", "The mapping gives the caller another SET: the next answer has the list of that SET, though the caller sends its revision", pythonMapping},
}

// pythonCaller is a running program of scripts/clients/polaris-python, and its server.
type pythonCaller struct {
	server  *polaristest.Server
	console *polaristest.Console
	in      io.Writer
	out     *bufio.Scanner
}

// question is what the caller asks for.
type question struct {
	Type     int    `json:"type"`
	Service  string `json:"service"`
	Revision string `json:"revision"`
}

// answered is what the server answers.
type answered struct {
	Code      int      `json:"code"`
	Type      int      `json:"type"`
	Service   string   `json:"service"`
	Revision  string   `json:"revision"`
	Hosts     []string `json:"hosts"`
	Unhealthy []string `json:"unhealthy"` // of the hosts
}

// TestClientsPython runs a caller in Python that has the messages of Polaris's
// specification, and no SDK.
func TestClientsPython(t *testing.T) {
	needs.Program(t, needs.PythonVenv)
	bin, err := pythonBin()
	needs.Downloaded(t, needs.RegistryPyPI, err)
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n",
	}})
	relay, err := polaristest.NewRelay(shanghai, server.GRPCAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	script, err := filepath.Abs("../../scripts/clients/polaris-python/caller.py")
	if err != nil {
		t.Fatal(err)
	}
	in, out := startProgram(t, filepath.Join(bin, "python"), script, relay.Addr)
	c := &pythonCaller{server, console, in, bufio.NewScanner(out)}
	runServiceRows(t, c, "A caller in Python", pythonRows)
}

// ask asks, and returns the answer.
func (c *pythonCaller) ask(t *testing.T, q question) (a answered) {
	t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	c.out.Scan()
	if err := json.Unmarshal(c.out.Bytes(), &a); err != nil {
		t.Fatalf("the caller in Python says %q: %v, %v", c.out.Bytes(), err, c.out.Err())
	}
	return a
}

// gets waits until the caller, which sends the revision that it has, gets a list of the
// hosts. Each answer before that is a list, or says that the list is as it was.
func (c *pythonCaller) gets(t *testing.T, service, revision string, hosts ...string) (a answered) {
	t.Helper()
	wait(t, func() error {
		if a = c.ask(t, question{1, service, revision}); a.Code != 200000 && a.Code != noChange && a.Code != 400202 {
			t.Fatalf("%+v", a)
		}
		if a.Code != 200000 || a.Service != service || !slices.Equal(a.Hosts, hosts) {
			return errorf("%+v, want %q", a, hosts)
		}
		return nil
	})
	return a
}

func pythonOwn(t *testing.T, c *pythonCaller, service string) {
	registerNovel(t, c.console, service)
	first := c.gets(t, service, "", groupList...)
	isolate := func(on bool) {
		if err := c.console.Isolate(t.Context(), "default", service, groupList[0], on); err != nil {
			t.Fatal(err)
		}
	}
	isolate(true)
	second := c.gets(t, service, first.Revision, poolList...)
	isolate(false)
	c.gets(t, service, second.Revision, groupList...)
}

func pythonUnhealthy(t *testing.T, c *pythonCaller, service string) {
	registerNovel(t, c.console, service)
	c.gets(t, service, "", groupList...)
	fall := func(host, set string) {
		i := instance(service, host, set)
		i.Healthy = false
		if err := c.console.Update(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	fall(groupList[0], "qb.novel.h")
	c.gets(t, service, "", poolList...)
	fall(poolList[0], "qb.novel.*")
	if a := c.gets(t, service, "", groupList...); !slices.Equal(a.Unhealthy, groupList) {
		t.Errorf("%+v, want the group as unhealthy", a)
	}
}

func pythonUnchanged(t *testing.T, c *pythonCaller, service string) {
	registerNovel(t, c.console, service)
	have := c.gets(t, service, "", groupList...)
	want := answered{noChange, 1, service, have.Revision, []string{}, []string{}}
	if diff := cmp.Diff(want, c.ask(t, question{1, service, have.Revision})); diff != "" || !strings.HasPrefix(have.Revision, "setrouter-") {
		t.Errorf("revision %q (-want +got):\n%s", have.Revision, diff)
	}
}

func pythonEmpty(t *testing.T, c *pythonCaller, service string) {
	register(t, c.console, instance(service, "10.14.0.1", "ams.SH.1"))
	empty := c.gets(t, service, "")
	registerNovel(t, c.console, service)
	c.gets(t, service, empty.Revision, groupList...)
}

func pythonUnknown(t *testing.T, c *pythonCaller, service string) {
	a := c.ask(t, question{1, service, ""})
	if diff := cmp.Diff(answered{400202, 1, service, a.Revision, []string{}, []string{}}, a); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func pythonTypes(t *testing.T, c *pythonCaller, service string) {
	registerNovel(t, c.console, service)
	c.gets(t, service, "", groupList...)
	for kind := 100; kind <= 106; kind++ {
		a := c.ask(t, question{kind, service, ""})
		if diff := cmp.Diff(answered{200000, kind, service, a.Revision, []string{}, []string{}}, a); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	c.gets(t, service, "", groupList...)
}

func pythonMapping(t *testing.T, c *pythonCaller, service string) {
	registerNovel(t, c.console, service)
	first := c.gets(t, service, "", groupList...)
	write(t, c.server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h}", "set: qb.novel.z}", 1))
	second := c.gets(t, service, first.Revision, "10.12.0.1")
	write(t, c.server, "conf/mapping/mapping.yaml", mapping)
	c.gets(t, service, second.Revision, groupList...)
}

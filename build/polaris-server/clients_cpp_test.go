//go:build cpp

package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The program that scripts/clients/polaris-cpp/build builds. Its build takes minutes and
// the SDK's source, so that this test is run by hand:
//
//	go test -tags cpp ./build/polaris-server -run TestClientsCPP -polaris-cpp DIR/consumer
var cppProgram = flag.String("polaris-cpp", "", "the program of scripts/clients/polaris-cpp, an absolute path")

// cppRows are the rows for polaris-cpp in docs/compatibility.md.
var cppRows = []serviceRow[*cpp]{
	{"own", "A caller: its own group; the group is isolated: the pool; the group is back: the group again. `GetOneInstance` picks from all of the list but what is isolated", cppOwn},
	{"unhealthy", "The own group is unhealthy: the pool. The pool is unhealthy, too: the own group, and picks go on", cppUnhealthy},
	{"weights", "Instances of weights 300, 100 and 0: picks follow the weights, and none is of weight 0", cppWeights},
	{"empty", "An empty list: `GetAllInstances` returns it without an error, `GetOneInstance` 1010. Instances come: they are found", cppEmpty},
	{"unknown", "A service that does not exist: `GetAllInstances` 1015, `GetOneInstance` 1010", cppUnknown},
	{"set", "`setDivisionRouter` in the SDK's chain, and `SetSourceSetName` with the caller's SET agrees with the list, by own group and pool. Another SET, which the list does not have: 1010", cppSet},
	{"mapping", "The mapping gives the caller another SET: the list of that SET", cppMapping},
	{"fault", "A fault in routing, `failOpen: false`: the list stays. The fault ends: the list of now", cppFault},
	{"first-ask", "A new process under the fault: 1004, and nothing on its disk. The fault ends: the list", cppFirstAsk},
	{"restart", "A new process without a server: the list on its disk. The server is there: the list of now", cppRestart},
}

// cpp is what the rows need: a server, and the way to it.
type cpp struct {
	*faulty
	relay *polaristest.Relay // the caller's
}

// TestClientsCPP runs the unmodified polaris-cpp against a real server.
func TestClientsCPP(t *testing.T) {
	if *cppProgram == "" {
		t.Fatal("no program, expected as: -polaris-cpp DIR/consumer")
	}
	c := &cpp{faulty: startFaulty(t)}
	var err error
	if c.relay, err = polaristest.NewRelay(shanghai, c.server.GRPCAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.relay.Close() })
	runServiceRows(t, c, "polaris-cpp", cppRows)
}

// cppClient is a running program with the SDK.
type cppClient struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

// cppState is what the SDK answers.
type cppState struct {
	Hosts     []string `json:"hosts"`
	Unhealthy []string `json:"unhealthy"`
	Code      int      `json:"code"`
}

// The SDK's codes.
const (
	cppTimeout    = 1004
	cppNoInstance = 1010
	cppNoService  = 1015
)

// start starts a program, which ends with the test. Without routers it has the SDK's.
func (c *cpp) start(t *testing.T, dir string, routers ...string) *cppClient {
	t.Helper()
	in, out := startProgram(t, *cppProgram, append([]string{c.relay.Addr, dir}, routers...)...)
	return &cppClient{in, bufio.NewScanner(out)}
}

// do sends a command, and returns the answer.
func (c *cppClient) do(t *testing.T, command string) (s cppState) {
	t.Helper()
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		t.Fatal(err)
	}
	c.out.Scan()
	if err := json.Unmarshal(c.out.Bytes(), &s); err != nil {
		t.Fatalf("the program says %q: %v, %v", c.out.Bytes(), err, c.out.Err())
	}
	return s
}

// gets waits until a command is answered by a code and the hosts.
func (c *cppClient) gets(t *testing.T, command string, code int, hosts ...string) (s cppState) {
	t.Helper()
	wait(t, func() error {
		if s = c.do(t, command); s.Code != code || !slices.Equal(s.Hosts, hosts) {
			return errorf("%s: %+v, want %d %q", command, s, code, hosts)
		}
		return nil
	})
	return s
}

func cppOwn(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	register(t, c.console, instance(service, "10.11.0.2", "qb.novel.h"))
	client := c.start(t, t.TempDir())
	group := []string{"10.11.0.1", "10.11.0.2"}
	gets := func(all, picked []string) {
		t.Helper()
		client.gets(t, "all "+service, 0, all...)
		client.gets(t, "pick "+service+" 60", 0, picked...)
	}
	isolate := func(host string, on bool) {
		if err := c.console.Isolate(t.Context(), "default", service, host, on); err != nil {
			t.Fatal(err)
		}
	}
	gets(group, group)
	isolate(group[0], true)
	gets(group, group[1:])
	isolate(group[1], true)
	gets(poolList, poolList)
	isolate(group[0], false)
	gets(group, group[:1])
}

func cppUnhealthy(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, 0, groupList...)
	fall := func(host, set string) {
		i := instance(service, host, set)
		i.Healthy = false
		if err := c.console.Update(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	fall(groupList[0], "qb.novel.h")
	client.gets(t, "all "+service, 0, poolList...)
	fall(poolList[0], "qb.novel.*")
	if s := client.gets(t, "all "+service, 0, groupList...); !slices.Equal(s.Unhealthy, groupList) {
		t.Errorf("%+v, want the group as unhealthy", s)
	}
	client.gets(t, "pick "+service+" 5", 0, groupList...)
}

func cppWeights(t *testing.T, c *cpp, service string) {
	heavy, light, none := instance(service, "10.11.0.1", "qb.novel.h"), instance(service, "10.11.0.2", "qb.novel.h"), instance(service, "10.11.0.3", "qb.novel.h")
	heavy.Weight, none.Weight = 300, 0
	register(t, c.console, heavy, light, none)
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, 0, heavy.Host, light.Host, none.Host)
	count := map[string]int{}
	for range 400 {
		for _, host := range client.do(t, "pick "+service+" 1").Hosts {
			count[host]++
		}
	}
	if count[none.Host] > 0 || count[light.Host] < 60 || count[light.Host] > 150 || count[heavy.Host]+count[light.Host] != 400 {
		t.Errorf("picks %v, want 300 to 100", count)
	}
	t.Log(count)
}

func cppEmpty(t *testing.T, c *cpp, service string) {
	register(t, c.console, instance(service, "10.14.0.1", "ams.SH.1"))
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, 0)
	client.gets(t, "pick "+service+" 1", cppNoInstance)
	registerNovel(t, c.console, service)
	client.gets(t, "all "+service, 0, groupList...)
	client.gets(t, "pick "+service+" 1", 0, groupList...)
}

func cppUnknown(t *testing.T, c *cpp, service string) {
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, cppNoService)
	client.gets(t, "pick "+service+" 1", cppNoInstance)
}

func cppSet(t *testing.T, c *cpp, service string) {
	group, pool := instance(service, groupList[0], "qb.novel.h"), instance(service, poolList[0], "qb.novel.*")
	group.Metadata["internal-enable-set"], pool.Metadata["internal-enable-set"] = "Y", "Y"
	register(t, c.console, group, pool)
	client := c.start(t, t.TempDir(), "setDivisionRouter")
	client.gets(t, "set "+service+" 5 qb.novel.h", 0, groupList...)
	client.gets(t, "set "+service+" 5 qb.novel.z", cppNoInstance)
	c.isolate(t, service, true)
	client.gets(t, "set "+service+" 5 qb.novel.h", 0, poolList...)
}

func cppMapping(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, 0, groupList...)
	write(t, c.server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h}", "set: qb.novel.z}", 1))
	client.gets(t, "all "+service, 0, "10.12.0.1")
	write(t, c.server, "conf/mapping/mapping.yaml", mapping)
	client.gets(t, "all "+service, 0, groupList...)
}

func cppFault(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	client := c.start(t, t.TempDir())
	client.gets(t, "all "+service, 0, groupList...)
	c.fault(t, true)
	c.isolate(t, service, true)
	enough := c.faults(t) + 4
	wait(t, func() error {
		if s := client.do(t, "all "+service); s.Code != 0 || !slices.Equal(s.Hosts, groupList) {
			t.Fatalf("under the fault: %+v, want %q", s, groupList)
		}
		if n := c.faults(t); n < enough {
			return errorf("%v faults, want %v", n, enough)
		}
		return nil
	})
	c.fault(t, false)
	client.gets(t, "all "+service, 0, poolList...)
}

func cppFirstAsk(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	c.fault(t, true)
	dir := t.TempDir()
	client := c.start(t, dir)
	for range 2 {
		if s := client.do(t, "all "+service); s.Code != cppTimeout || len(s.Hosts) > 0 {
			t.Fatalf("under the fault: %+v, want %d", s, cppTimeout)
		}
	}
	if files := cppFiles(t, dir, service); len(files) > 0 {
		t.Errorf("on the disk of a client without a list: %q", files)
	}
	c.fault(t, false)
	client.gets(t, "all "+service, 0, groupList...)
}

func cppRestart(t *testing.T, c *cpp, service string) {
	registerNovel(t, c.console, service)
	dir := t.TempDir()
	client := c.start(t, dir)
	client.gets(t, "all "+service, 0, groupList...)
	wait(t, func() error { // the SDK writes a moment later
		if len(cppFiles(t, dir, service)) == 0 {
			return errorf("no list on the disk")
		}
		return nil
	})
	_ = client.in.Close()
	for client.out.Scan() { // until it has ended
	}
	c.relay.Cut()
	c.isolate(t, service, true)
	client = c.start(t, dir)
	client.gets(t, "all "+service, 0, groupList...)
	c.relay.Mend()
	client.gets(t, "all "+service, 0, poolList...)
}

// cppFiles returns the files by which the SDK remembers the instances of a service.
func cppFiles(t *testing.T, dir, service string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "backup", "*"+service+"*instance*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The programs under test, built once.
var serverBinary, consumerBinary, setctlBinary string

func TestMain(m *testing.M) {
	if os.Getenv("SETROUTER_TEST_POD") != "" { // TestInsidePod needs no programs
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "setrouter-test-")
	if err != nil {
		panic(err)
	}
	programs, err := polaristest.BuildPrograms(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	serverBinary, setctlBinary, consumerBinary = programs.Server, programs.Setctl, programs.Consumer
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// mapping has a caller network for each kind of caller.
const mapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, region: east, zone: shanghai, campus: shanghai-1, set: qb.novel.h}
  - {match: 127.2.0.0/16, region: south, zone: shenzhen, campus: shenzhen-2, set: qb.novel.z}
  - {match: "::1", set: qb.novel.z}
  - {match: 10.21.0.0/16, region: south, zone: shenzhen, campus: shenzhen-2}
  - {match: 10.23.0.0/16, region: east, zone: nanjing, campus: nanjing-4}
`

const routing = `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}}
  - {name: near, service: default/near*, nearby: {}}
addresses:
  - {service: default/lane, target: default/lanes, set: {callee: epp.core.bj}}
  - {service: default/lane-nowhere, target: default/nowhere, set: {callee: epp.core.bj}}
`

// The callers.
var (
	shanghai = netip.MustParseAddr("127.1.0.1")
	shenzhen = netip.MustParseAddr("127.2.0.1")
	stranger = netip.MustParseAddr("127.9.0.1")
	proxy    = netip.MustParseAddr("127.8.0.1")
)

// start starts a server that ends with the test.
func start(t *testing.T, o polaristest.Options) (*polaristest.Server, *polaristest.Console) {
	t.Helper()
	return startBinary(t, serverBinary, o)
}

func startBinary(t *testing.T, binary string, o polaristest.Options) (*polaristest.Server, *polaristest.Console) {
	t.Helper()
	o.Binary = binary
	if o.Files == nil {
		o.Files = map[string]string{}
	}
	for name, content := range map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing} {
		if _, given := o.Files[name]; !given {
			o.Files[name] = content
		}
	}
	server, err := polaristest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the pack's log:\n%s\nfaults: %s", server.Log(), server.Faults())
		}
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	console, err := polaristest.Login(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	return server, console
}

// replacedConfig is the configuration of these tests with one text replaced.
func replacedConfig(t *testing.T, old, new string) string {
	t.Helper()
	config, err := os.ReadFile("../../internal/test/polaristest/polaris-server.yaml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), old) {
		t.Fatalf("the configuration has no %q", old)
	}
	return strings.ReplaceAll(string(config), old, new)
}

// instance has a SET, or none if set is empty.
func instance(service, host, set string) polaristest.Instance {
	i := polaristest.Instance{Namespace: "default", Service: service, Host: host, Port: 80, Weight: 100, Healthy: true}
	if set != "" {
		i.Metadata = map[string]string{"internal-set-name": set}
	}
	return i
}

func register(t *testing.T, c *polaristest.Console, instances ...polaristest.Instance) {
	t.Helper()
	if err := c.Register(t.Context(), instances...); err != nil {
		t.Fatal(err)
	}
}

// registerNovel registers a group for each city, the pool and another business.
func registerNovel(t *testing.T, c *polaristest.Console, service string) {
	t.Helper()
	register(t, c, instance(service, "10.11.0.1", "qb.novel.h"), instance(service, "10.12.0.1", "qb.novel.z"),
		instance(service, "10.13.0.1", "qb.novel.*"), instance(service, "10.14.0.1", "ams.SH.1"))
}

func discover(t *testing.T, s *polaristest.Server, r polaristest.Request) polaristest.Discovered {
	t.Helper()
	if r.Namespace == "" {
		r.Namespace = "default"
	}
	d, err := polaristest.Discover(t.Context(), s.HTTPAddr, r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hosts are those of an answer over HTTP, sorted.
func hosts(d polaristest.Discovered) []string {
	out := []string{}
	for _, i := range d.Instances {
		out = append(out, i.Host)
	}
	slices.Sort(out)
	return out
}

// eventually waits until a caller gets the hosts: the server's caches take a
// second to follow the store.
func eventually(t *testing.T, s *polaristest.Server, r polaristest.Request, want ...string) polaristest.Discovered {
	t.Helper()
	var d polaristest.Discovered
	wait(t, func() error {
		d = discover(t, s, r)
		if got := hosts(d); !slices.Equal(got, want) {
			return fmt.Errorf("%s asks for %s: code %d, hosts %v, want %v", r.Source, r.Service, d.Code, got, want)
		}
		return nil
	})
	return d
}

// wait polls until done returns nil.
func wait(t *testing.T, done func() error) {
	t.Helper()
	polaristest.Wait(t, done)
}

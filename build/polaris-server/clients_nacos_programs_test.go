package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// nacosCommands has what runs the program of each kind, once it was built.
var nacosCommands sync.Map

// nacosKind returns the SDK of a name, in the newest of its versions.
func nacosKind(t *testing.T, name string) polaristest.NacosKind {
	t.Helper()
	var kind polaristest.NacosKind
	for _, k := range polaristest.NacosKinds() {
		if k.Name == name {
			kind = k
		}
	}
	if kind.Name == "" {
		t.Fatalf("no kind %q", name)
	}
	return kind
}

// nacosCommand builds the program of a kind once, and returns what runs it.
func nacosCommand(t *testing.T, kind polaristest.NacosKind) []string {
	t.Helper()
	nacosNeeds(t, kind)
	once, _ := nacosCommands.LoadOrStore(kind.String(), sync.OnceValues(func() ([]string, error) {
		clients, err := filepath.Abs("../../scripts/clients")
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(filepath.Dir(serverBinary), "nacos-"+kind.Language+"-"+kind.Version)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return kind.Build(clients, dir, kind.Version)
	}))
	command, err := once.(func() ([]string, error))()
	switch kind.Language {
	case "java":
		needs.Downloaded(t, needs.RegistryMaven, err)
	case "python":
		needs.Downloaded(t, needs.RegistryPyPI, err)
	case "node":
		needs.Downloaded(t, needs.RegistryNPM, err)
	default:
		if err != nil {
			t.Fatal(err)
		}
	}
	return command
}

// nacosNeeds skips the test for want of what builds and runs the program of a kind.
func nacosNeeds(t *testing.T, kind polaristest.NacosKind) {
	t.Helper()
	switch kind.Language {
	case "java":
		needs.Program(t, "javac", "mvn")
	case "python":
		needs.Program(t, needs.PythonVenv)
	case "node":
		needs.Program(t, "node", "npm")
	}
}

// nacosClient is a running Nacos program. It ends with the test.
type nacosClient struct {
	*polaristest.Nacos
	kind polaristest.NacosKind
}

func startNacos(t *testing.T, kind polaristest.NacosKind, servers ...string) *nacosClient {
	t.Helper()
	var errs bytes.Buffer
	program, err := polaristest.StartNacos(nacosCommand(t, kind), &errs, t.TempDir(), servers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Close()
		if text := errs.Bytes(); t.Failed() && len(text) > 0 {
			t.Logf("%s printed at last:\n%s", kind, text[max(0, len(text)-4000):])
		}
	})
	return &nacosClient{program, kind}
}

// relayNacos starts a relay to a Nacos listener, which ends with the test.
func relayNacos(t *testing.T, source netip.Addr, addr string) *polaristest.NacosRelay {
	t.Helper()
	relay, err := polaristest.NewNacosRelay(source, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	return relay
}

func (c *nacosClient) do(t *testing.T, command string) {
	t.Helper()
	if err := c.Do(command); err != nil {
		t.Fatalf("%s: %v", c.kind, err)
	}
}

// has waits until the first client was pushed the hosts, and has them by a query.
func (c *nacosClient) has(t *testing.T, service string, want []string) {
	t.Helper()
	c.pushed(t, 0, service, want, time.Time{})
	c.queries(t, 0, service, want)
}

// pushed waits until the last that a client was pushed is the hosts, at or after a
// moment, and returns when that was.
func (c *nacosClient) pushed(t *testing.T, client int, service string, want []string, from time.Time) (at time.Time) {
	t.Helper()
	wait(t, func() error {
		if c.Ended() {
			t.Fatalf("%s has ended", c.kind)
		}
		last, count := c.Last(client, "pushed", service)
		if at = last.Time(); count == 0 || !slices.Equal(last.Hosts, want) || at.Before(from.Truncate(time.Millisecond)) {
			return errorf("%s, client %d: %d pushes of %s, last %v at %v, want %v from %v on", c.kind, client, count, service, last.Hosts, at, want, from)
		}
		return nil
	})
	return at
}

// queries waits until a query of a client answers the hosts.
func (c *nacosClient) queries(t *testing.T, client int, service string, want []string) {
	t.Helper()
	_, before := c.Last(client, "query", service)
	c.do(t, "query "+service)
	wait(t, func() error {
		last, count := c.Last(client, "query", service)
		if count == before {
			return errorf("%s, client %d: no answer to a query of %s", c.kind, client, service)
		}
		if last.Error != "" || !slices.Equal(last.Hosts, want) {
			before = count
			c.do(t, "query "+service)
			return errorf("%s, client %d: a query of %s answers %v %s, want %v", c.kind, client, service, last.Hosts, last.Error, want)
		}
		return nil
	})
}

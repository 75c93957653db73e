package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// startEureka starts a server with the Eureka listener too, at the address. The
// stock listener makes its list anew every so many seconds.
func startEureka(t *testing.T, o polaristest.Options, refresh int) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	return startEurekaAt(t, serverBinary, o, refresh, "127.0.0.1")
}

func startEurekaAt(t *testing.T, binary string, o polaristest.Options, refresh int, ip string) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	config, addr := withEureka(polaristest.Config(), ip, refresh)
	o.Config = config
	server, console := startBinary(t, binary, o)
	wait(t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return server, console, addr
}

// withEureka adds the Eureka listener to a configuration, and returns its address.
func withEureka(config, ip string, refresh int) (changed, addr string) {
	port := strconv.Itoa(polaristest.FreePort())
	changed = strings.Replace(config, "  - name: set-admin", `  - name: service-eureka
    option: {listenIP: "`+ip+`", listenPort: `+port+`, namespace: default, refreshInterval: `+strconv.Itoa(refresh)+`, deltaExpireInterval: 60}
    api: {eureka: {enable: true}}
  - name: set-admin`, 1)
	return changed, net.JoinHostPort(strings.Trim(ip, "[]"), port)
}

// fargo is the program of scripts/clients/eureka.
type fargo struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startFargo builds and starts the program.
func startFargo(t *testing.T) *fargo {
	t.Helper()
	in, out := startProgram(t, built(t, fargoBinary))
	return &fargo{in, bufio.NewReader(out)}
}

func (f *fargo) do(t *testing.T, command map[string]any) map[string][]string {
	t.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	reply, err := f.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Error string
		Apps  map[string][]string
	}
	if err := json.Unmarshal(reply, &got); err != nil || got.Error != "" {
		t.Fatalf("%s: %s %v", line, got.Error, err)
	}
	for _, hosts := range got.Apps {
		slices.Sort(hosts)
	}
	return got.Apps
}

// add makes a caller that the server sees at source.
func (f *fargo) add(t *testing.T, name string, source netip.Addr, addr string, json bool) {
	t.Helper()
	relay, err := polaristest.NewRelay(source, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	f.do(t, map[string]any{"add": name, "server": "http://" + relay.Addr + "/eureka", "json": json})
}

// eventually waits until an answer has these hosts of an application.
func (f *fargo) eventually(t *testing.T, command map[string]any, app string, want ...string) {
	t.Helper()
	wait(t, func() error {
		if got := f.do(t, command)[app]; !slices.Equal(got, want) {
			return fmt.Errorf("%v: %s has %v, want %v", command, app, got, want)
		}
		return nil
	})
}

// never is a refresh interval: the stock listener keeps its first list.
const never = 3600

// Real Eureka clients get their SET's instances, with every query, and follow
// changes of instances, rules and mapping at their next poll, also where the
// stock listener does not show the change yet.
func TestEurekaClientsGetTheirLists(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{}, never)
	registerNovel(t, console, "Novel")
	register(t, console, instance("stock", "10.11.0.1", "qb.novel.h"), instance("stock", "10.12.0.1", "qb.novel.z"))
	write(t, server, "conf/routing/routing.yaml", strings.ReplaceAll(routing, "default/novel*", "default/Novel*"))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "Novel"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "stock"}, "10.11.0.1", "10.12.0.1")

	clients := startFargo(t)
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	callers := []struct {
		name string
		at   netip.Addr
		json bool
		want []string
	}{
		{"shanghai", shanghai, false, []string{"10.11.0.1"}},
		{"shenzhen", shenzhen, true, []string{"10.12.0.1"}},
		{"stranger", stranger, false, all},
	}
	for _, c := range callers {
		clients.add(t, c.name, c.at, addr, c.json)
		for _, query := range []map[string]any{
			{"get": c.name, "app": "novel"}, {"apps": c.name}, {"vip": c.name, "app": "NOVEL"},
		} {
			clients.eventually(t, query, "NOVEL", c.want...)
		}
		clients.eventually(t, map[string]any{"apps": c.name}, "STOCK", "10.11.0.1", "10.12.0.1")
	}

	isolate := func(isolated bool) {
		t.Helper()
		if err := console.Isolate(t.Context(), "default", "Novel", "10.11.0.1", isolated); err != nil {
			t.Fatal(err)
		}
	}
	poll := map[string]any{"get": "shanghai", "app": "novel"}
	isolate(true)
	clients.eventually(t, poll, "NOVEL", "10.13.0.1")
	isolate(false)
	clients.eventually(t, poll, "NOVEL", "10.11.0.1")
	register(t, console, instance("Novel", "10.15.0.1", "qb.novel.h"))
	clients.eventually(t, poll, "NOVEL", "10.11.0.1", "10.15.0.1")
	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	clients.eventually(t, poll, "NOVEL", "10.14.0.1")
	write(t, server, "conf/mapping/mapping.yaml", mapping)
	clients.eventually(t, poll, "NOVEL", "10.11.0.1", "10.15.0.1")
	write(t, server, "conf/routing/routing.yaml",
		strings.Replace(strings.ReplaceAll(routing, "default/novel*", "default/Novel*"), "set: {}", "set: {tiers: [pool]}", 1))
	clients.eventually(t, poll, "NOVEL", "10.13.0.1")
	clients.eventually(t, map[string]any{"get": "shenzhen", "app": "novel"}, "NOVEL", "10.13.0.1")
}

// What Eureka clients register and see of each other. This client can register
// as JSON, but does not read as JSON the ports that the stock listener has of
// Eureka instances.
func TestEurekaRegistrationPasses(t *testing.T) {
	server, _, addr := startEureka(t, polaristest.Options{Files: map[string]string{"conf/mapping/callee.yaml": `
version: 1
mappings:
  - {match: 10.31.0.1, set: qb.novel.h}
  - {match: 10.32.0.1, set: qb.novel.z}
`}}, 1)
	clients := startFargo(t)
	clients.add(t, "registers as JSON", shanghai, addr, true)
	clients.add(t, "shanghai", shanghai, addr, false)
	clients.add(t, "shenzhen", shenzhen, addr, false)
	clients.do(t, map[string]any{"register": "registers as JSON", "app": "NOVEL", "host": "10.31.0.1"})
	clients.do(t, map[string]any{"register": "shenzhen", "app": "NOVEL", "host": "10.32.0.1"})
	clients.eventually(t, map[string]any{"get": "shanghai", "app": "NOVEL"}, "NOVEL", "10.31.0.1")
	clients.eventually(t, map[string]any{"get": "shenzhen", "app": "NOVEL"}, "NOVEL", "10.32.0.1")
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "novel"}, "10.32.0.1")
}

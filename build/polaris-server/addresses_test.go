package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Two services' pods behind one NAT address are callers without a SET where the
// mapping says so. Pods of several SETs on one node's address are callers of each.
func TestSharedAddresses(t *testing.T) {
	const nat, node = "127.5.0.1", "127.5.0.2"
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/shared.yaml": "version: 1\nmappings:\n  - {match: " + nat + ", region: east, zone: nanjing, shared: true}\n",
	}})
	registerNovel(t, console, "novel")
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""))
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, all...)
	register(t, console, instance("behind-nat", nat, "qb.novel.h"), instance("on-node-1", node, "qb.novel.h"))
	eventually(t, server, polaristest.Request{Source: netip.MustParseAddr(node), Service: "novel"}, "10.11.0.1") // one SET so far
	register(t, console, instance("on-node-2", node, "qb.novel.z"))
	eventually(t, server, polaristest.Request{Source: netip.MustParseAddr(node), Service: "novel"}, "10.11.0.1", "10.12.0.1")
	register(t, console, instance("behind-nat-2", nat, "qb.novel.z"))
	eventually(t, server, polaristest.Request{Source: netip.MustParseAddr(nat), Service: "novel"}, all...)
	// The location of a shared address still counts.
	eventually(t, server, polaristest.Request{Source: netip.MustParseAddr(nat), Service: "near"}, "10.23.0.1")
	if e := explained(t, server, nat, "novel"); e.Caller.Facts[len(e.Caller.Facts)-1].Field != "shared" {
		t.Errorf("explained %+v", e.Caller)
	}
}

// What a client reports under another host than its peer address is not taken
// for the peer's.
func TestReportOfAnotherHost(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""))
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.21.0.1", "10.23.0.1")
	report(t, server, "client-1", "127.9.0.77", &polaristest.Location{Region: "east", Zone: "nanjing"})
	eventually(t, server, polaristest.Request{Source: netip.MustParseAddr("127.9.0.77"), Service: "near"}, "10.23.0.1")
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.21.0.1", "10.23.0.1")
}

// Pods in network namespaces of their own, with IPv4 and IPv6 addresses, are
// known by those.
func TestPods(t *testing.T) {
	needs.Program(t, "ip")
	needs.Right(t, needs.RightNamespace)
	pods := []pod{
		{"srtest1", "10.77.1.2", "10.77.1.1", "24"},
		{"srtest2", "10.77.2.2", "10.77.2.1", "24"},
		{"srtest3", "fd77::2", "fd77::1", "64"},
	}
	for _, p := range pods {
		p.up(t)
	}
	server, console := start(t, polaristest.Options{ListenIP: "[::]", Files: map[string]string{
		"conf/mapping/pods.yaml": "version: 1\nmappings:\n  - {match: 10.77.1.0/24, set: qb.novel.h}\n  - {match: 10.77.2.0/24, set: qb.novel.z}\n  - {match: \"fd77::/64\", set: \"qb.novel.*\"}\n",
	}})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	_, port, err := net.SplitHostPort(server.HTTPAddr)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"10.11.0.1"}, {"10.12.0.1"}, {"10.11.0.1", "10.12.0.1", "10.13.0.1"}} {
		wait(t, func() error {
			if got := pods[i].discover(t, port); !slices.Equal(got, want) {
				return errorf("the pod at %s got %v, want %v", pods[i].addr, got, want)
			}
			return nil
		})
	}
}

// pod is a network namespace that is routed to this host.
type pod struct{ name, addr, gateway, bits string }

func (p pod) up(t *testing.T) {
	t.Helper()
	link, family, nodad := "v-"+p.name, "-4", []string{}
	if strings.Contains(p.addr, ":") {
		family, nodad = "-6", []string{"nodad"} // else the address is tentative for a while
	}
	p.down()
	t.Cleanup(p.down)
	for _, args := range [][]string{
		{"netns", "add", p.name},
		{"link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", p.name},
		append([]string{"addr", "add", p.gateway + "/" + p.bits, "dev", link}, nodad...),
		{"link", "set", link, "up"},
		append([]string{"-n", p.name, "addr", "add", p.addr + "/" + p.bits, "dev", "eth0"}, nodad...),
		{"-n", p.name, "link", "set", "lo", "up"},
		{"-n", p.name, "link", "set", "eth0", "up"},
		{"-n", p.name, family, "route", "add", "default", "via", p.gateway},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
}

func (p pod) down() {
	_ = exec.Command("ip", "link", "del", "v-"+p.name).Run()
	_ = exec.Command("ip", "netns", "del", p.name).Run()
}

// discover asks from inside the pod, by this test binary.
func (p pod) discover(t *testing.T, port string) []string {
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", p.name, os.Args[0], "-test.run=^TestInsidePod$")
	cmd.Env = append(os.Environ(), "SETROUTER_TEST_POD="+net.JoinHostPort(p.gateway, port))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("in pod %s: %v: %s", p.name, err, out)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	var list []string
	if err := json.Unmarshal([]byte(line), &list); err != nil {
		t.Fatalf("in pod %s: %v: %s", p.name, err, out)
	}
	return list
}

// TestInsidePod is not a test: it is what TestPods runs in a pod.
func TestInsidePod(t *testing.T) {
	addr := os.Getenv("SETROUTER_TEST_POD")
	if addr == "" {
		return
	}
	d, err := polaristest.Discover(t.Context(), addr, polaristest.Request{Namespace: "default", Service: "novel"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(hosts(d))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(text))
}

package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Types that newer SDKs ask for are answered with success and no rules, under
// their own type; others as by the stock server. All on one stream, in order.
func TestDiscoverTypes(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	stream, err := polaristest.Dial(t.Context(), server.GRPCAddr, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for of, want := range map[int32]string{
		100: "200000 100 novel", 101: "200000 101 novel", 102: "200000 102 novel", 103: "200000 103 novel", 104: "200000 104 novel",
		105: "200000 105 novel", 106: "200000 106 novel",
		99: "400004 3 novel", 107: "400004 3 novel", 0: "400004 3 novel",
		1: "200000 1 novel", 3: "200000 3 novel", 4: "200000 4 novel",
	} {
		resp, err := stream.Ask(apiservice.DiscoverRequest_DiscoverRequestType(of), "default", "novel", "")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(resp.Code.GetValue(), " ", int32(resp.Type), " ", resp.Service.GetName().GetValue()); got != want {
			t.Errorf("type %d: %s, want %s", of, got, want)
		}
	}
}

// A listener that is closed by the configuration answers nothing, newer types
// included.
func TestClosedDiscover(t *testing.T) {
	config := replacedConfig(t, "include: [discover, register, healthcheck]}}\n#", "include: [register, healthcheck]}}\n#")
	server, _ := start(t, polaristest.Options{Config: config})
	stream, err := polaristest.Dial(t.Context(), server.GRPCAddr, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for _, of := range []int32{1, 102} {
		resp, err := stream.Ask(apiservice.DiscoverRequest_DiscoverRequestType(of), "default", "novel", "")
		if err != nil || resp.Code.GetValue() != 401002 && resp.Code.GetValue()/1000 != 403 && resp.Code.GetValue()/1000 != 400 {
			t.Errorf("type %d: %v, %v, want to be refused", of, resp, err)
		}
	}
}

// HTTP discovery: several hops, the filter, and the cache of encoded answers.
func TestHTTPDiscover(t *testing.T) {
	server, console := start(t, polaristest.Options{TrustedProxies: []string{proxy.String(), "10.0.0.0/8"}})
	sick := instance("novel", "10.11.0.2", "qb.novel.h")
	sick.Healthy = false
	registerNovel(t, console, "novel")
	register(t, console, sick)
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1", "10.11.0.2")
	ask := func(path, forwarded string, onlyHealthy bool) string {
		header := http.Header{}
		header.Set("X-Forwarded-For", forwarded)
		d := discover(t, server, polaristest.Request{Path: path, Source: proxy, Header: header, Service: "novel", OnlyHealthy: onlyHealthy})
		return strings.Join(hosts(d), " ")
	}
	for range 2 { // the second time from the cache
		for _, tt := range []struct {
			forwarded   string
			onlyHealthy bool
			want        string
		}{
			{"127.1.0.7, 10.0.0.1, 10.0.0.2", false, "10.11.0.1 10.11.0.2"},
			{"127.1.0.7, 10.0.0.1", true, "10.11.0.1"},
			{"127.1.0.7, 127.2.0.7, 10.0.0.2", false, "10.12.0.1"}, // the rightmost that is no proxy
			{"spoofed, 127.2.0.7", true, "10.12.0.1"},
			{"127.9.0.7", true, "10.11.0.1 10.12.0.1 10.13.0.1 10.14.0.1"},
		} {
			for _, path := range []string{"/v1/Discover", "/v1/Discover/"} {
				if got := ask(path, tt.forwarded, tt.onlyHealthy); got != tt.want {
					t.Errorf("%s for %q, only healthy %t: %s, want %s", path, tt.forwarded, tt.onlyHealthy, got, tt.want)
				}
			}
		}
	}
}

// L5 agents get the instances that their host should use.
func TestL5(t *testing.T) {
	config, addr := withL5(polaristest.Config())
	server, console := start(t, polaristest.Options{Config: config})
	registerNovel(t, console, "novel")
	registerNovel(t, console, "stock")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	for name, sid := range map[string]string{"novel": "1001:65537", "stock": "1001:65538"} {
		if err := console.Alias(t.Context(), "default", sid, name); err != nil {
			t.Fatal(err)
		}
		all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
		want := map[netip.Addr][]string{shanghai: {"10.11.0.1"}, shenzhen: {"10.12.0.1"}, stranger: all}
		for caller, list := range want {
			if name == "stock" {
				list = all
			}
			wait(t, func() error {
				if got := l5Hosts(t, addr, caller, sid); !slices.Equal(got, list) {
					return errorf("%s asks for %s: %v, want %v", caller, sid, got, list)
				}
				return nil
			})
		}
	}
}

// withL5 adds the listener for L5 agents to a configuration, and returns its address.
func withL5(config string) (changed, addr string) {
	port := polaristest.FreePort()
	listener := fmt.Sprintf("\napiservers:\n  - name: service-l5\n    option: {listenIP: 127.0.0.1, listenPort: %d, clusterName: cl5.discover}\n", port)
	changed = strings.NewReplacer("\napiservers:\n", listener, "naming:\n", "naming:\n  l5Open: true\n").Replace(config)
	return changed, fmt.Sprintf("127.0.0.1:%d", port)
}

// l5Hosts asks as an L5 agent.
func l5Hosts(t *testing.T, addr string, agent netip.Addr, sid string) []string {
	t.Helper()
	list, err := polaristest.AskL5(t.Context(), addr, agent, sid)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, i := range list {
		out = append(out, i.Addr().String())
	}
	slices.Sort(out)
	return out
}

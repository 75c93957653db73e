package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const (
	success  = 200000
	noChange = 200001
	notFound = 400202
)

// Every way that is routed gives a caller its list: HTTP with either spelling
// of the path, and gRPC, with encoded answers cached by both listeners.
func TestCallersGetTheirLists(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, instance("stock", "10.11.0.1", "qb.novel.h"), instance("stock", "10.12.0.1", "qb.novel.z"))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "stock"}, "10.11.0.1", "10.12.0.1")

	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	tests := []struct {
		caller netip.Addr
		want   []string
	}{{shanghai, []string{"10.11.0.1"}}, {shenzhen, []string{"10.12.0.1"}}, {stranger, all}, {shanghai, []string{"10.11.0.1"}}}
	for _, tt := range tests {
		revisions := map[string]bool{}
		for _, path := range []string{"/v1/Discover", "/v1/Discover/"} {
			d := discover(t, server, polaristest.Request{Path: path, Source: tt.caller, Service: "novel"})
			if !slices.Equal(hosts(d), tt.want) {
				t.Errorf("%s over %s: %v, want %v", tt.caller, path, hosts(d), tt.want)
			}
			revisions[d.Service.Revision] = true
		}
		resp := ask(t, server, tt.caller, "novel", "")
		if got := grpcHosts(resp); !slices.Equal(got, tt.want) {
			t.Errorf("%s over gRPC: %v, want %v", tt.caller, got, tt.want)
		}
		revisions[resp.Service.Revision.GetValue()] = true
		if len(revisions) != 1 {
			t.Errorf("%s has revisions %v, want one", tt.caller, revisions)
		}
	}
	// A spelling that is the stock handler's, which does not tell who asks.
	for _, path := range []string{"/v1/Discover%2F", "/v1/Discover%2f%2F"} {
		d := discover(t, server, polaristest.Request{Path: path, Source: shanghai, Service: "novel"})
		if d.Code != 500000 || len(d.Instances) > 0 {
			t.Errorf("over %s: code %d and %v, want no list", path, d.Code, hosts(d))
		}
	}
}

// ask asks once over gRPC.
func ask(t *testing.T, s *polaristest.Server, source netip.Addr, service, revision string, metadata ...string) *apiservice.DiscoverResponse {
	t.Helper()
	return askAt(t, s.GRPCAddr, source, service, revision, metadata...)
}

func askAt(t *testing.T, addr string, source netip.Addr, service, revision string, metadata ...string) *apiservice.DiscoverResponse {
	t.Helper()
	return askIn(t, addr, source, "default", service, revision, metadata...)
}

func askIn(t *testing.T, addr string, source netip.Addr, namespace, service, revision string, metadata ...string) *apiservice.DiscoverResponse {
	t.Helper()
	stream, err := polaristest.Dial(t.Context(), addr, source, metadata...)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	resp, err := stream.Instances(namespace, service, revision)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func grpcHosts(resp *apiservice.DiscoverResponse) []string {
	out := []string{}
	for _, i := range resp.Instances {
		out = append(out, i.GetHost().GetValue())
	}
	slices.Sort(out)
	return out
}

// A client that has its list is told so until its own list changes: what
// happens in other SETs does not reach it, a rule or mapping that changes does,
// though no instance changed.
func TestRevisionFollowsTheView(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	first := eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1").Service.Revision
	other := eventually(t, server, polaristest.Request{Source: shenzhen, Service: "novel"}, "10.12.0.1").Service.Revision
	if first == other {
		t.Fatal("two lists have one revision")
	}
	unchanged := func(when string) {
		t.Helper()
		if resp := ask(t, server, shanghai, "novel", first); resp.Code.GetValue() != noChange || len(resp.Instances) > 0 {
			t.Errorf("%s: code %d and %d instances, want no change", when, resp.Code.GetValue(), len(resp.Instances))
		}
	}
	unchanged("at once")

	if err := console.Isolate(t.Context(), "default", "novel", "10.12.0.1", true); err != nil {
		t.Fatal(err)
	}
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "novel"}, "10.13.0.1")
	unchanged("after a change in another SET")

	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.14.0.1")
	write(t, server, "conf/mapping/mapping.yaml", mapping)
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	unchanged("after a mapping and back: equal content, equal revision")

	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1))
	wait(t, func() error {
		resp := ask(t, server, shanghai, "novel", first)
		if got := grpcHosts(resp); !slices.Equal(got, []string{"10.13.0.1"}) {
			return errorf("a new rule: code %d, hosts %v", resp.Code.GetValue(), got)
		}
		return nil
	})

	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {}, rollout: {percent: 0}", 1))
	stock := eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1")
	if strings.HasPrefix(stock.Service.Revision, "setrouter-") {
		t.Errorf("the stock answer has revision %s", stock.Service.Revision)
	}
}

func write(t *testing.T, s *polaristest.Server, name, content string) {
	t.Helper()
	if err := s.WriteFile(name, content); err != nil {
		t.Fatal(err)
	}
}

// Equal content has an equal revision after a restart.
func TestRevisionOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	first, console := start(t, polaristest.Options{Dir: dir})
	registerNovel(t, console, "novel")
	want := eventually(t, first, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1").Service.Revision
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second, _ := start(t, polaristest.Options{Dir: dir})
	if resp := ask(t, second, shanghai, "novel", want); resp.Code.GetValue() != noChange {
		t.Errorf("code %d with revision %s, was %s, want no change", resp.Code.GetValue(), resp.GetService().GetRevision().GetValue(), want)
	}
}

// A routed list carries what was resolved, and the truth about health.
func TestAnswerContent(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/mapping/callee.yaml": `
version: 1
mappings:
  - {match: 10.31.0.1, set: qb.novel.h, region: east, zone: nanjing}
`}})
	mapped := instance("novel-a", "10.31.0.1", "")
	mapped.Location = &polaristest.Location{Region: "south", Zone: "wrong", Campus: "wrong-1"}
	sick := instance("novel-a", "10.11.0.1", "qb.novel.h")
	sick.Healthy, sick.Weight = false, 0
	register(t, console, mapped, sick, instance("novel-a", "10.12.0.1", "qb.novel.z"))
	d := eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel-a"}, "10.11.0.1", "10.31.0.1")
	for _, i := range d.Instances {
		switch i.Host {
		case "10.31.0.1":
			if *i.Location != (polaristest.Location{Region: "east", Zone: "nanjing"}) {
				t.Errorf("location %+v is not the mapping's", *i.Location)
			}
			if i.Metadata["internal-set-name"] != "qb.novel.h" || i.Metadata["internal-enable-set"] != "Y" {
				t.Errorf("metadata %v does not carry the SET", i.Metadata)
			}
		case "10.11.0.1":
			if i.Healthy || i.Weight != 0 {
				t.Errorf("healthy %t and weight %d were altered", i.Healthy, i.Weight)
			}
		}
	}
	only := discover(t, server, polaristest.Request{Source: shanghai, Service: "novel-a", OnlyHealthy: true})
	if !slices.Equal(hosts(only), []string{"10.31.0.1"}) || only.Service.Revision == d.Service.Revision {
		t.Errorf("only healthy ones: %v with revision %s, the full list has %s", hosts(only), only.Service.Revision, d.Service.Revision)
	}
}

func TestLaneAddress(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	register(t, console, instance("lanes", "10.31.0.1", "epp.core.bj"), instance("lanes", "10.32.0.1", "epp.query.bj"))
	d := eventually(t, server, polaristest.Request{Source: stranger, Service: "lane"}, "10.31.0.1")
	if d.Service.Name != "lane" || d.Instances[0].Service != "lane" {
		t.Errorf("answered as %q with an instance of %q, want the name asked for", d.Service.Name, d.Instances[0].Service)
	}
	resp := ask(t, server, stranger, "lane-nowhere", "")
	if resp.Code.GetValue() != notFound || resp.Service.GetName().GetValue() != "lane-nowhere" {
		t.Errorf("an address without a target service: code %d for %q", resp.Code.GetValue(), resp.Service.GetName().GetValue())
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {callee: epp.core.bj}", "set: {callee: epp.core.bj}, rollout: {percent: 0}", 1))
	eventually(t, server, polaristest.Request{Source: stranger, Service: "lane"}, "10.31.0.1", "10.32.0.1")
}

func TestAliasIsNoWayAroundARule(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	if err := console.Alias(t.Context(), "default", "another-name", "novel"); err != nil {
		t.Fatal(err)
	}
	d := eventually(t, server, polaristest.Request{Source: shanghai, Service: "another-name"}, "10.11.0.1")
	if d.Service.Name != "another-name" {
		t.Errorf("answered as %q", d.Service.Name)
	}
}

// An empty list is a success with a revision of its own.
func TestEmptyList(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	register(t, console, instance("novel-e", "10.14.0.1", "ams.SH.1"))
	d := eventually(t, server, polaristest.Request{Source: stranger, Service: "novel-e"}, "10.14.0.1")
	empty := discover(t, server, polaristest.Request{Source: shanghai, Service: "novel-e"})
	if empty.Code != success || len(empty.Instances) != 0 || empty.Service.Revision == d.Service.Revision {
		t.Errorf("code %d, %v, revision %s", empty.Code, hosts(empty), empty.Service.Revision)
	}
}

// With auth on for clients a caller without a valid token learns nothing,
// however its list is kept ready for others.
func TestAuth(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: replacedConfig(t, "clientOpen: false", "clientOpen: true, clientStrict: true")})
	registerNovel(t, console, "novel")
	register(t, console, instance("lanes", "10.31.0.1", "epp.core.bj"))
	token := console.Token()
	for service, want := range map[string]string{"novel": "10.11.0.1", "lane": "10.31.0.1"} {
		wait(t, func() error {
			resp := ask(t, server, shanghai, service, "", "x-polaris-token", token)
			if got := grpcHosts(resp); !slices.Equal(got, []string{want}) {
				return errorf("with a token: code %d, %v, want %s", resp.Code.GetValue(), got, want)
			}
			return nil
		})
		for _, header := range [][]string{nil, {"x-polaris-token", "nonsense"}} {
			resp := ask(t, server, shanghai, service, "", header...)
			if code := resp.Code.GetValue(); code/1000 != 401 && code/1000 != 403 || len(resp.Instances) > 0 || resp.Service.GetRevision() != nil {
				t.Errorf("%s with %q: code %d, %v, want to be refused", service, header, code, resp)
			}
		}
	}
}

func TestIPv6Caller(t *testing.T) {
	server, console := start(t, polaristest.Options{ListenIP: "[::]"})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1") // as ::ffff:127.1.0.1
	six := func(addr string) string { return strings.Replace(addr, "127.0.0.1", "[::1]", 1) }
	if got := grpcHosts(askAt(t, six(server.GRPCAddr), netip.Addr{}, "novel", "")); !slices.Equal(got, []string{"10.12.0.1"}) {
		t.Errorf("gRPC from ::1: %v", got)
	}
	d, err := polaristest.Discover(t.Context(), six(server.HTTPAddr), polaristest.Request{Namespace: "default", Service: "novel"})
	if err != nil || !slices.Equal(hosts(d), []string{"10.12.0.1"}) {
		t.Errorf("HTTP from ::1: %v, %v", hosts(d), err)
	}
}

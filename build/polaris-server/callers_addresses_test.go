package main

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The outputs of docs/callers-addresses.md are those of callers that come by each way.
func TestCallersAddressesPage(t *testing.T) {
	config := strings.Replace(polaristest.Config(), "  - name: service-grpc\n    option: {", "  - name: service-grpc\n    option: {proxyProtocol: true, ", 1)
	server, console := start(t, polaristest.Options{Config: config, TrustedProxies: []string{proxy.String(), "127.8.0.3"}, Files: map[string]string{
		"conf/mapping/mapping.yaml": pageBlock(t, "docs/callers-addresses.md", "yaml mapping"),
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel, set: {}}\n",
	}})
	registerNovel(t, console, "novel")
	register(t, console, instance("on-host-1", "127.5.0.2", "qb.novel.h"), instance("on-host-2", "127.5.0.2", "qb.novel.z"))
	wait(t, func() error {
		if code, out := setctl(t, server, "explain", "--caller", "127.5.0.2", "--service", "default/novel"); code != 0 || !strings.Contains(out, "2 of 4") {
			return errorf("%s", out)
		}
		return nil
	})
	askByEachWay(t, server)
	runPage(t, "docs/callers-addresses.md", map[string]func(string) string{
		"console addresses": func(block string) string { return runBlock(t, server, block) },
	})
}

// askByEachWay asks once as each caller of the page, in the page's order.
func askByEachWay(t *testing.T, server *polaristest.Server) {
	t.Helper()
	http := func(source, forwarded string) {
		header := http.Header{}
		if forwarded != "" {
			header.Set("X-Forwarded-For", forwarded)
		}
		discover(t, server, polaristest.Request{Source: netip.MustParseAddr(source), Service: "novel", Header: header})
	}
	askAt(t, server.GRPCAddr, netip.MustParseAddr("127.1.0.7"), "novel", "")
	b := startBalancer(t, server, server.GRPCAddr, haproxy(t, "send-proxy-v2"))
	askAt(t, b.grpc, netip.MustParseAddr("127.1.0.8"), "novel", "")
	plain, err := polaristest.NewRelay(netip.MustParseAddr("127.8.0.2"), server.GRPCAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	askAt(t, plain.Addr, netip.MustParseAddr("127.1.0.9"), "novel", "")
	http("127.8.0.3", "127.1.0.10")
	http("127.8.0.4", "127.1.0.11")
	http("127.5.0.2", "")
	http("127.5.0.1", "")
}

// pageBlock returns the first fenced block of a kind on a page.
func pageBlock(t *testing.T, page, kind string) string {
	t.Helper()
	_, rest, ok := strings.Cut(repoFile(t, page), "\n```"+kind+"\n")
	block, _, end := strings.Cut(rest, "\n```")
	if !ok || !end {
		t.Fatalf("%s has no block %q", page, kind)
	}
	return block + "\n"
}

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// noList is how a caller that cannot be told is answered.
const noList = "500000 []"

// everything are the hosts of registerNovel.
const everything = "200000 [10.11.0.1 10.12.0.1 10.13.0.1 10.14.0.1]"

// Of a trusted proxy one header is believed. A proxy that says nothing of use gets no
// list of a service that a rule is for: neither its own nor that of another.
func TestForwardedCallers(t *testing.T) {
	for header, tests := range map[string][]struct {
		name   string
		peer   netip.Addr
		header []string
		want   string
	}{
		"x-forwarded-for": {
			{"a header from a proxy", proxy, []string{"x-forwarded-for", "127.2.0.1"}, "200000 [10.12.0.1]"},
			{"the rightmost that is no proxy", proxy, []string{"x-forwarded-for", "127.2.0.1, 127.1.0.5, 127.8.0.1"}, "200000 [10.11.0.1]"},
			{"several lines", proxy, []string{"x-forwarded-for", "127.2.0.1", "x-forwarded-for", "127.1.0.5"}, "200000 [10.11.0.1]"},
			{"both headers", proxy, []string{"x-forwarded-for", "127.2.0.1", "x-real-ip", "127.1.0.5"}, "200000 [10.12.0.1]"},
			{"only the other header", proxy, []string{"x-real-ip", "127.2.0.1"}, noList},
			{"an empty header", proxy, []string{"x-forwarded-for", ""}, noList},
			{"unknown", proxy, []string{"x-forwarded-for", "unknown"}, noList},
			{"what cannot be read", proxy, []string{"x-forwarded-for", "127.2.0.1, _hidden"}, noList},
			{"a proxy for itself", proxy, nil, everything},
			{"a header from anyone else changes nothing", shanghai, []string{"x-forwarded-for", "127.2.0.1"}, "200000 [10.11.0.1]"},
			{"an empty one from anyone else", shanghai, []string{"x-forwarded-for", "", "x-real-ip", "unknown"}, "200000 [10.11.0.1]"},
		},
		"x-real-ip": {
			{"a header from a proxy", proxy, []string{"x-real-ip", "127.2.0.1"}, "200000 [10.12.0.1]"},
			{"both headers", proxy, []string{"x-forwarded-for", "127.2.0.1", "x-real-ip", "127.1.0.5"}, "200000 [10.11.0.1]"},
			{"only the other header", proxy, []string{"x-forwarded-for", "127.2.0.1"}, noList},
			{"an empty header", proxy, []string{"x-forwarded-for", "127.2.0.1", "x-real-ip", ""}, noList},
			{"unknown", proxy, []string{"x-real-ip", "unknown"}, noList},
			{"a proxy for itself", proxy, nil, everything},
		},
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			server, console, eureka := startEureka(t, polaristest.Options{TrustedProxies: []string{proxy.String()}, ForwardedHeader: header}, 1)
			registerNovel(t, console, "novel")
			register(t, console, instance("free", "10.15.0.1", "qb.novel.h"))
			eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
			eventually(t, server, polaristest.Request{Source: shanghai, Service: "free"}, "10.15.0.1")
			for _, tt := range tests {
				resp := ask(t, server, tt.peer, "novel", "", tt.header...)
				if got := fmt.Sprint(resp.Code.GetValue(), " ", grpcHosts(resp)); got != tt.want {
					t.Errorf("%s, gRPC: %s, want %s", tt.name, got, tt.want)
				}
				header := http.Header{}
				for pair := range slices.Chunk(tt.header, 2) {
					header.Add(pair[0], pair[1])
				}
				d := discover(t, server, polaristest.Request{Source: tt.peer, Header: header, Service: "novel"})
				if got := fmt.Sprint(d.Code, " ", hosts(d)); got != tt.want {
					t.Errorf("%s, HTTP: %s, want %s", tt.name, got, tt.want)
				}
				d = discover(t, server, polaristest.Request{Source: tt.peer, Header: header, Service: "free"})
				if got := fmt.Sprint(d.Code, " ", hosts(d)); got != "200000 [10.15.0.1]" {
					t.Errorf("%s, a service without a rule: %s", tt.name, got)
				}
				for _, path := range []string{"", "/delta", "/novel"} {
					r := askerAt(t, tt.peer).ask("GET", "http://"+eureka+"/eureka/apps"+path, tt.header...)
					if refused := r.status == http.StatusServiceUnavailable; refused != (tt.want == noList) || refused && len(r.hosts()) > 0 {
						t.Errorf("%s, Eureka %q: %d %s, want as %s", tt.name, path, r.status, r.body, tt.want)
					}
				}
			}
			showsUntold(t, server)
		})
	}
}

// showsUntold looks for the callers that cannot be told in what operators see.
func showsUntold(t *testing.T, server *polaristest.Server) {
	t.Helper()
	const words = "cannot be told"
	for _, args := range [][]string{{"status"}, {"explain", "--caller", proxy.String(), "--service", "default/novel"}} {
		if code, out := setctl(t, server, args...); code != 0 || !strings.Contains(out, words) || !strings.Contains(out, "expected addresses") {
			t.Errorf("setctl %s: %d\n%s", args[0], code, out)
		}
	}
	metrics := askerAt(t, netip.Addr{}).ask("GET", "http://"+server.HTTPAddr+"/metrics").body
	for _, reason := range []string{"empty", "unreadable", "other-header"} {
		if !strings.Contains(metrics, `setrouter_untold_requests_total{reason="`+reason+`"}`) {
			t.Errorf("no metric of %s", reason)
		}
	}
	if lines := strings.Count(server.Log(), "callers cannot be told"); lines < 3 || lines > 4 {
		t.Errorf("%d lines in the log, want one for each reason", lines)
	}
}

// realIPProxy starts a proxy as of nginx with `proxy_set_header X-Real-IP $remote_addr`
// alone: what its clients send as X-Forwarded-For passes.
func realIPProxy(t *testing.T, target string) (addr string) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: proxy.AsSlice()}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	front := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", target
		peer := netip.MustParseAddrPort(r.In.RemoteAddr)
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.Out.Header.Set("X-Real-Ip", peer.Addr().String())
	}})
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// Behind a proxy that sets X-Real-IP alone, a client that sends X-Forwarded-For itself
// gets its own list with `forwardedHeader: x-real-ip`.
func TestBehindRealIPProxy(t *testing.T) {
	server, console := start(t, polaristest.Options{TrustedProxies: []string{proxy.String()}, ForwardedHeader: "x-real-ip"})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	addr := realIPProxy(t, server.HTTPAddr)
	for source, want := range map[netip.Addr]string{shanghai: "[10.11.0.1]", shenzhen: "[10.12.0.1]"} {
		for _, spoofed := range []string{"", "127.1.0.1", "127.2.0.1", "unknown", proxy.String()} {
			header := http.Header{}
			if spoofed != "" {
				header.Set("X-Forwarded-For", spoofed)
			}
			header.Set("X-Real-IP", spoofed)
			d, err := polaristest.Discover(t.Context(), addr, polaristest.Request{Source: source, Header: header, Namespace: "default", Service: "novel"})
			if got := fmt.Sprint(hosts(d)); err != nil || got != want {
				t.Errorf("%s that says it is %q: %v %s, want %s", source, spoofed, err, got, want)
			}
		}
	}
}

// trustedProxies that hold callers of the mapping, or nearly everything, are warned of at
// the start and in the status.
func TestWideProxiesAreWarnedOf(t *testing.T) {
	server, _ := start(t, polaristest.Options{TrustedProxies: []string{"127.1.0.0/16", "0.0.0.0/1"}})
	const holds, wide = `trustedProxies "127.1.0.0/16" holds what 1 entry of the mapping is for`, `trustedProxies hold 50% of all IPv4 addresses, most of them by "0.0.0.0/1"`
	_, out := setctl(t, server, "status")
	log := server.Log()
	for _, text := range []string{holds, wide} {
		if !strings.Contains(out, text) {
			t.Errorf("the status lacks %s\n%s", text, out)
		}
		if !strings.Contains(log, text) {
			t.Errorf("the log lacks %s", text)
		}
	}
}

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// behindBalancers starts a server whose three listeners of clients read PROXY headers of
// proxy, and registers the service novel.
func behindBalancers(t *testing.T, change func(config string) string) (server *polaristest.Server, eureka string) {
	t.Helper()
	config, eureka := withEureka(polaristest.Config(), "127.0.0.1", 1)
	for _, listener := range []string{"api-http", "service-grpc", "service-eureka"} {
		config = strings.Replace(config, "  - name: "+listener+"\n    option: {", "  - name: "+listener+"\n    option: {proxyProtocol: true, ", 1)
	}
	server, console := start(t, polaristest.Options{Config: change(config), TrustedProxies: []string{proxy.String()}})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	wait(t, func() error { // the Eureka listener begins a moment later
		conn, err := net.Dial("tcp", eureka)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return server, eureka
}

// balancer is a real balancer in front of a server, which connects from proxy.
type balancer struct{ http, grpc, eureka string } // addresses of its listeners

// startBalancer starts a program, with a configuration that has a listener for each of the
// three of a server. It waits until the program listens.
func startBalancer(t *testing.T, server *polaristest.Server, eureka string, command func(listeners [][2]string) *exec.Cmd) balancer {
	t.Helper()
	var fronts []string
	var listeners [][2]string
	for _, target := range []string{server.HTTPAddr, server.GRPCAddr, eureka} {
		fronts = append(fronts, net.JoinHostPort("127.0.0.1", strconv.Itoa(polaristest.FreePort())))
		listeners = append(listeners, [2]string{fronts[len(fronts)-1], target})
	}
	program := command(listeners)
	output := &strings.Builder{}
	program.Stdout, program.Stderr = output, output
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
		if t.Failed() {
			t.Log(output)
		}
	})
	for _, front := range fronts {
		wait(t, func() error {
			conn, err := net.Dial("tcp", front)
			if err == nil {
				_ = conn.Close()
			}
			return err
		})
	}
	return balancer{fronts[0], fronts[1], fronts[2]}
}

// haproxy returns a command that runs HAProxy, which sends headers of a version.
func haproxy(t *testing.T, send string) func(listeners [][2]string) *exec.Cmd {
	needs.Program(t, "haproxy")
	return func(listeners [][2]string) *exec.Cmd {
		config := "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
		for n, l := range listeners {
			config += fmt.Sprintf("listen l%d\n  bind %s\n  server s %s source %s %s\n", n, l[0], l[1], proxy, send)
		}
		name := filepath.Join(t.TempDir(), "haproxy.cfg")
		if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), "haproxy", "-db", "-f", name)
	}
}

// nginx returns a command that runs nginx, whose stream module sends headers of version 1.
func nginx(t *testing.T) func(listeners [][2]string) *exec.Cmd {
	needs.Program(t, "nginx", needs.NginxStream)
	return func(listeners [][2]string) *exec.Cmd {
		dir := t.TempDir()
		config := "load_module " + needs.NginxStream + ";\ndaemon off;\nmaster_process off;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nstream {\n"
		for _, l := range listeners {
			config += fmt.Sprintf("  server { listen %s; proxy_pass %s; proxy_bind %s; proxy_protocol on; }\n", l[0], l[1], proxy)
		}
		name := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(name, []byte(config+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), "nginx", "-p", dir, "-c", name)
	}
}

// Behind a real balancer that sends PROXY headers each caller gets its own list, over
// each protocol. A forwarded header from a caller behind the balancer changes nothing.
func TestBehindBalancers(t *testing.T) {
	server, eureka := behindBalancers(t, func(config string) string { return config })
	for name, command := range map[string]func(t *testing.T) func([][2]string) *exec.Cmd{
		"HAProxy, version 1": func(t *testing.T) func([][2]string) *exec.Cmd { return haproxy(t, "send-proxy") },
		"HAProxy, version 2": func(t *testing.T) func([][2]string) *exec.Cmd { return haproxy(t, "send-proxy-v2") },
		"nginx, version 1":   nginx,
	} {
		t.Run(name, func(t *testing.T) {
			b := startBalancer(t, server, eureka, command(t))
			for source, want := range map[netip.Addr]string{shanghai: "[10.11.0.1]", shenzhen: "[10.12.0.1]"} {
				for _, header := range [][]string{nil, {"x-forwarded-for", "127.1.0.5"}} {
					if got := fmt.Sprint(grpcHosts(askAt(t, b.grpc, source, "novel", "", header...))); got != want {
						t.Errorf("gRPC, %s %q: %s, want %s", source, header, got, want)
					}
					request := polaristest.Request{Source: source, Namespace: "default", Service: "novel", Header: http.Header{}}
					for n := 0; n < len(header); n += 2 {
						request.Header.Set(header[n], header[n+1])
					}
					if d, err := polaristest.Discover(t.Context(), b.http, request); err != nil || fmt.Sprint(hosts(d)) != want {
						t.Errorf("HTTP, %s %q: %v %v, want %s", source, header, err, hosts(d), want)
					}
					if r := askerAt(t, source).ask("GET", "http://"+b.eureka+"/eureka/apps/novel", header...); fmt.Sprint(r.hosts()) != want {
						t.Errorf("Eureka, %s %q: %d %v, want %s", source, header, r.status, r.hosts(), want)
					}
				}
			}
		})
	}
}

// A proxy that speaks for itself gets no list, one without a header is closed, and whoever
// is not trusted is its own caller: a PROXY header from there is no header.
func TestPROXYHeaders(t *testing.T) {
	server, eureka := behindBalancers(t, func(config string) string { return config })
	const ask = "POST /v1/Discover HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 64\r\nConnection: close\r\n\r\n" +
		`{"type":1,"service":{"namespace":"default","name":"novel"}}     `
	const apps = "GET /eureka/apps/novel HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name   string
		source netip.Addr
		header string
		want   [2]string // begins of the answers of api-http and service-eureka
		host   string    // in both answers, if in any
	}{
		{"a caller in a header", proxy, "PROXY TCP4 127.1.0.5 127.0.0.1 700 8090\r\n", [2]string{"HTTP/1.1 200", "HTTP/1.1 200"}, "10.11.0.1"},
		{"the proxy for itself", proxy, "PROXY UNKNOWN\r\n", [2]string{"HTTP/1.1 500", "HTTP/1.1 503"}, ""},
		{"no header", proxy, "", [2]string{}, ""},
		{"a header of anyone else", shanghai, "PROXY TCP4 127.2.0.1 127.0.0.1 700 8090\r\n", [2]string{"HTTP/1.1 400", "HTTP/1.1 400"}, ""},
		{"anyone else", shanghai, "", [2]string{"HTTP/1.1 200", "HTTP/1.1 200"}, "10.11.0.1"},
	} {
		for n, target := range []string{server.HTTPAddr, eureka} {
			got := exchange(t, c.source, target, c.header+[]string{ask, apps}[n])
			if !strings.HasPrefix(got, c.want[n]) || c.want[n] == "" && got != "" {
				t.Errorf("%s at %s: %q, want %q", c.name, target, got, c.want[n])
			}
			if strings.Contains(got, "10.1") != (c.host != "") || !strings.Contains(got, c.host) {
				t.Errorf("%s at %s: %q, want host %q", c.name, target, got, c.host)
			}
		}
	}
	for _, source := range []netip.Addr{proxy, shanghai} { // gRPC clients that send no header
		stream, err := polaristest.Dial(t.Context(), server.GRPCAddr, source)
		if err == nil {
			_, err = stream.Instances("default", "novel", "")
			_ = stream.Close()
		}
		if (err != nil) != (source == proxy) {
			t.Errorf("gRPC without a header from %s: %v", source, err)
		}
	}
	metrics := askerAt(t, netip.Addr{}).ask("GET", "http://"+server.HTTPAddr+"/metrics").body
	for _, line := range []string{`setrouter_proxy_headers_refused_total{reason="missing"}`, `setrouter_untold_requests_total{reason="proxy-local"} 2`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no metric %s", line)
		}
	}
	if code, out := setctl(t, server, "status"); !strings.Contains(out, "LOCAL or UNKNOWN") {
		t.Errorf("setctl status: %d\n%s", code, out)
	}
}

// exchange sends a text from an address, and returns what comes until the other side ends.
func exchange(t *testing.T, source netip.Addr, target, text string) string {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}).Dial("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text)
	got, _ := io.ReadAll(conn) // ends with an error where a refused text was not read
	return string(got)
}

// The limit of connections counts the callers behind a balancer, and not the balancer.
func TestLimitsBehindBalancers(t *testing.T) {
	server, eureka := behindBalancers(t, func(config string) string {
		const limit = "connLimit: {openConnLimit: true, maxConnPerHost: 2, maxConnLimit: 1000, purgeCounterInterval: 10s, purgeCounterExpire: 5s}, "
		return strings.Replace(config, "option: {proxyProtocol: true, listenIP: \"{{.IP}}\", listenPort: {{.GRPC}}", "option: {proxyProtocol: true, "+limit+"listenIP: \"{{.IP}}\", listenPort: {{.GRPC}}", 1)
	})
	b := startBalancer(t, server, eureka, haproxy(t, "send-proxy-v2"))
	for n := range 4 { // each of another address: together more than the limit of one host
		source := netip.AddrFrom4([4]byte{127, 1, 0, byte(10 + n)})
		for range 2 {
			stream, err := polaristest.Dial(t.Context(), b.grpc, source)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = stream.Close() })
			if resp, err := stream.Instances("default", "novel", ""); err != nil || fmt.Sprint(grpcHosts(resp)) != "[10.11.0.1]" {
				t.Fatalf("%s: %v %v", source, resp, err)
			}
		}
	}
	stream, err := polaristest.Dial(t.Context(), b.grpc, netip.MustParseAddr("127.1.0.10"))
	if err == nil {
		_, err = stream.Instances("default", "novel", "")
		_ = stream.Close()
	}
	if err == nil {
		t.Error("a third connection of one caller is taken, beyond maxConnPerHost")
	}
}

// The rate limit and its white list are about the callers behind a balancer, and not about
// the balancer: who asks often is refused, others are not, and whoever is on the list never.
func TestRateLimitsBehindBalancers(t *testing.T) {
	server, eureka := behindBalancers(t, func(config string) string {
		const limit = "{enable: true, ip-limit: {open: true, global: {open: true, bucket: 5, rate: 1}, resource-cache-amount: 100, white-list: [127.0.0.1, 127.1.0.1]}}"
		return strings.Replace(config, "token-bucket, option: {enable: false}", "token-bucket, option: "+limit, 1)
	})
	b := startBalancer(t, server, eureka, haproxy(t, "send-proxy-v2"))
	for n, protocol := range []struct {
		name, refused string
		ask           func(source netip.Addr) string // the host that the caller gets, or why it gets none
	}{
		{"gRPC", "429002 []", func(source netip.Addr) string {
			resp := askAt(t, b.grpc, source, "novel", "")
			return fmt.Sprint(resp.GetCode().GetValue(), grpcHosts(resp))
		}},
		{"HTTP", "429002 [] <nil>", func(source netip.Addr) string {
			d, err := polaristest.Discover(t.Context(), b.http, polaristest.Request{Source: source, Namespace: "default", Service: "novel"})
			return fmt.Sprint(d.Code, hosts(d), err)
		}},
		{"Eureka", "429 []", func(source netip.Addr) string {
			r := askerAt(t, source).ask("GET", "http://"+b.eureka+"/eureka/apps/novel")
			return fmt.Sprint(r.status, r.hosts())
		}},
	} {
		t.Run(protocol.name, func(t *testing.T) {
			many, few := netip.AddrFrom4([4]byte{127, 1, 1, byte(10 * n)}), netip.AddrFrom4([4]byte{127, 1, 1, byte(10*n + 1)})
			refused := ""
			wait(t, func() error {
				if refused = protocol.ask(many); strings.Contains(refused, "[10.11.0.1]") {
					return errorf("a caller that asks often: %s", refused)
				}
				return nil
			})
			if refused != protocol.refused {
				t.Errorf("a caller that asks often: %s, want %s", refused, protocol.refused)
			}
			if got := protocol.ask(few); !strings.Contains(got, "[10.11.0.1]") {
				t.Errorf("another caller: %s", got)
			}
			for range 20 {
				if got := protocol.ask(shanghai); !strings.Contains(got, "[10.11.0.1]") {
					t.Fatalf("a caller on the white list: %s", got)
				}
			}
		})
	}
}

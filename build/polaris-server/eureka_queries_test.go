package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// reply is what a listener answered, with what changes from one answer to the
// next left out.
type reply struct {
	status int
	header http.Header
	body   string
}

var listed = regexp.MustCompile(`10\.\d+\.0\.1`)

// hosts are those in the body, each once.
func (r reply) hosts() []string {
	out := listed.FindAllString(r.body, -1)
	slices.Sort(out)
	return slices.Compact(out)
}

// asker asks a listener from a source address, over connections that it keeps.
type asker struct {
	t      *testing.T
	client http.Client
}

func askerAt(t *testing.T, source netip.Addr) *asker {
	transport := &http.Transport{DisableCompression: true}
	if source.IsValid() {
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}).DialContext
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &asker{t, http.Client{Transport: transport}}
}

func (a *asker) ask(method, url string, header ...string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	resp.Header.Del("Date")
	return reply{resp.StatusCode, resp.Header, string(body)}
}

var (
	changing = regexp.MustCompile(`(versions__delta|[tT]imestamp)("?[>:] ?"?)\d+`)
	length   = regexp.MustCompile(`Content-Length:\[\d+\]`)
)

// comparable is the reply with its lines in order, and without what differs between two
// servers, or from one list of the stock listener to the next.
func (r reply) comparable() string {
	lines := strings.Split(changing.ReplaceAllString(r.body, "$1$2*"), "\n")
	for n := range lines {
		lines[n] = strings.TrimSuffix(lines[n], ",")
	}
	slices.Sort(lines)
	return fmt.Sprint(r.status, length.ReplaceAllString(fmt.Sprint(r.header), ""), "\n", strings.Join(lines, "\n"))
}

// Where nothing is routed the server sends what the stock server sends, errors and
// redirects too.
func TestEurekaWithoutRuleIsStock(t *testing.T) {
	var addrs []string
	for _, binary := range []string{serverBinary, built(t, stockBinary)} {
		_, console, addr := startEurekaAt(t, binary, polaristest.Options{Files: map[string]string{
			"conf/routing/routing.yaml": "version: 1\nrules: [{name: novel, service: default/novel*, set: {}, rollout: {percent: 0}}]\n",
		}}, 1, "127.0.0.1")
		register(t, console, polaristest.Instance{Namespace: "default", Service: "novel", ID: "i-1", Host: "10.11.0.1", Port: 80, Healthy: true})
		registerNovel(t, console, "novel-a")
		addrs = append(addrs, addr)
	}
	caller := askerAt(t, shanghai)
	paths := []string{
		"/eureka/apps", "/eureka/apps/", "/eureka/v2/apps", "/eureka/v1/apps/delta", "/eureka/apps/delta", "/eureka/apps/novel",
		"/eureka/apps/NOVEL/", "/eureka/apps/novel/i-1", "/eureka/instances/i-1", "/eureka/vips/novel", "/eureka/svips/novel",
		"/eureka/apps/nothing", "/eureka/apps/novel/nothing", "/eureka/instances/nothing", "/eureka//apps", "/other", "/", "/eureka/apps%2Fdelta",
	}
	for _, path := range paths {
		for _, accept := range []string{"application/json", "application/xml", "application/json, text/plain", "*/*", "text/html", ""} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				wait(t, func() error { // each server makes its list each second
					got := caller.ask(method, "http://"+addrs[0]+path, "Accept", accept, "Accept-Encoding", "gzip").comparable()
					want := caller.ask(method, "http://"+addrs[1]+path, "Accept", accept, "Accept-Encoding", "gzip").comparable()
					if got != want {
						return fmt.Errorf("%s %s, Accept %q:\n%v\nstock:\n%v", method, path, accept, got, want)
					}
					return nil
				})
			}
		}
	}
}

// Every query is filtered, in both formats, with the hashcode of what is sent,
// and the caller is the peer, or whom a trusted proxy names.
func TestEurekaQueries(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{TrustedProxies: []string{proxy.String()}}, 1)
	caller := askerAt(t, shanghai)
	for n, set := range []string{"qb.novel.h", "qb.novel.z"} {
		i := instance("novel", fmt.Sprintf("10.1%d.0.1", n+1), set)
		i.ID = "i-" + strconv.Itoa(n+1)
		register(t, console, i)
	}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	tests := []struct {
		path   string
		status int
		want   []string
	}{
		{"/eureka/apps", 200, []string{"10.11.0.1"}}, {"/eureka/v2/apps/", 200, []string{"10.11.0.1"}},
		{"/eureka/apps/novel", 200, []string{"10.11.0.1"}}, {"/eureka/vips/novel", 200, []string{"10.11.0.1"}},
		{"/eureka/apps/novel/i-1", 200, []string{"10.11.0.1"}}, {"/eureka/apps/novel/i-2", 404, nil},
		{"/eureka/instances/i-1", 200, []string{"10.11.0.1"}}, {"/eureka/instances/i-2", 404, nil},
		{"/eureka/apps/delta", 200, nil}, // the server has just started, and does not know what the client has
	}
	for _, tt := range tests {
		for _, accept := range []string{"application/json", "application/xml"} {
			r := caller.ask("GET", "http://"+addr+tt.path, "Accept", accept, "Accept-Encoding", "gzip", "X-Forwarded-For", "127.2.0.1")
			if r.status != tt.status || !slices.Equal(r.hosts(), tt.want) {
				t.Errorf("%s as %s: %d %v, want %d %v", tt.path, accept, r.status, r.hosts(), tt.status, tt.want)
			}
			if tt.status == 404 {
				want := caller.ask("GET", "http://"+addr+"/eureka/apps/nothing", "Accept", accept)
				if fmt.Sprint(r) != fmt.Sprint(want) {
					t.Errorf("%s as %s: %v, want %v", tt.path, accept, r, want)
				}
			}
		}
	}
	full := caller.ask("GET", "http://"+addr+"/eureka/apps", "Accept", "application/json").body
	if !strings.Contains(full, `"apps__hashcode":"UP_1_"`) {
		t.Errorf("the hashcode is not of what is sent: %s", full)
	}
	for _, c := range []struct {
		source netip.Addr
		via    string
		want   []string
	}{
		{proxy, "127.2.0.1", []string{"10.12.0.1"}},
		{proxy, "127.1.0.1", []string{"10.11.0.1"}},
		{shenzhen, "127.1.0.1", []string{"10.12.0.1"}},
	} {
		got := askerAt(t, c.source).ask("GET", "http://"+addr+"/eureka/apps/novel", "X-Forwarded-For", c.via).hosts()
		if !slices.Equal(got, c.want) {
			t.Errorf("%s via %q: %v, want %v", c.source, c.via, got, c.want)
		}
	}
}

func TestEurekaOverIPv6(t *testing.T) {
	_, console, addr := startEurekaAt(t, serverBinary, polaristest.Options{}, 1, "[::1]")
	registerNovel(t, console, "novel")
	caller := askerAt(t, netip.Addr{})
	wait(t, func() error {
		if got := caller.ask("GET", "http://"+addr+"/eureka/apps/novel").hosts(); !slices.Equal(got, []string{"10.12.0.1"}) {
			return fmt.Errorf("got %v", got)
		}
		return nil
	})
}

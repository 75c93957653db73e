package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/plugin"

	"github.com/polaris-contrib/setrouter/internal/test/callmetrics"
)

// stockSlot is a stock listener with a debug handler.
type stockSlot struct {
	apiserver.Apiserver
	initialized bool
}

func (s *stockSlot) Initialize(context.Context, map[string]any, map[string]apiserver.APIConfig) error {
	s.initialized = true
	return nil
}

func (s *stockSlot) GetProtocol() string { return "http" }

func (s *stockSlot) DebugHandlers() []model.DebugHandler {
	return []model.DebugHandler{{Path: "/debug/stock"}}
}

// The pack answers /v1/Discover and /v1/ReportClient only where the configuration offers discovery
// over HTTP. The configuration can change with a restart of the listener.
func TestDiscoverIsTakenOver(t *testing.T) {
	stock := &stockSlot{}
	slots := map[string]apiserver.Apiserver{"api-http": stock, "service-l5": stock}
	wrap(slots)
	if slots["service-l5"] != apiserver.Apiserver(stock) {
		t.Error("another listener was wrapped")
	}
	s := slots["api-http"].(*slot)
	const closed, open = "/debug/stock /debug/setrouter/handler", "/debug/stock /debug/setrouter/handler /v1/Discover /v1/Discover/ /v1/ReportClient /v1/ReportClient/"
	if got := paths(s); got != "/debug/stock" {
		t.Errorf("before Initialize: %s", got)
	}
	for _, tt := range []struct {
		name string
		apis map[string]apiserver.APIConfig
		want string
	}{
		{"all client APIs", map[string]apiserver.APIConfig{"client": {Enable: true}}, open},
		{"no API", nil, closed},
		{"discovery among others", map[string]apiserver.APIConfig{"client": {Enable: true, Include: []string{"register", "discover"}}}, open},
		{"others than discovery", map[string]apiserver.APIConfig{"client": {Enable: true, Include: []string{"register", "healthcheck"}}}, closed},
		{"client APIs are off", map[string]apiserver.APIConfig{"client": {Include: []string{"discover"}}}, closed},
		{"discovery under another API", map[string]apiserver.APIConfig{"console": {Enable: true, Include: []string{"discover"}}}, closed},
	} {
		stock.initialized = false
		if err := s.Initialize(t.Context(), nil, tt.apis); err != nil || !stock.initialized {
			t.Errorf("%s: %v, the stock listener is initialized: %t", tt.name, err, stock.initialized)
		}
		if got := paths(s); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func paths(s *slot) string {
	var out []string
	for _, h := range s.DebugHandlers() {
		out = append(out, h.Path)
	}
	return strings.Join(out, " ")
}

// limits is a rate limit of Polaris. It notes the keys that it is asked for.
type limits struct {
	refused string
	asked   []string
}

func (l *limits) Name() string                         { return "limits" }
func (l *limits) Initialize(*plugin.ConfigEntry) error { return nil }
func (l *limits) Destroy() error                       { return nil }

func (l *limits) Allow(kind plugin.RatelimitType, key string) bool {
	asked := plugin.RatelimitStr[kind] + " " + key
	l.asked = append(l.asked, asked)
	return asked != l.refused
}

// limit is the rate limit of all tests: Polaris has one.
var limit = new(limits)

func init() {
	plugin.RegisterPlugin(limit.Name(), limit)
	plugin.SetPluginConfig(&plugin.Config{
		RateLimit: plugin.ConfigEntry{Name: limit.Name()}, Statis: callmetrics.Config,
	})
}

// calls are the calls that were reported.
var calls = callmetrics.Register()

// Calls are reported by the path of their route. Paths and methods without a route, which
// a client invents, are not: each would be a time series.
func TestInventedPathsAreNotReported(t *testing.T) {
	calls.Take()
	for _, r := range []struct{ method, path string }{
		{"POST", "/v1/Discover"}, {"POST", "/v1/Discover/"}, {"POST", "/v1/ReportClient"},
		{"POST", "/v1/Discover/1"}, {"POST", "/v1/Discovers"}, {"POST", "/v1/Discover//x"}, {"GET", "/v1/Discover"}, {"ANYTHING", "/v1/Discover"}, {"DELETE", "/"},
	} {
		req := httptest.NewRequest(r.method, r.path, strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		newHandler().ServeHTTP(httptest.NewRecorder(), req)
	}
	if got, want := calls.Take(), []string{"POST:/v1/Discover", "POST:/v1/ReportClient"}; !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
}

// Requests count for the address of their peer, IPv6 addresses too, and for the
// path, whatever its spelling. There is no discovery server here: a request that
// is allowed gets status 503.
func TestRateLimit(t *testing.T) {
	const discovery = "api-limit POST:/v1/Discover"
	for _, tt := range []struct {
		name, peer, path string
		refused          string
		wantAsked        []string
		want             string // status, code and information
	}{
		{"IPv4", "10.1.0.1:5000", "/v1/Discover", "", []string{"ip-limit 10.1.0.1", discovery}, "503 0 "},
		{"IPv6", "[2001:db8::1]:5000", "/v1/Discover/", "", []string{"ip-limit 2001:db8::1", discovery}, "503 0 "},
		{"IPv6 with a zone", "[fe80::1%eth0]:5000", "/v1/Discover", "", []string{"ip-limit fe80::1%eth0", discovery}, "503 0 "},
		{"a client's report", "10.1.0.1:5000", "/v1/ReportClient/", "", []string{"ip-limit 10.1.0.1", "api-limit POST:/v1/ReportClient"}, "503 0 "},
		{"too many of an IPv4 peer", "10.1.0.1:5000", "/v1/Discover", "ip-limit 10.1.0.1", []string{"ip-limit 10.1.0.1"}, "429 429002 server limit the ip access"},
		{"too many of an IPv6 peer", "[2001:db8::1]:5000", "/v1/Discover", "ip-limit 2001:db8::1", []string{"ip-limit 2001:db8::1"}, "429 429002 server limit the ip access"},
		{"too many in all", "[2001:db8::2]:5000", "/v1/Discover", discovery, []string{"ip-limit 2001:db8::2", discovery}, "403 403003 server limit the api access"},
	} {
		limit.refused, limit.asked = tt.refused, nil
		r, w := httptest.NewRequest("POST", tt.path, strings.NewReader("{}")), httptest.NewRecorder()
		r.RemoteAddr = tt.peer
		r.Header.Set("Content-Type", "application/json")
		newHandler().ServeHTTP(w, r)
		var answer struct {
			Code int
			Info string
		}
		_ = json.Unmarshal(w.Body.Bytes(), &answer) // with status 503 the body is a text
		if !slices.Equal(limit.asked, tt.wantAsked) {
			t.Errorf("%s: asked for %q, want %q", tt.name, limit.asked, tt.wantAsked)
		}
		if got := fmt.Sprint(w.Code, " ", answer.Code, " ", answer.Info); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A body of more than 4 MiB is refused before anything reads or logs what is in it.
func TestBodiesAreBounded(t *testing.T) {
	limit.refused = ""
	for size, want := range map[int]int{maxBody: http.StatusServiceUnavailable, maxBody + 1: http.StatusRequestEntityTooLarge} {
		for _, path := range []string{discoverPath, reportClientPath} {
			r, w := httptest.NewRequest("POST", path, strings.NewReader(strings.Repeat(" ", size))), httptest.NewRecorder()
			r.Header.Set("Content-Type", "application/json")
			newHandler().ServeHTTP(w, r)
			if w.Code != want { // 503: there is no discovery server here
				t.Errorf("%s of %d bytes: %d, want %d", path, size, w.Code, want)
			}
		}
	}
}

// A body of which a part comes is not waited for without end, also where nobody reads
// the body.
func TestHalfBodiesEnd(t *testing.T) {
	defer func(d time.Duration) { bodyTimeout = d }(bodyTimeout)
	bodyTimeout = 50 * time.Millisecond
	server := httptest.NewServer(newHandler())
	defer server.Close()
	for refused, want := range map[string]string{"": "HTTP/1.1 408 ", "api-limit POST:" + discoverPath: "HTTP/1.1 403 "} {
		limit.refused = refused
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", discoverPath)
		answer, err := io.ReadAll(conn)
		if !strings.HasPrefix(string(answer), want) || err != nil {
			t.Errorf("%q %v, want %s", answer, err, want)
		}
		_ = conn.Close()
	}
}

package eureka

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/plugin"

	"github.com/polaris-contrib/setrouter/internal/test/callmetrics"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var (
	idAndStatus = regexp.MustCompile(`(?s)"instanceId":"([^"]+)".*?"status":"([^"]+)"|<instanceId>([^<]+)</instanceId>.*?<status>([^<]+)</status>`)
	hashcodeKey = regexp.MustCompile(`"apps__hashcode":"([^"]*)"|<apps__hashcode>([^<]*)<`)
	versionKey  = regexp.MustCompile(`(versions__delta"?[:>]"?)\d+`)
	unreachable = regexp.MustCompile(`ROUTED_\d+_`)
)

// summary returns the instances in a body, each as id:status, and its hashcode.
func summary(body string) string {
	if body == stockBody {
		return body
	}
	var out []string
	for _, m := range idAndStatus.FindAllStringSubmatch(body, -1) {
		out = append(out, m[1]+m[3]+":"+m[2]+m[4])
	}
	slices.Sort(out)
	if m := hashcodeKey.FindStringSubmatch(body); m != nil {
		out = append(out, "hash="+unreachable.ReplaceAllString(m[1]+m[2], "ROUTED_*_"))
	}
	return strings.Join(out, " ")
}

// An answer is what the view has, in both forms.
func TestLists(t *testing.T) {
	const everything = "App-1:OUT_OF_SERVICE a:UP b:UP"
	tests := []struct {
		name  string
		lists map[string][]string
		path  string
		want  string
	}{
		{"not routed", nil, "/eureka/apps", "stock"},
		{"one is kept", map[string][]string{"App": {"a"}}, "/eureka/apps", "a:UP o:UP hash=UP_2_"},
		{"all are kept", map[string][]string{"App": {"b", "a", "App-1"}}, "/eureka/v1/apps/", everything + " o:UP hash=OUT_OF_SERVICE_1_UP_3_"},
		{"none is left", map[string][]string{"App": {}}, "/eureka/apps", "o:UP hash=UP_1_"},
		{"nothing is left", map[string][]string{"App": {}, "Other": {}}, "/eureka/v2/apps", "hash="},
		{"an instance that is not healthy", map[string][]string{"App": {"a", "sick"}}, "/eureka/apps", "a:UP o:UP hash=UP_2_"},
		{"twins: two instances with one Eureka id", map[string][]string{"App": {"a"}, "Other": {"twin"}}, "/eureka/apps", "a:UP twins:UP hash=UP_2_"},
		{"names differ in case only: of two instances with one Eureka id clients keep one", map[string][]string{"APP": {"b"}}, "/eureka/apps", everything + " o:UP hash=OUT_OF_SERVICE_1_UP_3_"},
		{"an application", map[string][]string{"App": {"a"}}, "/eureka/apps/aPP", "a:UP"},
		{"another application is routed", map[string][]string{"Other": {"o"}}, "/eureka/apps/app", everything + " vip:UP"},
		{"no rule is for the caller, but one for the namespace", map[string][]string{}, "/eureka/apps/app", everything + " vip:UP"},
		{"nothing of an application", map[string][]string{"App": {}}, "/eureka/apps/app", "404"},
		{"an application that does not exist", nil, "/eureka/apps/nothing", "404"},
		{"an instance", map[string][]string{"App": {"a"}}, "/eureka/apps/app/a", "a:UP"},
		{"an instance that another caller gets", map[string][]string{"App": {"a"}}, "/eureka/apps/app/b", "404"},
		{"an instance by id", map[string][]string{"App": {"a"}}, "/eureka/instances/a", "a:UP"},
		{"an instance by id that another caller gets", map[string][]string{"App": {"a"}}, "/eureka/instances/b", "404"},
		{"the twin that the caller gets", map[string][]string{"Other": {"twin"}}, "/eureka/instances/twins", "twins:UP"},
		{"the twin that another caller gets", map[string][]string{"Other": {"o"}}, "/eureka/instances/twins", "404"},
		{"a VIP address", map[string][]string{"App": {"a", "vip"}}, "/eureka/vips/v", "vip:UP hash=UP_1_"},
		{"the VIP address by default", map[string][]string{"App": {"a", "vip"}}, "/eureka/vips/app", "a:UP hash=UP_1_"},
		{"a secure VIP address", map[string][]string{"App": {"a", "vip"}}, "/eureka/svips/s", "vip:UP hash=UP_1_"},
		{"a first delta makes clients fetch all", map[string][]string{"App": {"a"}}, "/eureka/v2/apps/delta", "hash=ROUTED_*_"},
		{"a first delta where no rule is for the caller, but one for the namespace", map[string][]string{}, "/eureka/apps/delta", "hash=ROUTED_*_"},
		{"a first delta of a view without instances", map[string][]string{"App": {}, "Other": {}}, "/eureka/apps/delta", "hash=ROUTED_*_"},
		{"a delta without routing", nil, "/eureka/apps/delta", "stock"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t, tt.lists)
			r.add("App", "a", nil)
			r.add("App", "b", nil)
			r.add("App", "App-1!out", nil)
			r.add("App", "sick!sick", nil)
			r.add("App", "vip", map[string]string{"internal-eureka-vip": "U,V", "internal-eureka-secure-vip": "S"})
			r.add("Other", "o", nil)
			switch {
			case strings.Contains(tt.name, "twin"):
				r.add("Other", "twin", map[string]string{"internal-eureka-instance-id": "twins"})
				r.add("Other", "twin2", map[string]string{"internal-eureka-instance-id": "twins"})
			case strings.Contains(tt.name, "differ in case"):
				r.add("APP", "b", nil)
				r.add("App", "b2", map[string]string{"internal-eureka-instance-id": "b"})
				delete(r.registered, "vip")
			}
			for _, accept := range []string{"application/json", "application/xml"} {
				addr := serve(t, r)
				resp, body := get(t, addr, tt.path, "Accept", accept)
				got := summary(body)
				if resp.StatusCode == http.StatusNotFound && body == "" && resp.Header.Get("Content-Type") == "application/xml" {
					got = "404"
				}
				if got != tt.want {
					t.Errorf("as %s: got %s, want %s", accept, got, tt.want)
				}
				if got != "404" && got != "stock" && resp.Header.Get("Content-Type") != accept {
					t.Errorf("as %s: %v", accept, resp.Header)
				}
			}
		})
	}
}

// Whole answers in both forms, with the metadata that have no place in XML.
func TestForms(t *testing.T) {
	r := newRegistry(t, map[string][]string{"app<&>": {"i"}})
	r.add("app<&>", "i", map[string]string{
		"k": "<&>\x00", "app.kubernetes.io/name": "x", "build time": "y", "": "z", "a:b": "z", "1": "z", "/": "z", "版本": "1",
		"@class": "c", "-class": "d", "-flag": "f", "@no name": "n", "internal-x": "hidden",
	})
	addr := serve(t, r)
	const instanceJSON = `{"instanceId":"i","app":"APP\u003c\u0026\u003e","appGroupName":"","ipAddr":"10.0.0.1","sid":"","port":{"$":80,"@enabled":"true"},` +
		`"securePort":{"$":443,"@enabled":"false"},"homePageUrl":"","statusPageUrl":"","healthCheckUrl":"","secureHealthCheckUrl":"","vipAddress":"APP\u003c\u0026\u003e",` +
		`"secureVipAddress":"","countryId":1,"dataCenterInfo":{"@class":"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo","name":"MyOwn"},"hostName":"10.0.0.1",` +
		`"status":"UP","overriddenStatus":"UNKNOWN","leaseInfo":{"renewalIntervalInSecs":30,"durationInSecs":90,"registrationTimestamp":0,"lastRenewalTimestamp":0,` +
		`"evictionTimestamp":0,"serviceUpTimestamp":0},"isCoordinatingDiscoveryServer":null,"metadata":{"":"z","-class":"d","-flag":"f","/":"z","1":"z","@class":"c",` +
		`"@no name":"n","a:b":"z","app.kubernetes.io/name":"x","build time":"y","k":"\u003c\u0026\u003e\u0000","版本":"1"},"lastUpdatedTimestamp":"1700000000123",` +
		`"lastDirtyTimestamp":null,"actionType":"ADDED"}`
	const instanceXML = `<instance><instanceId>i</instanceId><app>APP&lt;&amp;&gt;</app><ipAddr>10.0.0.1</ipAddr><port enabled="true">80</port><securePort enabled="false">443</securePort>` +
		`<vipAddress>APP&lt;&amp;&gt;</vipAddress><countryId>1</countryId><dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name></dataCenterInfo>` +
		`<hostName>10.0.0.1</hostName><status>UP</status><overriddenStatus>UNKNOWN</overriddenStatus><leaseInfo><renewalIntervalInSecs>30</renewalIntervalInSecs>` +
		`<durationInSecs>90</durationInSecs><registrationTimestamp>0</registrationTimestamp><lastRenewalTimestamp>0</lastRenewalTimestamp><evictionTimestamp>0</evictionTimestamp>` +
		`<serviceUpTimestamp>0</serviceUpTimestamp></leaseInfo><metadata class="c" flag="f"><k>&lt;&amp;&gt;` + "\uFFFD" + `</k><版本>1</版本></metadata>` +
		`<lastUpdatedTimestamp>1700000000123</lastUpdatedTimestamp><actionType>ADDED</actionType></instance>`
	const header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	tests := []struct{ path, accept, want string }{
		{"/eureka/apps", "text/plain, application/json", `{"applications":{"versions__delta":"*","apps__hashcode":"UP_1_","application":[{"name":"APP\u003c\u0026\u003e","instance":[` + instanceJSON + `]}]}}`},
		{"/eureka/apps/app%3C&%3E", "application/json", `{"application":{"name":"APP\u003c\u0026\u003e","instance":[` + instanceJSON + `]}}`},
		{"/eureka/instances/i", "application/json", `{"instance":` + instanceJSON + `}`},
		{"/eureka/apps", "*/*", header + `<applications><versions__delta>*</versions__delta><apps__hashcode>UP_1_</apps__hashcode><application><name>APP&lt;&amp;&gt;</name>` + instanceXML + `</application></applications>`},
		{"/eureka/apps/app%3C&%3E", "text/xml, application/json, */*", header + `<application><name>APP&lt;&amp;&gt;</name>` + instanceXML + `</application>`},
		{"/eureka/instances/i", "application/xml", header + instanceXML},
	}
	for _, tt := range tests {
		_, body := get(t, addr, tt.path, "Accept", tt.accept)
		body = versionKey.ReplaceAllString(body, "$1*")
		for _, pair := range []string{`class="c" flag="f"`, `<k>&lt;&amp;&gt;` + "\uFFFD" + `</k><版本>1</版本>`} { // the stock writer has no order
			before, after, _ := strings.Cut(pair, map[bool]string{true: " ", false: "</k>"}[strings.Contains(pair, " ")])
			if strings.Contains(pair, "</k>") {
				body = strings.Replace(body, after+before+"</k>", pair, 1)
			} else {
				body = strings.Replace(body, after+" "+before, pair, 1)
			}
		}
		if diff := cmp.Diff(tt.want, body); diff != "" {
			t.Errorf("%s, Accept %s: (-want +got)\n%s", tt.path, tt.accept, diff)
		}
	}
}

// A fault gives the stock answer with failOpen: true, and no list with failOpen:
// false. The fault is reported.
func TestFaults(t *testing.T) {
	fault := errors.New("a fault")
	tests := []struct {
		name     string
		failOpen bool
		fault    error
		panics   bool
		want     string
		reported string
	}{
		{"failOpen: true", true, fault, false, "200 a:UP", "default/App"},
		{"failOpen: true, a panic", true, nil, true, "200 stock", "a Eureka answer"},
		{"failOpen: false", false, fault, false, "503 the server gives no list, see its log", "default/App"},
		{"failOpen: false, a panic", false, nil, true, "503 the server gives no list, see its log", "a Eureka answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t, map[string][]string{"App": {"a"}})
			r.fault, r.failOpen, r.panics = tt.fault, tt.failOpen, tt.panics
			r.add("App", "a", nil)
			addr := serve(t, r)
			for _, path := range []string{"/eureka/apps", "/eureka/apps/app", "/eureka/apps/app/a", "/eureka/instances/a", "/eureka/vips/app"} {
				r.faults = nil
				resp, body := get(t, addr, path)
				if resp.StatusCode == http.StatusOK {
					body = strings.TrimSuffix(summary(body), " hash=UP_1_")
				}
				if got := resp.Status[:4] + strings.TrimSpace(body); got != tt.want || !slices.Equal(r.faults, []string{tt.reported}) {
					t.Errorf("%s: %s, reported %q; want %s, reported %q", path, got, r.faults, tt.want, tt.reported)
				}
			}
		})
	}
}

// The namespace is that of the header, or the default. What clients make up never
// reaches the stock listener, which keeps a list for each namespace.
func TestNamespaces(t *testing.T) {
	r := newRegistry(t, nil)
	r.add("App", "a", nil)
	addr := serve(t, r)
	for _, tt := range []struct {
		path, want string
		header     []string
	}{
		{"/eureka/apps", "stock", nil},
		{"/eureka/apps", "stock", []string{"X-Namespace", "default"}},
		{"/eureka/apps", "stock", []string{"X-Namespace", "default", "Connection", "x-namespace"}},
		{"/eureka/apps", "hash=", []string{"X-Namespace", "nowhere"}},
		{"/eureka/apps/delta", "hash=ROUTED_*_", []string{"X-Namespace", "nowhere"}},
		{"/eureka/vips/v", "hash=", []string{"X-Namespace", "nowhere", "Connection", "x-namespace"}},
		{"/eureka/instances/a", "", []string{"X-Namespace", "nowhere"}},
	} {
		if _, body := get(t, addr, tt.path, tt.header...); summary(body) != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.path, tt.header, body, tt.want)
		}
	}
}

// Every route of the stock listener whose answer has instances is known. Other
// requests pass.
func TestRoutes(t *testing.T) {
	known := []resource{resourceApps, resourceDelta, resourceApp, resourceAppInstance, resourceInstance, resourceVIP, resourceSVIP}
	var got []resource
	stock := (&eurekaserver.EurekaServer{}).GetEurekaV2Server()
	for _, r := range stock.Routes() {
		if r.Method == http.MethodGet {
			got = append(got, resource(strings.TrimPrefix(r.Path, stock.RootPath())))
		}
	}
	if diff := cmp.Diff(known, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := newRegistry(t, map[string][]string{"App": {}})
	r.add("App", "a", nil)
	addr := serve(t, r)
	for _, path := range []string{"PUT /eureka/apps/app/a", "PUT /eureka/v2/apps/app/a/status", "POST /eureka/apps/app", "DELETE /eureka/apps/app/a", "POST /eureka/peerreplication/batch"} {
		method, path, _ := strings.Cut(path, " ")
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %s", method, path, resp.Status)
		}
	}
}

// A route of another version of Polaris, whose answer may have instances, is not
// served.
func TestUnknownRoute(t *testing.T) {
	rec := httptest.NewRecorder()
	req := restful.NewRequest(httptest.NewRequest(http.MethodGet, "/eureka/all", nil))
	f := frontOver(newRegistry(t, nil))
	f.serve("/eureka", req, restful.NewResponse(rec), &restful.FilterChain{Target: func(*restful.Request, *restful.Response) { t.Error("it is served") }})
	if rec.Code != http.StatusNotFound {
		t.Errorf("status %d", rec.Code)
	}
}

// What is no text in UTF-8 does not reach a stock route: Polaris could not store it.
func TestNoText(t *testing.T) {
	for target, want := range map[string]int{
		"/eureka/apps/APP/i/metadata?a=%ff": http.StatusBadRequest, "/eureka/apps/A%ff/i/metadata": http.StatusBadRequest,
		"/eureka/apps/APP/i/metadata?a=%zz": http.StatusBadRequest, "/eureka/apps/APP/i/metadata?a=%E5%8D%97": http.StatusOK,
	} {
		rec := httptest.NewRecorder()
		refuseNoText(restful.NewRequest(httptest.NewRequest(http.MethodPut, target, nil)), restful.NewResponse(rec), &restful.FilterChain{Target: func(*restful.Request, *restful.Response) {}})
		if rec.Code != want {
			t.Errorf("%s: status %d, want %d", target, rec.Code, want)
		}
	}
}

// limits is a rate limit that refuses one key.
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

// Requests pass the rate limit of Polaris, by the caller's address and by path.
func TestRateLimit(t *testing.T) {
	limit := &limits{}
	plugin.RegisterPlugin(limit.Name(), limit)
	plugin.SetPluginConfig(&plugin.Config{RateLimit: plugin.ConfigEntry{Name: limit.Name()}, Statis: callmetrics.Config})
	t.Cleanup(func() { plugin.SetPluginConfig(&plugin.Config{Statis: callmetrics.Config}) })
	r := newRegistry(t, map[string][]string{"App": {}})
	r.add("App", "a", nil)
	addr := serve(t, r)
	const ip, api = "ip-limit 127.0.0.1", "api-limit GET:/eureka/apps"
	for _, tt := range []struct {
		refused string
		asked   []string
		status  int
	}{
		{"", []string{ip, api}, 200}, {ip, []string{ip}, 429}, {api, []string{ip, api}, 429},
	} {
		limit.refused, limit.asked = tt.refused, nil
		resp, body := get(t, addr, "/eureka/apps/")
		if resp.StatusCode != tt.status || tt.status != 200 && body != "" || !slices.Equal(limit.asked, tt.asked) {
			t.Errorf("refused %q: %s, asked for %q, want %d and %q", tt.refused, resp.Status, limit.asked, tt.status, tt.asked)
		}
	}
}

// calls are the calls that were reported.
var calls = callmetrics.Register()

func init() { plugin.SetPluginConfig(&plugin.Config{Statis: callmetrics.Config}) }

// Calls are reported by the path of their route. Paths and methods without a route, which
// a client invents, are not: each would be a time series.
func TestInventedPathsAreNotReported(t *testing.T) {
	r := newRegistry(t, map[string][]string{"App": {}})
	r.add("App", "a", nil)
	addr := serve(t, r)
	calls.Take()
	for _, one := range []struct{ method, path string }{
		{"GET", "/eureka/apps"}, {"GET", "/eureka/apps/App"}, {"GET", "/eureka/v2/apps/App"},
		{"ANYTHING", "/eureka/apps"}, {"GET", "/eureka/none/1"}, {"GET", "/eureka/apps/none"}, {"DELETE", "/eureka/apps"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), one.method, "http://"+addr+one.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	want := []string{"GET:/eureka/apps", "GET:/eureka/apps/{application}", "GET:/eureka/v2/apps/{application}"}
	if got := calls.Take(); !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
}

// The stock listener does not listen: there its answers would be everybody's.
func TestStockDoesNotListen(t *testing.T) {
	stock := &stockListener{addr: net.JoinHostPort("127.0.0.1", "0")}
	if err := makeReady(stock); err == nil || err.Error() != "the stock listener listens at 127.0.0.1:0" {
		t.Errorf("a stock listener that listens: %v", err)
	}
	_, option, err := splitOptions(nil, "eureka")
	if err != nil {
		t.Fatal(err)
	}
	_ = stock.Initialize(t.Context(), option, nil)
	if err := makeReady(stock); err != nil {
		t.Error(err)
	}
}

// A request of which the rest never comes does not hold its connection for ever.
func TestHalfRequests(t *testing.T) {
	for _, sent := range []string{"", "GET /eureka/ap", "GET /eureka/apps HTTP/1.1\r\nHost: x\r\n", "POST /eureka/apps/app HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"} {
		port := polaristest.FreePort()
		f, _, err := newFront(map[string]any{"listenIP": "127.0.0.1", "listenPort": port}, "eureka", newRegistry(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		if f.server.ReadTimeout != readTimeout || readTimeout > time.Minute {
			t.Errorf("the front waits %s", f.server.ReadTimeout)
		}
		f.server.ReadTimeout = 10 * time.Millisecond
		listener, err := f.listen.Open()
		if err != nil {
			t.Fatal(err)
		}
		f.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		done := make(chan error)
		go func() { done <- f.server.Serve(listener) }()
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, sent)
		_, _ = io.Copy(io.Discard, conn) // until the front closes the connection
		_ = conn.Close()
		f.stop()
		<-done
	}
}

// The stock routes read a body of any size into memory; the front gives them so much.
func TestBodiesAreBounded(t *testing.T) {
	addr := serve(t, newRegistry(t, nil))
	for size, want := range map[int64]string{maxBody: "200 OK", maxBody + 1: "400 Bad Request"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/eureka/apps/app", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Status != want {
			t.Errorf("%d bytes: %s, want %s", size, resp.Status, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What clients accept. JSON has parameters, too; q=0 says that it is not wanted. Of one
// application or instance, what is named first counts.
func TestAccept(t *testing.T) {
	for _, tt := range []struct {
		accept    string
		list, one bool // as JSON
	}{
		{"application/json", true, true},
		{"application/json;q=0.9, text/plain", true, true},
		{"text/plain, application/json; charset=utf-8", true, true},
		{"application/json, application/*+json", true, true}, // Spring
		{"application/*+json", true, true},
		{"APPLICATION/JSON", true, true},
		{"text/xml, application/json", true, false},
		{"application/json, application/xml", true, true},
		{"application/json;q=0", false, false},
		{"application/json;q=0.00, application/xml", false, false},
		{"application/xml", false, false},
		{"*/*", false, false},
		{"", false, false},
		{";;;,,,application/json;q", false, false},
	} {
		header := http.Header{"Accept": {tt.accept}}
		for r, want := range map[resource]bool{resourceApps: tt.list, resourceDelta: tt.list, resourceVIP: tt.list, resourceApp: tt.one, resourceAppInstance: tt.one, resourceInstance: tt.one} {
			if got := acceptsJSON(r, header); got != want {
				t.Errorf("%s, Accept %q: JSON %t, want %t", r, tt.accept, got, want)
			}
		}
	}
}

// A client that is not in its own view is told its own instance where it asks for it by id,
// and nowhere else: Spring shows the status. Nobody else is told.
func TestOwnInstance(t *testing.T) {
	r := newRegistry(t, map[string][]string{"App": {}})
	r.add("App", "own!out", nil)
	r.add("App", "sick!sick", nil)
	r.add("App", "other", nil)
	for _, id := range []string{"own", "sick"} {
		r.registered[id].Proto.Host.Value = "127.0.0.1"
	}
	r.add("App", "v6", nil)
	r.registered["v6"].Proto.Host.Value = "[::ffff:127.0.0.1]"
	addr := serve(t, r)
	for path, want := range map[string]string{
		"/eureka/apps/app/own": "own:OUT_OF_SERVICE", "/eureka/instances/own": "own:OUT_OF_SERVICE", "/eureka/v2/instances/v6": "v6:UP",
		"/eureka/apps/other/own": "", "/eureka/apps/app/other": "", "/eureka/instances/other": "", "/eureka/instances/sick": "",
		"/eureka/apps/app": "", "/eureka/apps": "hash=", "/eureka/vips/app": "hash=",
	} {
		if _, body := get(t, addr, path, "Accept", "application/json"); summary(body) != want {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
	}
}

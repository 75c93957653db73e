package nacos

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// testRouting has a list for each caller of default/s, and stock lists of all else.
type testRouting struct {
	lists map[netip.Addr]*apiservice.DiscoverResponse
	stock map[route.Service]*apiservice.DiscoverResponse
	fault error // of every list
	panic bool
	proxy netip.Addr // trusted: x-forwarded-for of its requests counts
}

var _ routing = (*testRouting)(nil)

func (s *testRouting) AddressOf(r *http.Request) netip.Addr {
	peer, _ := location.ParsePeer(r.RemoteAddr)
	if forwarded := r.Header.Get("X-Forwarded-For"); peer == s.proxy && forwarded != "" {
		addr, _ := netip.ParseAddr(forwarded)
		return addr
	}
	return peer
}

func (s *testRouting) CallerOf(r *http.Request) netip.Addr                 { return s.AddressOf(r) }
func (s *testRouting) AddressOfCall(string, metadata.MD) (addr netip.Addr) { return addr }
func (s *testRouting) CallerOfCall(string, metadata.MD) (addr netip.Addr)  { return addr }
func (s *testRouting) Look() look                                          { return s }
func (s *testRouting) Fault(string, error) error                           { return s.fault }
func (s *testRouting) StockRevision(service route.Service) string {
	return s.stock[service].GetService().GetRevision().GetValue()
}
func (s *testRouting) StockList(service route.Service) *apiservice.DiscoverResponse {
	return s.stock[service]
}

func (s *testRouting) Routed(caller netip.Addr, service route.Service) (*apiservice.DiscoverResponse, error) {
	if s.panic {
		panic("a bug")
	}
	if service != (route.Service{Namespace: "default", Name: "s"}) {
		return nil, s.fault
	}
	if s.fault == nil && !caller.IsValid() {
		return nil, router.ErrNoList
	}
	return s.lists[caller], s.fault
}

// listOf returns a list of Polaris.
func listOf(revision string, instances ...*apiservice.Instance) *apiservice.DiscoverResponse {
	return &apiservice.DiscoverResponse{Service: &apiservice.Service{Revision: wrapperspb.String(revision)}, Instances: instances}
}

// testRegistry notes what is registered, and answers with the codes that it is given.
type testRegistry struct {
	code      apimodel.Code
	calls     []string
	instances []*apiservice.Instance
	contexts  []context.Context
}

func (s *testRegistry) note(ctx context.Context, call string, i *apiservice.Instance) *apiservice.Response {
	s.calls, s.instances, s.contexts = append(s.calls, call), append(s.instances, i), append(s.contexts, ctx)
	if s.code == 0 {
		s.code = apimodel.Code_ExecuteSuccess
	}
	return &apiservice.Response{Code: wrapperspb.UInt32(uint32(s.code)), Info: wrapperspb.String(s.code.String())}
}

func (s *testRegistry) RegisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "register", i)
}

func (s *testRegistry) UpdateInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "update", i)
}

func (s *testRegistry) DeregisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "deregister", i)
}

func (s *testRegistry) Report(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "report", i)
}

// newTestHandler returns a handler whose stock routes answer with
// what they read of a request.
func newTestHandler(s *testRouting, r *testRegistry) *httpHandler {
	return &httpHandler{
		routing: s, registry: func() (registry, error) { return r, nil },
		services: func(namespace string) []string { return []string{"b", "G__c", "a", "G__" + namespace} },
		login: func(token string) error {
			if token != "good" {
				return errors.New("no such token")
			}
			return nil
		},
		stock: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type")}, " "))
		}),
	}
}

// send sends a request as a client at an address does, and returns the answer.
func send(h http.Handler, from, method, target, contentType, body string, header ...string) (status int, answer string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = from
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The lists over HTTP, whole, as each client asks for them.
func TestLists(t *testing.T) {
	one := netip.MustParseAddr("10.1.0.1")
	s := &testRouting{
		lists: map[netip.Addr]*apiservice.DiscoverResponse{
			one:                                listOf("own", instance("a", 1, true, false, nil), instance("b", 1, false, false, map[string]string{"internal-nacos-cluster": "B"})),
			netip.MustParseAddr("10.1.0.2"):    listOf("empty"),
			netip.MustParseAddr("2001:db8::1"): listOf("six", instance("6", 1, true, false, nil)),
		},
		stock: map[route.Service]*apiservice.DiscoverResponse{
			{Namespace: "default", Name: "s"}:    listOf("stock", instance("stock", 1, true, false, nil)),
			{Namespace: "default", Name: "G__s"}: listOf("g", instance("g", 1, true, false, nil), instance("isolated", 1, true, true, nil), instance("sick", 1, false, false, nil)),
			{Namespace: "team", Name: "s"}:       listOf("team", instance("team", 1, true, false, nil)),
		},
		proxy: netip.MustParseAddr("10.9.0.1"),
	}
	for _, c := range []struct {
		name              string
		from, query       string
		forwarded         string
		ids               []string
		service, clusters string
		status            int    // 0: 200
		text              string // of an error
	}{
		{name: "own list", from: "10.1.0.1:700", query: "serviceName=s", ids: []string{"a", "b"}},
		{name: "as Java and Node ask", from: "10.1.0.1:700", query: "healthyOnly=false&namespaceId=public&clientIP=10.1.0.2&serviceName=DEFAULT_GROUP%40%40s&udpPort=0&clusters=", ids: []string{"a", "b"}},
		{name: "as Python asks", from: "10.1.0.1:700", query: "serviceName=DEFAULT_GROUP%40%40s&healthyOnly=True&namespaceId=&groupName=DEFAULT_GROUP", ids: []string{"a"}},
		{name: "an address that a client names is not his", from: "10.1.0.2:700", query: "serviceName=s&clientIP=10.1.0.1&ip=10.1.0.1", ids: []string{}},
		{name: "a cluster", from: "10.1.0.1:700", query: "serviceName=s&clusters=B", ids: []string{"b"}, clusters: "B"},
		{name: "several clusters", from: "10.1.0.1:700", query: "serviceName=s&clusters=DEFAULT,B", ids: []string{"a", "b"}, clusters: "DEFAULT,B"},
		{name: "a cluster of another", from: "10.1.0.2:700", query: "serviceName=s&clusters=B", ids: []string{}, clusters: "B"},
		{name: "IPv6", from: "[2001:db8::1]:700", query: "serviceName=s", ids: []string{"6"}},
		{name: "IPv4 as IPv6", from: "[::ffff:10.1.0.1]:700", query: "serviceName=s", ids: []string{"a", "b"}},
		{name: "by a proxy", from: "10.9.0.1:700", forwarded: "10.1.0.1", query: "serviceName=s", ids: []string{"a", "b"}},
		{name: "a proxy that cannot tell", from: "10.9.0.1:700", forwarded: "x", query: "serviceName=s", status: 503, text: "the server gives no list, see its log"},
		{name: "who is no proxy", from: "10.1.0.2:700", forwarded: "10.1.0.1", query: "serviceName=s", ids: []string{}},
		{name: "the stock list", from: "10.1.0.3:700", query: "serviceName=s", ids: []string{"stock"}},
		{name: "a group in the name, not routed", from: "10.1.0.1:700", query: "serviceName=G@@s", ids: []string{"g", "sick"}, service: "G@@s"},
		{name: "a group beside the name", from: "10.1.0.1:700", query: "serviceName=s&groupName=G&healthyOnly=TRUE", ids: []string{"g"}, service: "G@@s"},
		{name: "another namespace", from: "10.1.0.1:700", query: "serviceName=s&namespaceId=team", ids: []string{"team"}},
		{name: "no such service", from: "10.1.0.1:700", query: "serviceName=none", ids: []string{}, service: "DEFAULT_GROUP@@none"},
		{name: "a parameter twice", from: "10.1.0.1:700", query: "serviceName=s&serviceName=none", ids: []string{"a", "b"}},
		{name: "no service", from: "10.1.0.1:700", query: "serviceName=", status: 400, text: "the parameter serviceName is missing"},
		{name: "a group without a service", from: "10.1.0.1:700", query: "serviceName=G@@", status: 400, text: `serviceName is "G@@", expected the name of a service behind the group`},
		{name: "no flag", from: "10.1.0.1:700", query: "serviceName=s&healthyOnly=perhaps", status: 400, text: `healthyOnly is "perhaps", expected true or false`},
		{name: "no port", from: "10.1.0.1:700", query: "serviceName=s&udpPort=65536", status: 400, text: `udpPort is "65536", expected a whole number from 0 to 65535`},
		{name: "no query", from: "10.1.0.1:700", query: "serviceName=%zz", status: 400, text: `the query of the URL cannot be read, at "%zz"`},
		{name: "a long name", from: "10.1.0.1:700", query: "serviceName=" + strings.Repeat("x", 1025), status: 400, text: "serviceName has 1025 bytes, expected 1024 at most"},
		{name: "long clusters", from: "10.1.0.1:700", query: "serviceName=s&clusters=" + strings.Repeat("x,", 1000), status: 400, text: "clusters has 2000 bytes, expected 1024 at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.forwarded != "" {
				header = []string{"X-Forwarded-For", c.forwarded}
			}
			begun := time.Now().UnixMilli()
			status, text := send(newTestHandler(s, nil), c.from, "GET", "/nacos/v1/ns/instance/list?"+c.query, "", "", header...)
			if want := max(c.status, 200); c.status != 0 || status != want {
				if status != want || strings.TrimSpace(text) != c.text {
					t.Errorf("%d %s", status, text)
				}
				return
			}
			var got struct {
				Name, GroupName, Clusters, Checksum     string
				CacheMillis, LastRefTime                int64
				AllIPs, Valid, ReachProtectionThreshold bool
				Hosts                                   []struct{ InstanceID, ServiceName string }
			}
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err, text)
			}
			service := c.service
			if service == "" {
				service = "DEFAULT_GROUP@@s"
			}
			ids := []string{}
			for _, host := range got.Hosts {
				ids = append(ids, host.InstanceID)
				if host.ServiceName != service {
					t.Errorf("host of %s", host.ServiceName)
				}
			}
			if diff := cmp.Diff(c.ids, ids); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			group, _, _ := strings.Cut(service, "@@")
			if got.Name != service || got.GroupName != group || got.Clusters != c.clusters || got.CacheMillis != 1000 || got.LastRefTime < begun || got.AllIPs || !got.Valid {
				t.Errorf("answered %s", text)
			}
		})
	}
}

// The whole text of a list: clients read these names.
func TestListText(t *testing.T) {
	s := &testRouting{lists: map[netip.Addr]*apiservice.DiscoverResponse{netip.MustParseAddr("10.1.0.1"): listOf("r", instance("i", 1, true, false, map[string]string{"k": "v", metaWeight: "0.5"}))}}
	_, got := send(newTestHandler(s, nil), "10.1.0.1:1", "GET", "/nacos/v1/ns/instance/list?serviceName=s&clusters=DEFAULT", "", "")
	got = regexp.MustCompile(`"lastRefTime":\d{13},`).ReplaceAllString(got, `"lastRefTime":1,`)
	const want = `{"groupName":"DEFAULT_GROUP","clusters":"DEFAULT","hosts":[{"instanceId":"i","ip":"10.1.0.1","port":80,"weight":0.5,"healthy":true,"enabled":true,` +
		`"ephemeral":true,"clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@s","metadata":{"k":"v"}}],"checksum":"r","cacheMillis":1000,"lastRefTime":1,` +
		`"reachProtectionThreshold":false,"name":"DEFAULT_GROUP@@s","allIPs":false,"valid":true}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Faults are errors on which clients keep what they have, and never a list.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		routing testRouting
		status  int
		text    string
	}{
		{"no list", testRouting{fault: router.ErrNoList}, 503, "the server gives no list, see its log"},
		{"a panic", testRouting{panic: true}, 500, "the server failed, see its log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := send(newTestHandler(&c.routing, nil), "10.1.0.1:1", "GET", "/nacos/v1/ns/instance/list?serviceName=s", "", "")
			if status != c.status || strings.TrimSpace(text) != c.text {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

// Requests that change something, as each client sends them, and what Polaris is told.
func TestRegistrations(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	const java = "groupName=DEFAULT_GROUP&metadata=%7B%22internal-set-name%22%3A%22a.b.c%22%7D&namespaceId=public&port=8080&enable=true&healthy=true&ip=10.1.0.7&clusterName=A&weight=1.0&ephemeral=true&serviceName=DEFAULT_GROUP%40%40s"
	for _, c := range []struct {
		name                         string
		method, target, kind, body   string
		code                         apimodel.Code
		status                       int // 0: 200
		answer                       string
		call, service                string // "": Polaris is not asked
		weight                       uint32
		metadata                     map[string]string
		persistent, isolated, unwell bool
	}{
		{name: "Java", method: "POST", target: "/nacos/v1/ns/instance?" + java, kind: form + ";charset=UTF-8", answer: "ok", call: "register", service: "s", weight: 1,
			metadata: map[string]string{"internal-set-name": "a.b.c", "internal-nacos-cluster": "A", "internal-nacos-service": "s"}},
		{name: "Python and Node, without a content type", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=8080&serviceName=G@@s&weight=0.5&healthy=True&enable=False&ephemeral=True", answer: "ok",
			call: "register", service: "G__s", weight: 1, isolated: true,
			metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "G__s", "internal-nacos-weight": "0.5"}},
		{name: "Go, in a form", method: "POST", target: "/nacos/v1/ns/instance", kind: form + ";charset=utf-8", body: "ip=10.1.0.7&port=8080&serviceName=s&groupName=G&ephemeral=false&metadata=%7B%22a%22%3A1%2C%22b%22%3Atrue%2C%22c%22%3Anull%7D", answer: "ok",
			call: "register", service: "G__s", weight: 1, persistent: true,
			metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "G__s", "internal-nacos-ephemeral": "false", "a": "1", "b": "true", "c": ""}},
		{name: "a form without a content type", method: "POST", target: "/nacos/v1/ns/instance/", body: "ip=10.1.0.7&port=8080&serviceName=s&healthy=false", answer: "ok",
			call: "register", service: "s", weight: 1, unwell: true, metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "s"}},
		{name: "in a form and in the URL", method: "POST", target: "/nacos/v1/ns/instance?ip=10.9.9.9&port=8080&serviceName=s", kind: form, body: "ip=10.1.0.7", answer: "ok",
			call: "register", service: "s", weight: 1, metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "s"}},
		{name: "metadata as pairs", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=8080&serviceName=s&metadata=a%3D1,b:2", answer: "ok",
			call: "register", service: "s", weight: 1, metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "s", "a": "1", "b": "2"}},
		{name: "metadata that are the server's", method: "POST", target: `/nacos/v1/ns/instance?ip=10.1.0.7&port=8080&serviceName=s&metadata={"internal-nacos-ephemeral":"false","internal-nacos-cluster":"B"}`, answer: "ok",
			call: "register", service: "s", weight: 1, metadata: map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-service": "s"}},
		{name: "a change", method: "PUT", target: "/nacos/v1/ns/instance?" + java, answer: "ok", call: "update", service: "s", weight: 1,
			metadata: map[string]string{"internal-set-name": "a.b.c", "internal-nacos-cluster": "A", "internal-nacos-service": "s"}},
		{name: "a change of nothing", method: "PUT", target: "/nacos/v1/ns/instance?" + java, code: apimodel.Code_NoNeedUpdate, answer: "ok", call: "update", service: "s", weight: 1,
			metadata: map[string]string{"internal-set-name": "a.b.c", "internal-nacos-cluster": "A", "internal-nacos-service": "s"}},
		{name: "removed", method: "DELETE", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=8080&serviceName=s&weight=much", answer: "ok", call: "deregister", service: "s", persistent: true, unwell: true},
		{name: "removed before", method: "DELETE", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=8080&serviceName=s", code: apimodel.Code_NotFoundResource, answer: "ok", call: "deregister", service: "s", persistent: true, unwell: true},
		{name: "refused", method: "POST", target: "/nacos/v1/ns/instance?" + java, code: apimodel.Code_NotAllowedAccess, status: 403, answer: "Polaris answers 401001, NotAllowedAccess", call: "register", service: "s", weight: 1,
			metadata: map[string]string{"internal-set-name": "a.b.c", "internal-nacos-cluster": "A", "internal-nacos-service": "s"}},
		{name: "no address", method: "POST", target: "/nacos/v1/ns/instance?port=8080&serviceName=s", status: 400, answer: "the parameter ip is missing"},
		{name: "no port", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&serviceName=s", status: 400, answer: "the parameter port is missing"},
		{name: "what is no port", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=-1&serviceName=s", status: 400, answer: `port is "-1", expected a whole number from 0 to 65535`},
		{name: "what is no weight", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=1&serviceName=s&weight=NaN", status: 400, answer: `weight is "NaN", expected a number from 0 to 10000`},
		{name: "too much weight", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=1&serviceName=s&weight=1e9", status: 400, answer: `weight is "1e9", expected a number from 0 to 10000`},
		{name: "what are no metadata", method: "POST", target: "/nacos/v1/ns/instance?ip=10.1.0.7&port=1&serviceName=s&metadata=x", status: 400, answer: `metadata has "x", expected an object of JSON, or key=value with commas between`},
		{name: "metadata that are cut", method: "POST", target: `/nacos/v1/ns/instance?ip=10.1.0.7&port=1&serviceName=s&metadata={"a":`, status: 400, answer: `metadata is "{\"a\":", expected an object of JSON`},
		{name: "metadata in metadata", method: "POST", target: `/nacos/v1/ns/instance?ip=10.1.0.7&port=1&serviceName=s&metadata={"a":{"b":1}}`, status: 400, answer: `metadata has "{\"b\":1}" for "a", expected a text`},
		{name: "a form that is none", method: "POST", target: "/nacos/v1/ns/instance", body: "ip=%", status: 400, answer: `the form in the body cannot be read, at "%"`},
		{name: "a long body", method: "POST", target: "/nacos/v1/ns/instance", body: "ip=" + strings.Repeat("1", maxBody), status: 413, answer: "the body has more than 4194304 bytes"},
		{name: "not a form", method: "POST", target: "/nacos/v1/ns/instance", kind: "application/json", body: `{"ip":"10.1.0.7"}`, status: 400, answer: "the parameter serviceName is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &testRegistry{code: c.code}
			target, err := url.Parse(c.target)
			if err != nil {
				t.Fatal(err)
			}
			target.RawQuery = strings.ReplaceAll(target.RawQuery, `"`, "%22")
			status, text := send(newTestHandler(&testRouting{}, r), "10.1.0.1:700", c.method, target.String(), c.kind, c.body, "X-Polaris-Token", "token")
			if status != max(c.status, 200) || strings.TrimSpace(text) != c.answer {
				t.Errorf("%d %s", status, text)
			}
			if strings.Join(r.calls, " ") != c.call {
				t.Fatalf("Polaris is asked to %v", r.calls)
			}
			if c.call == "" {
				return
			}
			i := r.instances[0]
			if i.GetNamespace().GetValue() != "default" || i.GetService().GetValue() != c.service || i.GetHost().GetValue() != "10.1.0.7" || i.GetPort().GetValue() != 8080 || i.GetWeight().GetValue() != c.weight ||
				i.GetEnableHealthCheck().GetValue() == c.persistent || i.GetIsolate().GetValue() != c.isolated || i.GetHealthy().GetValue() == c.unwell {
				t.Errorf("registered %v", i)
			}
			if diff := cmp.Diff(c.metadata, i.GetMetadata()); diff != "" {
				t.Errorf("metadata: (-want +got)\n%s", diff)
			}
			if (i.GetId() != nil) != (c.call == "update") {
				t.Errorf("id %q", i.GetId().GetValue())
			}
		})
	}
}

func TestBeats(t *testing.T) {
	const taken, notFound = `{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}`, `{"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true}`
	for _, c := range []struct {
		name, query string
		code        apimodel.Code
		status      int
		answer      string
		service     string
	}{
		{name: "in JSON", query: `serviceName=G@@s&beat={"ip":"10.1.0.7","port":8080,"weight":1.0,"serviceName":"G@@x","cluster":"A","metadata":{}}`, answer: taken, service: "G__s"},
		{name: "light", query: "serviceName=s&groupName=G&ip=10.1.0.7&port=8080&clusterName=A&beat=", answer: taken, service: "G__s"},
		{name: "not registered", query: "serviceName=s&ip=10.1.0.7&port=8080", code: apimodel.Code_NotFoundResource, answer: notFound, service: "s"},
		{name: "a store that is away", query: "serviceName=s&ip=10.1.0.7&port=8080", code: apimodel.Code_StoreLayerException, status: 500, answer: "Polaris answers 500001, StoreLayerException", service: "s"},
		{name: "cut", query: `serviceName=s&beat={"ip":"10.1`, status: 400, answer: `beat is "{\"ip\":\"10.1", expected an object of JSON`},
		{name: "no port", query: `serviceName=s&beat={"ip":"10.1.0.7"}`, status: 400, answer: "the parameter ip is missing"},
		{name: "not a port", query: `serviceName=s&beat={"ip":"10.1.0.7","port":-1}`, status: 400, answer: `beat is of "10.1.0.7", port -1, expected the address of an instance`},
		{name: "too large a port", query: `serviceName=s&beat={"ip":"10.1.0.7","port":99999999999999999999}`, status: 400, answer: `beat is "{\"ip\":\"10.1.0.7\",\"port\":99999999999999999999}", expected an object of JSON`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &testRegistry{code: c.code}
			status, text := send(newTestHandler(&testRouting{}, r), "10.1.0.1:700", "PUT", "/nacos/v1/ns/instance/beat?"+strings.ReplaceAll(c.query, `"`, "%22"), "", "")
			if status != max(c.status, 200) || strings.TrimSpace(text) != c.answer {
				t.Errorf("%d %s", status, text)
			}
			if c.service != "" && (len(r.instances) != 1 || r.instances[0].GetService().GetValue() != c.service || r.instances[0].GetHost().GetValue() != "10.1.0.7" || r.instances[0].GetPort().GetValue() != 8080) {
				t.Errorf("reported %v", r.instances)
			}
		})
	}
}

// The routes without instances, and those that are the stock listener's.
func TestOtherRoutes(t *testing.T) {
	for _, c := range []struct {
		name, method, target, kind, body string
		status                           int
		answer                           string
	}{
		{name: "metrics", method: "GET", target: "/nacos/v1/ns/operator/metrics", answer: `{"status":"UP"}`},
		{name: "login", method: "POST", target: "/nacos/v1/auth/login?username=u", body: "password=good", answer: `{"accessToken":"good","globalAdmin":false,"tokenTtl":120,"username":"u"}`},
		{name: "login of Nacos 2", method: "POST", target: "/nacos/v1/auth/users/login", kind: "application/x-www-form-urlencoded", body: "username=u&password=good", answer: `{"accessToken":"good","globalAdmin":false,"tokenTtl":120,"username":"u"}`},
		{name: "login at the path of the stock listener", method: "POST", target: "/v1/auth/login?username=u&password=good", answer: `{"accessToken":"good","globalAdmin":false,"tokenTtl":120,"username":"u"}`},
		{name: "a wrong password", method: "POST", target: "/nacos/v1/auth/login?username=u&password=bad", status: 403, answer: "the password is no token that Polaris knows"},
		{name: "services", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=1&pageSize=10", answer: `{"count":2,"doms":["a","b"]}`},
		{name: "services of a group", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=1&pageSize=1&groupName=G&namespaceId=team", answer: `{"count":2,"doms":["c"]}`},
		{name: "the second page", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=2&pageSize=1&groupName=G&namespaceId=team", answer: `{"count":2,"doms":["team"]}`},
		{name: "behind the last page", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=1073741824&pageSize=1073741824", answer: `{"count":2,"doms":[]}`},
		{name: "no page", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=-1&pageSize=1", status: 400, answer: `pageNo is "-1", expected a whole number from 0 to 1073741824`},
		{name: "no size", method: "GET", target: "/nacos/v1/ns/service/list?pageNo=1", status: 400, answer: "the parameter pageSize is missing"},
		{name: "a configuration", method: "GET", target: "/nacos/v1/cs/configs?dataId=d&group=g", answer: "GET /nacos/v1/cs/configs dataId=d&group=g application/x-www-form-urlencoded"},
		{name: "a configuration in a form", method: "POST", target: "/nacos/v1/cs/configs", body: "dataId=d&group=g&content=c", answer: "POST /nacos/v1/cs/configs content=c&dataId=d&group=g application/x-www-form-urlencoded"},
		{name: "another method", method: "PATCH", target: "/nacos/v1/ns/instance", answer: "PATCH /nacos/v1/ns/instance  application/x-www-form-urlencoded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := send(newTestHandler(&testRouting{}, nil), "10.1.0.1:700", c.method, c.target, c.kind, c.body)
			if status != max(c.status, 200) || strings.TrimSpace(text) != c.answer {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

package nacos

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

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
		{name: "no text", from: "10.1.0.1:700", query: "serviceName=s&clusters=%ff", status: 400, text: `parameter "clusters" is no text in UTF-8`},
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
		{name: "a form that is no text", method: "POST", target: "/nacos/v1/ns/instance", body: "serviceName=s&ip=%ff", status: 400, answer: `parameter "ip" is no text in UTF-8`},
		{name: "a name that is no text", method: "POST", target: "/nacos/v1/ns/instance", body: "serviceName=s&%fe=1", status: 400, answer: `parameter "\xfe" is no text in UTF-8`},
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

package nacos

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// Whatever a client sends, it gets a status with a reason that can be printed, or what the
// route answers: a list is the caller's own, and what Polaris is told is bounded and is what
// the client may say.
func FuzzHTTP(f *testing.F) {
	f.Add("GET", "/nacos/v1/ns/instance/list", "serviceName=s&clusters=A,B&healthyOnly=True&udpPort=4000&clientIP=10.1.0.2", "", "")
	f.Add("POST", "/nacos/v1/ns/instance", "", "application/x-www-form-urlencoded;charset=UTF-8", `ip=10.1.0.7&port=80&serviceName=G@@s&weight=0.5&metadata={"a":1}&ephemeral=false`)
	f.Add("PUT", "/nacos/v1/ns/instance", "ip=::1&port=0&serviceName=s&metadata=a=1,b:2", "", "")
	f.Add("DELETE", "/nacos/v1/ns/instance/", "ip=x&port=1&serviceName=s", "", "")
	f.Add("PUT", "/nacos/v1/ns/instance/beat", "serviceName=s", "", `beat={"ip":"10.1.0.7","port":80}`)
	f.Add("GET", "/nacos/v1/ns/service/list", "pageNo=2&pageSize=1", "", "")
	f.Add("POST", "/nacos/v1/auth/login", "username=u", "", "password=good")
	f.Add("POST", "/nacos/v1/cs/configs", "dataId=d", "text/plain", "content=%zz")
	f.Fuzz(func(t *testing.T, method, path, query, kind, body string) {
		caller := netip.MustParseAddr("10.1.0.1")
		s := &testRouting{lists: map[netip.Addr]*apiservice.DiscoverResponse{
			caller: listOf("own", instance("own", 1, true, false, nil)), netip.MustParseAddr("10.1.0.2"): listOf("other", instance("other", 1, true, false, nil)),
		}}
		told := &testRegistry{}
		h := newTestHandler(s, told)
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Content-Type": {kind}}, RemoteAddr: "10.1.0.1:700"}
		r.Body, r.ContentLength = http.NoBody, int64(len(body))
		if body != "" {
			r.Body = httptest.NewRequest("POST", "/", strings.NewReader(body)).Body
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		text := w.Body.String()
		switch w.Code {
		case http.StatusOK:
		case http.StatusBadRequest, http.StatusForbidden:
			if len(text) > 3*maxQuoted+maxText || strings.ContainsFunc(strings.TrimSpace(text), func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Fatalf("%d %q", w.Code, text)
			}
		default:
			t.Fatalf("%d %q", w.Code, text)
		}
		if strings.Contains(text, "other") && !strings.Contains(query+body, "other") {
			t.Fatalf("the list of another caller: %s", text)
		}
		if strings.HasSuffix(strings.Trim(path, "/"), "v1/ns/instance/list") && method == "GET" && w.Code == 200 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("no JSON: %s", text)
		}
		checkTold(t, told)
	})
}

// checkTold checks what Polaris is told of instances.
func checkTold(t *testing.T, told *testRegistry) {
	t.Helper()
	for n, i := range told.instances {
		if i.GetService().GetValue() == "" || i.GetNamespace().GetValue() == "" || i.GetHost().GetValue() == "" || i.GetPort().GetValue() > maxPort || i.GetWeight().GetValue() > maxWeight {
			t.Fatalf("%s %v", told.calls[n], i)
		}
		for key := range i.GetMetadata() {
			switch key {
			case metaWeight, metaEphemeral, metaPrefix + "cluster", metaPrefix + "service":
			default:
				if strings.HasPrefix(key, metaPrefix) {
					t.Fatalf("%s with %q", told.calls[n], key)
				}
			}
		}
	}
}

package nacos

import (
	"strings"
	"testing"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
)

// Heartbeats, as clients send them, and what Polaris is told.
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

// What a client invents is in no metric.
func TestRoutesInMetrics(t *testing.T) {
	for name, want := range map[string]bool{
		"GET /nacos/v1/ns/instance/list": true, "POST /nacos/v1/cs/configs": true, "PATCH /nacos/v1/ns/instance": false, "GET /x": false, "GET /nacos/v1/cs/configs/x": false,
	} {
		method, path, _ := strings.Cut(name, " ")
		if isRoute(method, path) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

package nacos

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
)

// Requests for persistent instances, as bodies of messages, with what Polaris is told.
func TestPersistentRequests(t *testing.T) {
	const where = `"namespace":"","groupName":"","serviceName":"s","instance":{"ip":"10.1.0.7","port":80,"ephemeral":true`
	for _, c := range []struct {
		name, body string
		code       apimodel.Code
		call       string // "": Polaris is not asked
		err        string
	}{
		{name: "registered", body: `{"type":"registerInstance",` + where + `,"weight":0.5}}`, call: "register"},
		{name: "nothing but an address", body: `{"type":"registerInstance",` + where + `}}`, call: "register"},
		{name: "removed", body: `{"type":"deregisterInstance",` + where + `,"weight":-1}}`, call: "deregister"},
		{name: "removed before", body: `{"type":"deregisterInstance",` + where + `}}`, code: apimodel.Code_NotFoundResource, call: "deregister"},
		{name: "refused", body: `{"type":"registerInstance",` + where + `}}`, code: apimodel.Code_NotAllowedAccess, call: "register", err: "Polaris answers 401001, NotAllowedAccess"},
		{name: "another type", body: `{"type":"x",` + where + `}}`, err: `type is "x", expected registerInstance or deregisterInstance`},
		{name: "no weight", body: `{"type":"registerInstance",` + where + `,"weight":10001}}`, err: "weight is 10001, expected a number from 0 to 10000"},
		{name: "nothing", body: `{}`, err: `serviceName is "", ip "", port 0, expected a service, and the address of an instance`},
		{name: "no port", body: `{"type":"registerInstance","serviceName":"s","instance":{"ip":"1","port":-1}}`, err: `serviceName is "s", ip "1", port -1, expected a service, and the address of an instance`},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := &testRegistry{code: c.code}
			requests := persistentInstances(told)
			request := requests.PayloadBuilder().(*nacospb.PersistentInstanceRequest)
			if err := json.Unmarshal([]byte(c.body), request); err != nil {
				t.Fatal(err)
			}
			resp, err := requests.Handler(t.Context(), request, nacospb.RequestMeta{})
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
			} else if err != nil || !resp.IsSuccess() || resp.GetResultCode() != 200 || resp.(*nacospb.InstanceResponse).Type != request.Type {
				t.Errorf("answered %v, %v", resp, err)
			}
			if c.call == "" {
				if len(told.calls) > 0 {
					t.Errorf("Polaris is asked to %v", told.calls)
				}
				return
			}
			i := told.instances[0]
			if told.calls[0] != c.call || i.GetNamespace().GetValue() != "default" || i.GetService().GetValue() != "s" || i.GetHost().GetValue() != "10.1.0.7" || i.GetEnableHealthCheck().GetValue() {
				t.Errorf("%s %v", told.calls[0], i)
			}
			if c.call == "register" && (!i.GetHealthy().GetValue() || i.GetIsolate().GetValue() || i.GetWeight().GetValue() != 1 || i.GetMetadata()[metaEphemeral] != "false" || i.GetMetadata()["internal-nacos-cluster"] != "DEFAULT") {
				t.Errorf("registered %v", i)
			}
		})
	}
}

// What the stock handlers are given to register: whole weights, and a group.
func TestPrepare(t *testing.T) {
	half := func() *nacosmodel.Instance {
		return &nacosmodel.Instance{Weight: 0.5, Metadata: map[string]string{"internal-nacos-clientconnId": "forged", "k": "v"}}
	}
	one, several := nacospb.NewInstanceRequest(), nacospb.NewBatchInstanceRequest()
	one.GroupName, several.GroupName = "", ""
	one.Instance, several.Instances = *half(), []*nacosmodel.Instance{half(), {Weight: 3}}
	for _, message := range []nacospb.BaseRequest{one, several, nacospb.NewServiceListRequest()} {
		if err := prepare(message); err != nil {
			t.Error(err)
		}
	}
	want := nacosmodel.Instance{Weight: 1, Metadata: map[string]string{"k": "v", metaWeight: "0.5"}}
	if diff := cmp.Diff([]nacosmodel.Instance{want, want, {Weight: 3, Metadata: map[string]string{}}}, []nacosmodel.Instance{one.Instance, *several.Instances[0], *several.Instances[1]}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if one.GroupName != "DEFAULT_GROUP" || several.GroupName != "DEFAULT_GROUP" {
		t.Errorf("groups %q, %q", one.GroupName, several.GroupName)
	}
	for text, instances := range map[string][]*nacosmodel.Instance{
		"instance 1 is null, expected an object":          {half(), nil},
		"weight is -1, expected a number from 0 to 10000": {{Weight: -1}},
	} {
		if err := prepare(&nacospb.BatchInstanceRequest{NamingRequest: nacospb.NewNamingRequest(), Instances: instances}); err == nil || err.Error() != text {
			t.Errorf("%v, want %s", err, text)
		}
	}
}

// Pages of names over gRPC, also behind the last one.
func TestServiceLists(t *testing.T) {
	requests := serviceLists(func(namespace string) []string { return []string{"b", "a", "G__" + namespace} })
	for _, c := range []struct {
		name, namespace, group string
		number, size           int
		count                  int
		want                   []string
	}{
		{"the first page", "", "", 1, 1, 2, []string{"a"}},
		{"the second", "public", "DEFAULT_GROUP", 2, 1, 2, []string{"b"}},
		{"behind the last", "", "", 9, 10, 2, []string{}},
		{"a group", "team", "G", 1, 10, 1, []string{"team"}},
	} {
		m := nacospb.NewServiceListRequest()
		m.Namespace, m.GroupName, m.PageNo, m.PageSize = c.namespace, c.group, c.number, c.size
		resp, err := requests.Handler(t.Context(), m, nacospb.RequestMeta{})
		if err != nil {
			t.Fatal(err)
		}
		got := resp.(*nacospb.ServiceListResponse)
		if diff := cmp.Diff(c.want, got.ServiceNames); diff != "" || got.Count != c.count || !got.IsSuccess() {
			t.Errorf("%s: %d (-want +got)\n%s", c.name, got.Count, diff)
		}
	}
	if _, err := requests.Handler(t.Context(), &nacospb.ServiceListRequest{NamingRequest: nacospb.NewNamingRequest(), PageNo: -1}, nacospb.RequestMeta{}); err == nil || err.Error() != "pageNo is -1, pageSize 0, expected whole numbers from 0 to 1073741824" {
		t.Error(err)
	}
}

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// openapiBackend answers from a world, and with values of its own where a world has
// none.
type openapiBackend struct{ world *world.World }

func newOpenAPIBackend(t *testing.T) openapiBackend {
	var problems strict.Problems
	w := &world.World{
		Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,region,zone,set\n10.1.0.0/16,r,z,a.b.c\n10.2.0.0/16,r,y,a.b.*\n")}}, &problems),
		Rules: route.Load([]strict.File{{Name: "r.yaml", Data: []byte(`
version: 1
rules:
  - {name: routed, service: default/routed, set: {}, nearby: {}}
  - {name: shadow, service: default/shadow, set: {}, mode: shadow}
  - {name: blended, service: default/blended, set: {}, rollout: {percent: 20, by: weight}}
addresses: [{service: default/lane, target: default/routed, set: {callee: x.y.z}}]
`)}}, time.Now(), &problems),
		Seen: []world.Seen{{Addr: netip.MustParseAddr("10.9.0.1"), Requests: 1}},
		Pods: []world.Pod{{Addr: netip.MustParseAddr("10.3.0.1"), SET: "a.b.c", Labels: map[string]string{"lane": "gray"}, From: "pod bj/default/p"}},
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"routed", "shadow", "blended", "stock"} {
		service, drifted := route.Service{Namespace: "default", Name: name}, map[string]string{location.MetaSetGroup: "no SET"}
		w.Instances = append(w.Instances, world.Instance{ID: "1", Service: service, Host: "10.1.1.1", Healthy: true, Weight: 100, Metadata: drifted},
			world.Instance{ID: "2", Service: service, Host: "10.2.1.1", Healthy: true, Weight: 100, Location: location.Location{Region: "q"}},
			world.Instance{ID: "3", Service: service, Host: "a-host"})
	}
	for _, set := range []string{"a.b.c", "a.b.*", "no SET"} { // three at one address
		w.Instances = append(w.Instances, world.Instance{
			ID: set, Service: route.Service{Namespace: "default", Name: "gateway"}, Host: "10.9.0.7", Healthy: true, Metadata: map[string]string{location.MetaSetGroup: set},
		})
	}
	return openapiBackend{w}
}

func (b openapiBackend) World() *world.World { return b.world }

func (b openapiBackend) Caller(addr netip.Addr) explain.Caller { return b.world.Caller(addr) }

func (b openapiBackend) Dump() world.Dump {
	return world.NewDump(b.world, []strict.File{{Name: "m.csv"}}, []strict.File{{Name: "r.yaml"}})
}

func (b openapiBackend) Explain(q world.Request) (explain.Explanation, error) {
	if !b.world.HasService(q.Service) {
		return explain.Explanation{}, router.NotFound{Service: q.Service}
	}
	if q.SET == "x.y.z" {
		return explain.Explanation{}, errors.New("the server answers with code 500000: execute exception")
	}
	return b.world.Explain(q), nil
}

func (b openapiBackend) Status(context.Context) api.Status {
	var lints strict.Problems
	b.world.Rules.Lint(b.world.Table, &lints)
	lints.Add(strict.Warning("r.yaml", 2, 9, "rule %q can never match", "r")) // at least one, for its fields
	return api.Status{
		Files: []api.Files{{Kind: "mapping", Names: []string{"m.csv"}, Problems: []string{}, Releases: []release.Release{{Type: "gray"}}, Fetches: []api.Fetch{{Address: "https://h/m.csv"}}}}, Rules: []api.RuleStatus{{Mode: "enforce", By: "caller"}},
		Evacuations: []api.Evacuation{{Kind: "set"}}, Protocols: []api.Protocol{{Name: "service-grpc"}}, Warnings: lints.List(),
		Callers: api.Callers{First: b.world.Strangers(), Untold: []explain.Untold{{Peer: "10.9.0.1", Reason: "empty", Why: "w", Requests: 1}}}, Drift: api.DriftStatus{First: b.world.Drifts()}, SeveralSETs: api.SeveralSETs{First: b.world.WithSeveralSETs()},
		State:   api.CallerStates{Notes: []string{"of this node alone"}, Counts: map[string]int{"empty": 1}, Kinds: []api.KindState{{Service: "default/s", State: "empty", Rule: "r", Kind: "a.b.c in -", Tier: "own", Level: "zone", Callers: 1}}},
		Unknown: api.UnknownCallers{First: []world.Unknown{{Address: "10.9.0.1", Service: "default/s", Rule: "r", Gets: world.GetsNothing}}},
		Kubernetes: &sources.Status{Clusters: []sources.Cluster{{
			Name: "bj", State: sources.StateLive, First: []sources.Invalid{{Pod: "default/p", Why: "no SET name"}}, Problems: []string{"forbidden"},
		}}},
	}
}

func (b openapiBackend) Nodes(context.Context) api.Cluster {
	list := []api.Node{
		{Address: "10.0.0.1:8091", Self: true, Healthy: true, Summary: &api.Summary{Files: []api.NodeFiles{{Kind: api.KindRouting}}}},
		{Address: "10.0.0.2:8091", Healthy: true, Problem: "does not answer within 2s"},
	}
	return api.Cluster{Reasons: []string{"10.0.0.2:8091 does not answer within 2s"}, Note: "others may be missing", Nodes: list}
}

func (b openapiBackend) Changes(string) []api.Change {
	state := b.world.Explain(world.Request{Addr: netip.MustParseAddr("10.1.0.1"), Service: route.Service{Namespace: "default", Name: "routed"}}).State()
	return []api.Change{{Change: "changed", Before: &state, After: state}, {Change: "first", After: state}}
}

func (b openapiBackend) Reload(force bool) []api.Reloaded {
	return []api.Reloaded{{Kind: "mapping", OK: force, Problems: []string{}}}
}

func (b openapiBackend) ReloadAll(_ context.Context, force bool) api.ClusterReload {
	return api.ClusterReload{Notes: []string{"others may be missing"}, Nodes: []api.NodeReload{
		{Address: "10.0.0.1:8091", Self: true, Healthy: true, Files: b.Reload(force)},
		{Address: "10.0.0.2:8091", Problem: "does not answer within 45s", Files: []api.Reloaded{}},
	}}
}

func (b openapiBackend) ConfigFile(name string) (release.Saved, error) {
	switch name {
	case "polaris://a/b/away":
		return release.Saved{}, errors.New("the store of the config center cannot be read")
	case "polaris://a/b/c.yaml":
		return release.Saved{Name: name, Content: "version: 1", Released: &release.Released{Release: release.Release{Type: "full"}}}, nil
	}
	return release.Saved{}, configcenter.ErrAbsent
}

func (b openapiBackend) PublishConfigFile(name string, e release.Edit, by configcenter.Operator) (release.Published, error) {
	switch {
	case by.Token != "good":
		return release.Published{}, configcenter.Denied("no")
	case name == "polaris://a/b/away":
		return release.Published{}, errors.New("the store of the config center cannot be read")
	case name != "polaris://a/b/c.yaml":
		return release.Published{}, configcenter.ErrAbsent
	case e.Base != "right":
		return release.Published{}, configcenter.Conflict("was changed")
	}
	return release.Published{Name: name, Release: e.Release}, nil
}

// The handler gives every answer that is in the document, and each has the shape
// that the document says.
func TestOpenAPIAnswers(t *testing.T) {
	d, answered := loadOpenAPI(t), map[string]bool{}
	body, polarisToken := "", "good"
	ask := func(token, host, request, want string) {
		method, target, _ := strings.Cut(request, " ")
		path, _, _ := strings.Cut(target, "?")
		r, w := httptest.NewRequest(strings.ToUpper(method), target, strings.NewReader(body)), httptest.NewRecorder()
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("x-polaris-token", polarisToken)
		newHandler(newOpenAPIBackend(t), token).ServeHTTP(w, r)
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		answered[fmt.Sprint(method, " ", path, " ", w.Code)] = true
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s has no %s: %s", request, want, w.Body)
		}
		content := d.find(d, "paths", path, method, "responses", fmt.Sprint(w.Code), "content", media)
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Errorf("%s: %v", request, err)
		}
		d.check(t, fmt.Sprint(request, " ", w.Code), content["schema"], v)
		if example, ok := content["example"].(openapiNode); ok && example["code"] != v.(map[string]any)["code"] {
			t.Errorf("%s: the example is %v", request, example)
		}
	}
	for request, want := range map[string]string{
		"nodes":  "10.0.0.2:8091 does not answer within 2s",
		"status": `"address": "10.9.0.7"`, "services": "default/lane", "dump": `"metadata": {}`, "changes": `"before"`,
		"explain?caller=10.1.0.1&service=default/routed":           `"level"`,
		"explain?caller=10.1.0.1&service=default/routed&set=a.b.d": `"tier": "pool"`,
		"explain?caller=10.1.0.1&service=default/shadow":           `"answer": "shadow"`,
		"explain?caller=10.1.0.1&service=default/blended":          `"answer": "blended"`,
		"explain?caller=10.1.0.1&service=default/stock":            `"answer": "stock"`,
		"explain?caller=10.1.0.1&service=default/lane":             `"choices"`,
		"explain?caller=10.1.0.1&service=default/lane&set=x.y.z":   "internal",
		"explain?caller=10.1.0.1&service=default/none":             "not-found",
		"explain?caller=10.1&service=default/routed":               "bad-request",
		"explain?caller=10.9.0.7&service=default/gateway":          `"decisive": true`,
		"lookup?address=10.1.0.1":                                  `"value": "a.b.c"`,
		"lookup?address=10.9.0.7":                                  `"says": "a.b.*"`,
		"lookup?address=10.1":                                      "bad-request",
		"who?service=default/routed":                               `"unreached"`,
		"changes?service=routed":                                   "bad-request",
		"configfile?name=polaris://a/b/c.yaml":                     `"content": "version: 1"`,
		"configfile?name=polaris://a/b/away":                       "internal",
		"configfile?name=polaris://a/b/none":                       "not-found",
		"who?service=default/none":                                 "not-found",
		"who?service=routed":                                       "bad-request",
	} {
		ask("", "localhost:8095", "get /setrouter/v1/"+request, want)
	}
	ask("", "localhost:8095", "post /setrouter/v1/reload?force=true", `"ok": true`)
	ask("", "localhost:8095", "post /setrouter/v1/reload?force=yes", "bad-request")
	ask("", "localhost:8095", "post /setrouter/v1/nodes/reload?force=true", `"problem": "does not answer within 45s"`)
	ask("", "localhost:8095", "post /setrouter/v1/nodes/reload?force=yes", "bad-request")
	const publish = "post /setrouter/v1/configfile?name=polaris://a/b/"
	for _, tt := range []struct{ name, body, token, want string }{
		{"c.yaml", `{"base": "right", "content": "version: 1", "release": "r"}`, "good", `"release": "r"`},
		{"c.yaml", `{"base": "wrong"}`, "good", "conflict"},
		{"c.yaml", `{"bsae": "right"}`, "good", "bad-request"},
		{"c.yaml", `{"base": "right"}`, "", "refused"},
		{"d.yaml", `{"base": "right"}`, "good", "not-found"},
		{"away", `{"base": "right"}`, "good", "internal"},
	} {
		body, polarisToken = tt.body, tt.token
		ask("", "localhost:8095", publish+tt.name, tt.want)
	}
	body, polarisToken = "", ""
	for path, operations := range d.find(d, "paths") {
		for method, operation := range d.find(operations) {
			ask("secret", "localhost:8095", method+" "+path, "unauthorized")
			ask("", "evil.example:8095", method+" "+path, "refused")
			for code := range d.find(operation, "responses") {
				if name := fmt.Sprint(method, " ", path, " ", code); !answered[name] {
					t.Errorf("%s is in the document, and was not answered", name)
				}
			}
		}
	}
}

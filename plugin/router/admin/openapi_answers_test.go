package admin

import (
	"cmp"
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
	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
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

func (b openapiBackend) Dump(context.Context) world.Dump {
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

func (b openapiBackend) Status(ctx context.Context) api.Status {
	var lints strict.Problems
	b.world.Rules.Lint(b.world.Table, &lints)
	lints.Add(strict.Warning("r.yaml", 2, 9, "rule %q can never match", "r")) // at least one, for its fields
	away := time.Unix(1_800_000_000, 0)
	status := api.Status{
		Load:    api.NewLoadStatus([]world.RoadLoad{{Service: "default/novel", Rule: "novel", Usable: 2, Seen: 9, Times: 6}}, true, 1),
		Backing: []api.Backing{{Kind: api.BackingStore, Name: "defaultStore", AwayAt: &away, Problem: "refused"}, {Kind: api.BackingHeartbeats, Name: "heartbeatRedis"}},
		Files:   []api.Files{{Kind: "mapping", Names: []string{"m.csv"}, Problems: []string{}, Releases: []release.Release{{Type: "gray"}}, Fetches: []api.Fetch{{Address: "https://h/m.csv"}}}}, Rules: []api.RuleStatus{{Mode: "enforce", By: "caller"}},
		Evacuations: []api.Evacuation{{Kind: "set", Reach: world.Reach{Unreached: []world.Unreached{{Service: "default/s"}}, Left: []world.Left{{Service: "default/s"}}}}}, Protocols: []api.Protocol{{Name: "service-grpc"}}, Warnings: lints.List(),
		Callers: api.Callers{First: b.world.Strangers(), Untold: []explain.Untold{{Peer: "10.9.0.1", Reason: "empty", Why: "w", Requests: 1}}}, Drift: api.DriftStatus{First: b.world.Drifts()}, SeveralSETs: api.SeveralSETs{First: b.world.WithSeveralSETs()},
		State:   api.CallerStates{Notes: []string{"of this node alone"}, Counts: map[string]int{"empty": 1}, Kinds: []api.KindState{{Service: "default/s", State: "empty", Rule: "r", Kind: "a.b.c in -", Tier: "own", Level: "zone", Callers: 1}}},
		Unknown: api.UnknownCallers{First: []world.Unknown{{Address: "10.9.0.1", Service: "default/s", Rule: "r", Gets: world.GetsNothing}}},
		Kubernetes: &sources.Status{Clusters: []sources.Cluster{{
			Name: "bj", State: sources.StateLive, First: []sources.Invalid{{Pod: "default/p", Why: "no SET name"}}, Problems: []string{"forbidden"},
		}}},
	}
	status.Health = api.NewHealth(status, b.Nodes(ctx))
	return status
}

func (b openapiBackend) Nodes(context.Context) api.Cluster {
	list := []api.Node{
		{Address: "10.0.0.1:8091", Self: true, Healthy: true, Summary: &api.Summary{Files: []api.NodeFiles{{Kind: api.KindRouting}}, Away: []api.Away{{Kind: api.BackingStore}}}},
		{Address: "10.0.0.2:8091", Healthy: true, Problem: "does not answer within 2s", Stock: true},
	}
	all := api.NewCluster(list, []api.Difference{{About: api.AboutStock, Node: "10.0.0.2:8091", Text: "10.0.0.2:8091 does not answer within 2s"}})
	all.Note = "others may be missing"
	return all
}

func (b openapiBackend) Matrix(_ context.Context, r matrixRequest) (api.Matrix, error) {
	if r.Callers != (matrix.Filter{}) {
		return api.Matrix{}, errBusy()
	}
	if r.Service.Name != "" && !b.world.HasService(r.Service) {
		return api.Matrix{}, router.NotFound{Service: r.Service}
	}
	if len(r.files.Files) > 0 {
		var err error
		if r.suppose.World, err = withFiles(b.world, nil, r.files); err != nil {
			return api.Matrix{}, err
		}
	}
	r.All = true
	return matrixOf(b.world, nil, r), nil
}

func (b openapiBackend) ServiceStates(_ context.Context, q matrix.ServiceQuery) (api.ServiceStates, error) {
	if q.Filter == "busy" {
		return api.ServiceStates{}, errBusy()
	}
	return matrix.Services(b.world, []matrix.Asked{{Service: route.Service{Namespace: "default", Name: "routed"}, State: api.KindState{Service: "default/routed", State: "empty", Rule: "routed", Callers: 1, Last: time.Now()}}}, q), nil
}

func (b openapiBackend) Drill(_ context.Context, q world.DrillQuery) (world.Drill, error) {
	if q.Each == "campus" {
		return world.Drill{}, errBusy()
	}
	return b.world.Drill(q), nil
}

func (b openapiBackend) Timeline(context.Context) api.Timeline {
	now := time.Now()
	change := b.Changes("")[0]
	change.At, change.After.Instances = now, 0
	return timeline.New("10.0.0.1:8091", now, now.Add(-time.Hour), []events.Event{{At: now, Code: "started", Severity: "info", Args: map[string]string{"version": "v"}}}, []api.Change{change})
}

func (b openapiBackend) Callers(_ context.Context, q api.CallerQuery) api.CallerList {
	if q.Service == "default/none" {
		return api.CallerList{}
	}
	caller, last := netip.MustParseAddr("10.1.0.1"), time.Unix(1_800_000_000, 0)
	return api.CallerList{
		Kinds:     []api.CallerKind{{Service: cmp.Or(q.Service, "default/routed"), Rule: "routed", Kind: "a.b.c in r/z", State: "first", Callers: 1, Last: last, Addresses: []api.CallerAddress{{Address: caller, Last: last, Requests: 7}}}},
		Untold:    []explain.Untold{{Peer: "10.9.0.1", Reason: "empty", Why: "w", Requests: 1}},
		Forwarded: []api.Forwarded{{Peer: "10.9.0.2", Requests: 1}}, Notes: []string{"of this node alone"}, Alone: true,
		Quiet: []api.QuietName{{Name: "default/lane", What: api.NameAddress, Target: "default/routed", LastAsked: &last}, {Name: "default/old", What: api.NameService}},
	}
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

func (b openapiBackend) ConfigRelease(name, releaseName string) (release.Released, error) {
	saved, err := b.ConfigFile(name)
	if err != nil || releaseName != "r1" {
		return release.Released{}, cmp.Or(err, configcenter.ErrAbsent)
	}
	return *saved.Released, nil
}

func (b openapiBackend) ConfigHistory(name string) (release.History, error) {
	saved, err := b.ConfigFile(name)
	if err != nil {
		return release.History{}, err
	}
	return release.History{
		Name: name, Releases: []release.Entry{{Release: saved.Released.Release, Gray: []string{"10.0.0.1"}}}, Events: []release.Event{{What: release.WhatGray}},
	}, nil
}

func (b openapiBackend) RollbackConfigFile(name string, to release.Switch, by configcenter.Operator) (release.Published, error) {
	return b.PublishConfigFile(name, release.Edit{Base: to.Base, Release: to.Release}, by)
}

func (b openapiBackend) StopGrayConfigFile(name string, gray release.Switch, by configcenter.Operator) (release.Published, error) {
	return b.RollbackConfigFile(name, gray, by)
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
		"status": `"address": "10.9.0.7"`, "services": "default/lane", "dump": `"metadata":{}`, "changes": `"before"`,
		"callers": `"lastAsked"`, "callers?service=default/lane&limit=1": `"default/lane"`, "callers?limit=x": "bad-request", "callers?service=x": "bad-request",
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
		"matrix":                                                   `"home"`,
		"matrix?lost=zone:r/z&columns=set&rows=kind":               `"leaveCity": 0`,
		"matrix?service=default/none":                              "not-found",
		"matrix?rows=bisiness":                                     "bad-request",
		"matrix?callerSet=a":                                       "busy",
		"servicestates":                                            `"state": "none"`,
		"servicestates?limit=0":                                    "bad-request",
		"servicestates?filter=busy":                                "busy",
		"drill?each=zone":                                          `"times": 2`,
		"drill?each=set&place=a.b.c&gone=true&limit=1":             `"place": "a.b.c"`,
		"drill?each=zone&service=default/none":                     "not-found",
		"drill?each=campus":                                        "busy",
		"drill?each=city":                                          `each \"city\" is nothing to lose, expected one of region, zone, campus, set`,
		"drill?each=zone&place=z":                                  `place: zone \"z\" is not region/zone`,
		"drill?each=zone&gone=yes":                                 `gone \"yes\" is not true or false`,
		"drill?each=zone&limit=0":                                  `limit \"0\" is not a number from 1 to 1000`,
		"timeline":                                                 `"code": "emptied"`,
		"timeline?limit=x":                                         "bad-request",
		"callers?service=default/none":                             "not-found",
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
	for request, want := range map[string]string{
		"release?name=polaris://a/b/c.yaml&release=r1": `"type": "full"`, "release?name=polaris://a/b/c.yaml&release=r2": "not-found", "release?name=polaris://a/b/away&release=r1": "internal",
		"history?name=polaris://a/b/c.yaml": `"what": "published gray"`, "history?name=polaris://a/b/none": "not-found", "history?name=polaris://a/b/away": "internal",
	} {
		ask("", "localhost:8095", "get /setrouter/v1/configfile/"+request, want)
	}
	for _, path := range []string{"rollback", "stop-gray"} {
		for _, tt := range []struct{ name, body, token, want string }{
			{"c.yaml", `{"base": "right", "release": "r"}`, "good", `"release": "r"`}, {"c.yaml", `{"base": "wrong", "release": "r"}`, "good", "conflict"}, {"c.yaml", `{"bsae": "right"}`, "good", "bad-request"},
			{"c.yaml", `{"release": "r"}`, "", "refused"}, {"d.yaml", `{"release": "r"}`, "good", "not-found"}, {"away", `{"release": "r"}`, "good", "internal"},
		} {
			body, polarisToken = tt.body, tt.token
			ask("", "localhost:8095", "post /setrouter/v1/configfile/"+path+"?name=polaris://a/b/"+tt.name, tt.want)
		}
	}
	for _, tt := range []struct{ query, body, want string }{
		{"", `{"files": [{"kind": "routing", "name": "r", "content": "version: 1\nrules: [{name: a, service: default/*, set: {unknown: none}}]"}]}`, `"files": [`},
		{"", `{"files": [{"kind": "routing", "name": "r", "content": "version: 2"}]}`, "bad-request"},
		{"?service=default/none", `{"files": [{"kind": "mapping", "name": "r", "content": "version: 1"}]}`, "not-found"},
		{"?callerSet=a", `{"files": [{"kind": "mapping", "name": "r", "content": "version: 1"}]}`, "busy"},
	} {
		body = tt.body
		ask("", "localhost:8095", "post /setrouter/v1/matrix"+tt.query, tt.want)
	}
	body, polarisToken = `{"content": "`+strings.Repeat("x", maxFile)+`"}`, "good"
	for _, path := range []string{"matrix", "configfile?name=polaris://a/b/c.yaml", "configfile/rollback?name=polaris://a/b/c.yaml", "configfile/stop-gray?name=polaris://a/b/c.yaml"} {
		ask("", "localhost:8095", "post /setrouter/v1/"+path, "too-large")
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

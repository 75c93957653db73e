package admin

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

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

// openapiNode is docs/openapi.yaml, or a node in it.
type openapiNode map[string]any

func openapiLoad(t *testing.T) (d openapiNode) {
	data, err := os.ReadFile("../../../docs/openapi.yaml")
	if err := errors.Join(err, yaml.Unmarshal(data, &d)); err != nil {
		t.Fatal(err)
	}
	for name := range d.at(d, "components", "schemas") {
		if !strings.Contains(string(data), "schemas/"+name+`"`) {
			t.Errorf("nothing refers to schema %s", name)
		}
	}
	return d
}

// at goes from a node down the keys, through references; nil: not there.
func (d openapiNode) at(from any, keys ...string) openapiNode {
	n, _ := from.(openapiNode)
	if ref, is := n["$ref"].(string); is {
		n = d.at(d, strings.Split(ref, "/")[1:]...)
	}
	if len(keys) == 0 {
		return n
	}
	return d.at(n[keys[0]], keys[1:]...)
}

// openapiTypes are the words for Go's types, and for those of decoded JSON.
var openapiTypes = map[reflect.Kind]string{
	reflect.Invalid: "null", reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array", reflect.String: "string",
	reflect.Bool: "boolean", reflect.Int: "integer", reflect.Uint32: "integer", reflect.Uint64: "integer", reflect.Float64: "number",
}

// check compares a JSON value with its schema; it takes any number for an
// integer, which compare does not.
func (d openapiNode) check(t *testing.T, at string, schema, v any) {
	s, kind := d.at(schema), openapiTypes[reflect.ValueOf(v).Kind()]
	if types := strings.ReplaceAll(fmt.Sprint(s["type"]), "integer", "number"); !slices.Contains(strings.Fields(strings.Trim(types, "[]")), kind) {
		t.Errorf("%s is %s in the document, and %s in the answer", at, types, kind)
	}
	if words, is := s["enum"].([]any); is && !slices.Contains(words, v) {
		t.Errorf("%s is %v, expected one of %v", at, v, words)
	}
	switch v := v.(type) {
	case []any:
		for n, item := range v {
			d.check(t, fmt.Sprintf("%s[%d]", at, n), s["items"], item)
		}
	case map[string]any:
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				t.Errorf("%s.%s is required, and not in the answer", at, name)
			}
		}
		for name, value := range v {
			property, known := d.at(s, "properties")[name]
			if !known {
				property = s["additionalProperties"]
			}
			d.check(t, at+"."+name, property, value)
		}
	}
}

// compare compares a schema with the JSON of a Go type: the fields, which of
// them are always there, and their types.
func (d openapiNode) compare(t *testing.T, at string, schema any, is reflect.Type) {
	if is.Kind() == reflect.Pointer {
		is = is.Elem()
	}
	s, want := d.at(schema), openapiTypes[is.Kind()]
	if is.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		want = "string"
	}
	switch got := fmt.Sprint(s["type"]); {
	case got != want && got != "["+want+" null]":
		t.Errorf("%s is %s in the document, and %s in Go, %s", at, got, want, is)
	case want == "array":
		d.compare(t, at+"[]", s["items"], is.Elem())
	case want == "object" && is.Kind() == reflect.Map:
		d.compare(t, at+"{}", s["additionalProperties"], is.Elem())
	case want == "object":
		properties, names, always := d.at(s, "properties"), map[string]bool{}, []any{}
		for f := range is.Fields() {
			if !f.IsExported() {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if names[name] = true; options != "omitempty" {
				always = append(always, name)
			}
			if property, _ := properties[name].(openapiNode); property["description"] == nil {
				t.Errorf("%s.%s is not in the document, or has no description", at, name)
			}
			d.compare(t, at+"."+name, properties[name], f.Type)
		}
		for name := range properties {
			if !names[name] {
				t.Errorf("%s.%s is in the document, and not in Go", at, name)
			}
		}
		if required, _ := s["required"].([]any); !slices.Equal(required, always) || s["additionalProperties"] != false {
			t.Errorf("%s requires %v in the document, expected %v as in Go, and additionalProperties: false", at, required, always)
		}
	}
}

// Document and code have the same paths, parameters and fields.
func TestOpenAPIIsTheCode(t *testing.T) {
	d := openapiLoad(t)
	types := map[string]any{
		"get status": api.Status{}, "get explain": explain.Explanation{}, "get who": world.Who{}, "get lookup": api.Lookup{}, "get services": []string{},
		"get dump": world.Dump{}, "get changes": []api.Change{}, "post reload": []api.Reloaded{},
		"get configfile": release.Saved{}, "post configfile": release.Published{}, "get nodes": api.Cluster{},
	}
	d.compare(t, "edit", d.at(d, "components", "schemas", "Edit"), reflect.TypeFor[release.Edit]())
	d.compare(t, "error", d.at(d, "components", "schemas", "Error"), reflect.TypeFor[api.Error]())
	documented, served := map[string]bool{}, map[string]bool{}
	for path, operations := range d.at(d, "paths") {
		for method, operation := range d.at(operations) {
			name := method + " " + strings.TrimPrefix(path, "/setrouter/v1/")
			documented[name] = true
			if types[name] == nil {
				t.Errorf("this test does not know the Go type of %s", name)
				continue
			}
			d.compare(t, name, d.at(operation, "responses", "200", "content", "application/json", "schema"), reflect.TypeOf(types[name]))
			parameters, _ := d.at(operation)["parameters"].([]any)
			for _, p := range parameters {
				documented[fmt.Sprint("parameter ", d.at(p)["name"])] = true
			}
		}
	}
	var source []byte
	for _, name := range []string{"admin.go", "requests.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	for _, m := range regexp.MustCompile(`\bget\("([\w-]+)"|"([A-Z]+) /setrouter/v1/([\w-]+)"|FormValue\("(\w+)"\)`).FindAllStringSubmatch(string(source), -1) {
		switch {
		case m[1] != "":
			served["get "+m[1]] = true
		case m[2] != "":
			served[strings.ToLower(m[2])+" "+m[3]] = true
		default:
			served["parameter "+m[4]] = true
		}
	}
	if !maps.Equal(documented, served) {
		t.Errorf("docs/openapi.yaml has %q\nthe code has %q", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(served)))
	}
}

// openapiState answers from a world, as far as that can.
type openapiState struct{ of *world.World }

func openapiNew(t *testing.T) openapiState {
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
		service, drifts := route.Service{Namespace: "default", Name: name}, map[string]string{location.MetaSetGroup: "no SET"}
		w.Instances = append(w.Instances, world.Instance{ID: "1", Service: service, Host: "10.1.1.1", Healthy: true, Weight: 100, Metadata: drifts},
			world.Instance{ID: "2", Service: service, Host: "10.2.1.1", Healthy: true, Weight: 100, Location: location.Location{Region: "q"}},
			world.Instance{ID: "3", Service: service, Host: "a-host"})
	}
	return openapiState{w}
}

func (s openapiState) World() *world.World { return s.of }

func (s openapiState) Identify(addr netip.Addr) location.Facts { return s.of.Identity(addr) }

func (s openapiState) Dump() world.Dump {
	return world.NewDump(s.of, []strict.File{{Name: "m.csv"}}, []strict.File{{Name: "r.yaml"}})
}

func (s openapiState) Explain(q world.Request) (explain.Explanation, error) {
	if !s.of.HasService(q.Service) {
		return explain.Explanation{}, router.NotFound{Service: q.Service}
	}
	if q.SET == "x.y.z" {
		return explain.Explanation{}, errors.New("the server answers with code 500000: execute exception")
	}
	return s.of.Explain(q), nil
}

func (s openapiState) Status() api.Status {
	var lints strict.Problems
	s.of.Rules.Lint(s.of.Table, &lints)
	return api.Status{
		Files: []api.Files{{Kind: "mapping", Names: []string{"m.csv"}, Problems: []string{}, Releases: []release.Release{{Type: "gray"}}}}, Rules: []api.RuleStatus{{Mode: "enforce", By: "caller"}},
		Evacuations: []api.Evacuation{{Kind: "set"}}, Protocols: []api.Protocol{{Name: "service-grpc"}}, Warnings: lints.List(),
		Callers: api.Callers{First: s.of.Strangers()}, Drift: api.DriftStatus{First: s.of.Drifts()},
		Kubernetes: &sources.Status{Clusters: []sources.Cluster{{
			Name: "bj", State: sources.StateLive, First: []sources.Invalid{{Pod: "default/p", Why: "no SET name"}}, Problems: []string{"forbidden"},
		}}},
	}
}

func (s openapiState) Nodes(context.Context) api.Cluster {
	list := []api.Node{
		{Address: "10.0.0.1:8091", Self: true, Healthy: true, Summary: &api.Summary{Files: []api.NodeFiles{{Kind: api.KindRouting}}}},
		{Address: "10.0.0.2:8091", Healthy: true, Problem: "does not answer within 2s"},
	}
	return api.Cluster{Reasons: []string{"10.0.0.2:8091 does not answer within 2s"}, Note: "others may be missing", Nodes: list}
}

func (s openapiState) Changes(string) []api.Change {
	is := s.of.Explain(world.Request{Addr: netip.MustParseAddr("10.1.0.1"), Service: route.Service{Namespace: "default", Name: "routed"}}).State()
	return []api.Change{{Change: "changed", Before: &is, After: is}, {Change: "first", After: is}}
}

func (s openapiState) Reload(force bool) []api.Reloaded {
	return []api.Reloaded{{Kind: "mapping", OK: force, Problems: []string{}}}
}

func (s openapiState) ConfigFile(name string) (release.Saved, error) {
	switch name {
	case "polaris://a/b/away":
		return release.Saved{}, errors.New("the store of the config center cannot be read")
	case "polaris://a/b/c.yaml":
		return release.Saved{Name: name, Content: "version: 1", Released: &release.Released{Release: release.Release{Type: "full"}}}, nil
	}
	return release.Saved{}, configcenter.ErrAbsent
}

func (s openapiState) PublishConfigFile(name string, e release.Edit, by configcenter.Operator) (release.Published, error) {
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

// Every answer in the document is one that the handler gives, and has the shape
// that the document says.
func TestOpenAPIAnswers(t *testing.T) {
	d, given := openapiLoad(t), map[string]bool{}
	body, polarisToken := "", "good"
	ask := func(token, host, request, want string) {
		method, target, _ := strings.Cut(request, " ")
		path, _, _ := strings.Cut(target, "?")
		r, w := httptest.NewRequest(strings.ToUpper(method), target, strings.NewReader(body)), httptest.NewRecorder()
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("x-polaris-token", polarisToken)
		newHandler(openapiNew(t), token).ServeHTTP(w, r)
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		given[fmt.Sprint(method, " ", path, " ", w.Code)] = true
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s has no %s: %s", request, want, w.Body)
		}
		content := d.at(d, "paths", path, method, "responses", fmt.Sprint(w.Code), "content", media)
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Errorf("%s: %v", request, err)
		}
		d.check(t, fmt.Sprint(request, " ", w.Code), content["schema"], v)
		if example, is := content["example"].(openapiNode); is && example["code"] != v.(map[string]any)["code"] {
			t.Errorf("%s: the example is %v", request, example)
		}
	}
	for request, want := range map[string]string{
		"nodes":  "10.0.0.2:8091 does not answer within 2s",
		"status": "default/stock", "services": "default/lane", "dump": `"metadata": {}`, "changes": `"before"`,
		"explain?caller=10.1.0.1&service=default/routed":           `"levels"`,
		"explain?caller=10.1.0.1&service=default/routed&set=a.b.d": `"tier": "pool"`,
		"explain?caller=10.1.0.1&service=default/shadow":           `"answer": "shadow"`,
		"explain?caller=10.1.0.1&service=default/blended":          `"answer": "blended"`,
		"explain?caller=10.1.0.1&service=default/stock":            `"answer": "stock"`,
		"explain?caller=10.1.0.1&service=default/lane":             `"tier": "unset"`,
		"explain?caller=10.1.0.1&service=default/lane&set=x.y.z":   "internal",
		"explain?caller=10.1.0.1&service=default/none":             "not-found",
		"explain?caller=10.1&service=default/routed":               "bad-request",
		"lookup?address=10.1.0.1":                                  `"value": "a.b.c"`,
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
	for path, operations := range d.at(d, "paths") {
		for method, operation := range d.at(operations) {
			ask("secret", "localhost:8095", method+" "+path, "unauthorized")
			ask("", "evil.example:8095", method+" "+path, "refused")
			for code := range d.at(operation, "responses") {
				if name := fmt.Sprint(method, " ", path, " ", code); !given[name] {
					t.Errorf("%s is in the document, and was not given", name)
				}
			}
		}
	}
}

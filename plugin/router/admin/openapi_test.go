package admin

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// openapiNode is docs/openapi.yaml, or a node in it.
type openapiNode map[string]any

func loadOpenAPI(t *testing.T) (d openapiNode) {
	data, err := os.ReadFile("../../../docs/openapi.yaml")
	if err := errors.Join(err, yaml.Unmarshal(data, &d)); err != nil {
		t.Fatal(err)
	}
	for name := range d.find(d, "components", "schemas") {
		if !strings.Contains(string(data), "schemas/"+name+`"`) {
			t.Errorf("nothing refers to schema %s", name)
		}
	}
	return d
}

// find returns the node below another one, down the keys, through references. It
// returns nil where there is none.
func (d openapiNode) find(from any, keys ...string) openapiNode {
	n, _ := from.(openapiNode)
	if ref, ok := n["$ref"].(string); ok {
		n = d.find(d, strings.Split(ref, "/")[1:]...)
	}
	if len(keys) == 0 {
		return n
	}
	return d.find(n[keys[0]], keys[1:]...)
}

// openapiTypes are the words of OpenAPI for types of Go and of decoded JSON.
var openapiTypes = map[reflect.Kind]string{
	reflect.Invalid: "null", reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array", reflect.String: "string",
	reflect.Bool: "boolean", reflect.Int: "integer", reflect.Uint32: "integer", reflect.Uint64: "integer", reflect.Float64: "number",
}

// check compares a JSON value with its schema. It takes any number for an integer;
// compare does not.
func (d openapiNode) check(t *testing.T, path string, schema, v any) {
	s, kind := d.find(schema), openapiTypes[reflect.ValueOf(v).Kind()]
	if types := strings.ReplaceAll(fmt.Sprint(s["type"]), "integer", "number"); !slices.Contains(strings.Fields(strings.Trim(types, "[]")), kind) {
		t.Errorf("%s is %s in the document, and %s in the answer", path, types, kind)
	}
	if words, ok := s["enum"].([]any); ok && !slices.Contains(words, v) {
		t.Errorf("%s is %v, expected one of %v", path, v, words)
	}
	switch v := v.(type) {
	case []any:
		for n, item := range v {
			d.check(t, fmt.Sprintf("%s[%d]", path, n), s["items"], item)
		}
	case map[string]any:
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				t.Errorf("%s.%s is required, and not in the answer", path, name)
			}
		}
		for name, value := range v {
			property, ok := d.find(s, "properties")[name]
			if !ok {
				property = s["additionalProperties"]
			}
			d.check(t, path+"."+name, property, value)
		}
	}
}

// compare compares a schema with the JSON of a Go type: the fields, their types,
// and which fields are in every answer.
func (d openapiNode) compare(t *testing.T, path string, schema any, goType reflect.Type) {
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	s, want := d.find(schema), openapiTypes[goType.Kind()]
	if goType.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		want = "string"
	}
	switch got := fmt.Sprint(s["type"]); {
	case got != want && got != "["+want+" null]":
		t.Errorf("%s is %s in the document, and %s in Go, %s", path, got, want, goType)
	case want == "array":
		d.compare(t, path+"[]", s["items"], goType.Elem())
	case want == "object" && goType.Kind() == reflect.Map:
		d.compare(t, path+"{}", s["additionalProperties"], goType.Elem())
	case want == "object":
		properties, names, always := d.find(s, "properties"), map[string]bool{}, []any{}
		for _, f := range reflect.VisibleFields(goType) { // with those of embedded types
			if !f.IsExported() || f.Anonymous && f.Tag == "" {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if names[name] = true; options != "omitempty" {
				always = append(always, name)
			}
			if property, _ := properties[name].(openapiNode); property["description"] == nil {
				t.Errorf("%s.%s is not in the document, or has no description", path, name)
			}
			d.compare(t, path+"."+name, properties[name], f.Type)
		}
		for name := range properties {
			if !names[name] {
				t.Errorf("%s.%s is in the document, and not in Go", path, name)
			}
		}
		if required, _ := s["required"].([]any); !slices.Equal(required, always) || s["additionalProperties"] != false {
			t.Errorf("%s requires %v in the document, expected %v as in Go, and additionalProperties: false", path, required, always)
		}
	}
}

// Document and code have the same paths, parameters and fields.
func TestOpenAPIIsTheCode(t *testing.T) {
	d := loadOpenAPI(t)
	types := map[string]any{
		"get status": api.Status{}, "get callers": api.CallerList{}, "get explain": explain.Explanation{}, "get who": world.Who{}, "get lookup": explain.Caller{}, "get services": []string{},
		"get matrix": api.Matrix{}, "post matrix": api.Matrix{}, "get servicestates": api.ServiceStates{}, "get drill": world.Drill{}, "get timeline": api.Timeline{}, "get dump": world.Dump{}, "get changes": []api.Change{}, "post reload": []api.Reloaded{},
		"get configfile": release.Saved{}, "post configfile": release.Published{}, "get configfile/release": release.Released{}, "get configfile/history": release.History{},
		"post configfile/rollback": release.Published{}, "post configfile/stop-gray": release.Published{}, "get nodes": api.Cluster{}, "post nodes/reload": api.ClusterReload{},
	}
	d.compare(t, "edit", d.find(d, "components", "schemas", "Edit"), reflect.TypeFor[release.Edit]())
	d.compare(t, "files", d.find(d, "components", "schemas", "MatrixFiles"), reflect.TypeFor[api.MatrixFiles]())
	d.compare(t, "switch", d.find(d, "components", "schemas", "Switch"), reflect.TypeFor[release.Switch]())
	d.compare(t, "error", d.find(d, "components", "schemas", "Error"), reflect.TypeFor[api.Error]())
	documented, served := map[string]bool{}, map[string]bool{}
	for path, operations := range d.find(d, "paths") {
		for method, operation := range d.find(operations) {
			name := method + " " + strings.TrimPrefix(path, "/setrouter/v1/")
			documented[name] = true
			if types[name] == nil {
				t.Errorf("this test does not know the Go type of %s", name)
				continue
			}
			d.compare(t, name, d.find(operation, "responses", "200", "content", "application/json", "schema"), reflect.TypeOf(types[name]))
			parameters, _ := d.find(operation)["parameters"].([]any)
			for _, p := range parameters {
				documented[fmt.Sprint("parameter ", d.find(p)["name"])] = true
			}
		}
	}
	var source []byte
	for _, name := range []string{"admin.go", "requests.go", "matrixrequests.go", "drill.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	for _, m := range regexp.MustCompile(`\bget\("([\w/-]+)"|"([A-Z]+) /setrouter/v1/([\w/-]+)"|(?:FormValue\(|targetParameters\(r, )"(\w+)"\)`).FindAllStringSubmatch(string(source), -1) {
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

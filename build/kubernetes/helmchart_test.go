package kubernetes

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the chart's copies of files, and the table of its README")

// ourChart is the directory of the chart.
const ourChart = "../chart/setrouter"

// holds compares a file with what it must have, or writes it.
func holds(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, read(t, name)); diff != "" {
		t.Errorf("%s is old, go test ./build/kubernetes -run Chart -update writes it (-want +got):\n%s", name, diff)
	}
}

// The chart has copies, because Helm reads nothing outside of a chart, and tells of
// symbolic links at every command.
func TestChartHasTheFilesOfTheManifests(t *testing.T) {
	for copied, origin := range map[string]string{
		"single.yaml":    "overlays/single/polaris-server.yaml",
		"cluster.yaml":   "overlays/cluster/polaris-server.yaml",
		"alerts.yaml":    "../observability/alerts.yaml",
		"dashboard.json": "../observability/dashboard.json",
	} {
		holds(t, ourChart+"/files/"+copied, read(t, origin))
	}
}

// value is a line of the table of values.
type value struct {
	path, text, meaning string
}

// values are the values of values.yaml with their comments. A map under which there are
// comments is no value: its entries are.
func values(t *testing.T, n *yaml.Node, under string) (all []value) {
	t.Helper()
	for i := 0; i < len(n.Content); i += 2 {
		key, content := n.Content[i], n.Content[i+1]
		path := under + key.Value
		if key.HeadComment != "" {
			comment := key.HeadComment[strings.LastIndex(key.HeadComment, "\n\n")+1:]
			meaning := strings.TrimPrefix(strings.TrimSpace(comment), "# ")
			all = append(all, value{path, inline(t, content), meaning})
			continue
		}
		if content.Kind != yaml.MappingNode || len(content.Content) == 0 {
			t.Errorf("%s has no comment in values.yaml", path)
		}
		all = append(all, values(t, content, path+".")...)
	}
	return all
}

// inline is a value as it stands in one line. Of texts by name there are the names.
func inline(t *testing.T, n *yaml.Node) string {
	t.Helper()
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Content[1].Style == yaml.LiteralStyle {
		var names []string
		for i := 0; i < len(n.Content); i += 2 {
			names = append(names, n.Content[i].Value+": ...")
		}
		return "{" + strings.Join(names, ", ") + "}"
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

func chartValues(t *testing.T) (all []value) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, ourChart+"/values.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	return values(t, doc.Content[0], "")
}

func TestChartReadmeHasEveryValue(t *testing.T) {
	const begin, end = "<!-- values: go test ./build/kubernetes -run Chart -update -->\n", "<!-- end of values -->\n"
	page := read(t, ourChart+"/README.md")
	before, rest, ok := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("README.md does not have %q and %q", begin, end)
	}
	table := "| value | default | meaning |\n|---|---|---|\n"
	for _, v := range chartValues(t) {
		table += fmt.Sprintf("| `%s` | `%s` | %s |\n", v.path, v.text, v.meaning)
	}
	holds(t, ourChart+"/README.md", before+begin+table+end+after)
}

// A value that the schema does not know is refused, so that it must know all.
func TestChartSchemaHasEveryValue(t *testing.T) {
	var schema any
	if err := json.Unmarshal([]byte(read(t, ourChart+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, v := range chartValues(t) {
		want = append(want, v.path)
	}
	got := slices.DeleteFunc(leaves(t, schema, "", want), func(path string) bool { return path == "global" }) // Helm's own
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values.schema.json (-values.yaml +schema):\n%s", diff)
	}
}

// leaves are the properties of a schema, down to the values that there are.
func leaves(t *testing.T, schema any, path string, known []string) (all []string) {
	t.Helper()
	object := schema.(map[string]any)
	properties, ok := object["properties"].(map[string]any)
	if !ok || slices.Contains(known, path) {
		return []string{path}
	}
	if object["additionalProperties"] != false {
		t.Errorf("values.schema.json takes any name under %q", path)
	}
	for name, sub := range properties {
		all = append(all, leaves(t, sub, strings.TrimPrefix(path+"."+name, "."), known)...)
	}
	return all
}

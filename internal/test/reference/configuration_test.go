package reference

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

var update = flag.Bool("update", false, "write the pages of docs/reference")

// root is the folder of the repository.
const root = "../../.."

// now is a time at which the evacuations of the examples are in order.
var now = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

var kinds = []kind{
	{
		title:    "The server's configuration",
		intro:    "These are the sections of this pack in the file that Polaris reads. A key that is not here is refused; all other sections are Polaris's, and are not judged. `${NAME}` stands for a variable of the environment.",
		examples: []string{"server.yaml", "server-pages.yaml"},
		read:     func(file strict.File, problems *strict.Problems) { serverconfig.Read(file, problems) },
	},
	{
		title:    "Mapping files",
		whole:    "a mapping file",
		intro:    "They say which address is where, and in which SET: [design.md, section 3](../design.md#3-mapping-files-the-cmdb-that-ops-maintain). Columns of CSV files have the names of the keys of an entry; labels are columns `label.KEY`.",
		examples: []string{"mapping.yaml", "mapping-default.yaml"},
		read: func(file strict.File, problems *strict.Problems) {
			location.LoadMapping([]strict.File{file}, problems)
		},
	},
	{
		title:    "Routing files",
		whole:    "a routing file",
		intro:    "They say who gets what: [design.md, section 5](../design.md#5-routing-files). A file of evacuations is a routing file with the keys `version` and `evacuate`.",
		examples: []string{"routing.yaml"},
		read:     func(file strict.File, problems *strict.Problems) { route.Load([]strict.File{file}, now, problems) },
	},
	{
		title:    "Case files",
		whole:    "a case file",
		intro:    "`setctl test` runs them, and `setctl dump` writes them.",
		examples: []string{"cases.yaml"},
		read:     readCases,
	},
}

func readCases(file strict.File, problems *strict.Problems) {
	if text, err := os.ReadFile(file.Name); err == nil && string(text) == string(file.Data) {
		cases.Load(file.Name, problems)
		return
	}
	dir, err := os.MkdirTemp("", "cases")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"mapping.yaml", "routing.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			panic(err)
		}
	}
	name := filepath.Join(dir, "cases.yaml")
	if err := os.WriteFile(name, file.Data, 0o600); err != nil {
		panic(err)
	}
	cases.Load(name, problems)
}

// defaults returns what is in force without a key, for keys whose readers do not say so:
// what the code makes of files that do not have them.
func defaults(t *testing.T) map[string]any {
	t.Helper()
	var problems strict.Problems
	server := serverconfig.Read(strict.File{Name: "s.yaml", Data: []byte("plugin: {location: {option: {kubernetes: {}}}}\n")}, &problems)
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [{name: a, service: d/a, set: {}, nearby: {}}]\n")}}, now, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	without := serverconfig.Read(strict.File{Name: "s.yaml", Data: []byte("{}\n")}, &problems)
	places := server.Kubernetes.PlacesOf(server.Kubernetes.Clusters[0])
	rule := rules.All()[0]
	order := "[set, nearby]"
	if rule.NearbyFirst {
		order = "[nearby, set]"
	}
	return map[string]any{
		"plugin.location.option.sources":                list(without.Sources),
		"plugin.location.option.forwardedHeader":        without.ForwardedHeader,
		"plugin.location.option.kubernetes.regionLabel": places.RegionLabel,
		"plugin.location.option.kubernetes.zoneLabel":   places.ZoneLabel,
		"rules[].set.tiers":                             list(rule.SET.Tiers),
		"rules[].set.unknown":                           rule.SET.Unknown,
		"rules[].nearby.matchLevel":                     rule.Nearby.Match,
		"rules[].nearby.maxMatchLevel":                  rule.Nearby.Max,
		"rules[].nearby.strict":                         rule.Nearby.Strict,
		"rules[].order":                                 order,
		"rules[].rollout.percent":                       rule.Rollout * 100 / route.FullRollout,
		"rules[].degrade.unhealthyPercent":              rule.Degrade.UnhealthyPercent,
		"rules[].degrade.minUsable":                     rule.Degrade.MinUsable,
		"rules[].degrade.holdDown":                      short(rule.Degrade.HoldDown),
		"rules[].degrade.failback":                      short(rule.Degrade.Failback),
		"rules[].degrade.by":                            map[bool]string{false: "unhealthy", true: "absent"}[rule.Degrade.ByAbsence],
		"rules[].degrade.tiersBy":                       map[bool]string{false: "unhealthy", true: "absent"}[rule.Degrade.TiersByAbsence],
	}
}

// list returns texts as YAML has a list.
func list[T ~string](texts []T) string {
	var out []string
	for _, text := range texts {
		out = append(out, string(text))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

const configurationHead = `<!-- Made by: go test ./internal/test/reference -update -->
# Reference: every key of every file

For operators who write or check a file and ask what a key means. What the words mean together is in [design.md](../design.md); ways to
do things are in [operations.md](../operations.md). Metrics and alerts are in [metrics.md](metrics.md), commands in
[commands.md](commands.md), and keys that you know from Polaris, TARS or Istio in [words.md](words.md).

This page is made of the readers of the files. Types, defaults and ranges are theirs, and each example has been read by them. ` + "`setctl check`" + `
reads a file as the server does, and says file, line and column of what it refuses.

An empty cell under *default* means that without the key there is nothing. Types that are more than a text:

| type | what it is |
|---|---|
| SET name | ` + "`business.area.group`: three segments of 1 to 64 letters, digits, `_` and `-`; the third may be `*`" + ` |
| service | ` + "`namespace/name`, or `{namespace: team/x, name: svc}` where a name has a slash; in `service` of a rule `*` and `?` are wildcards" + ` |
| template | a SET name, or one with ` + "`{caller.set.1}` and the like: [design.md, 5.1](../design.md#51-who-the-caller-routes-as)" + ` |
| glob | a text in which ` + "`*` is any run of characters, and `?` one" + ` |
| address, prefix or range | ` + "`10.1.7.4`, `10.1.0.0/16`, `10.1.7.8-10.1.7.15`, and the same of IPv6" + ` |
| time | a number and its unit: ` + "`10s`, `5m`, `1h`" + ` |
| time with its zone | ` + "`2026-12-01T10:00:00+08:00`" + ` |
| keys of your own | a mapping whose keys you choose |
`

// The page has each key that a reader knows, and is what the code says.
func TestConfigurationPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(configurationHead)
	standard := defaults(t)
	for _, k := range kinds {
		writeKind(t, &b, k, standard)
	}
	comparePage(t, "configuration.md", b.String())
}

// comparePage compares a page of docs/reference, or writes it.
func comparePage(t *testing.T, name, want string) {
	t.Helper()
	name = filepath.Join(root, "docs/reference", name)
	if *update && !t.Failed() {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	wantLines := strings.Split(want, "\n")
	for i, line := range strings.Split(string(got), "\n") {
		if i >= len(wantLines) || line != wantLines[i] {
			t.Fatalf("%s:%d is out of date: go test ./internal/test/reference -update writes it anew.\ngot  %s\nwant %s", name, i+1, line, slices.Concat(wantLines, []string{"the end"})[min(i, len(wantLines))])
		}
	}
	if string(got) != want {
		t.Fatalf("%s is out of date: go test ./internal/test/reference -update writes it anew", name)
	}
}

// The examples reach every reader of keys that there is.
func TestEveryReaderIsStudied(t *testing.T) {
	reached := map[string]bool{}
	for _, k := range kinds {
		for _, v := range k.study(t) {
			if v.reader != "" {
				name, line, _ := strings.Cut(filepath.Base(v.reader), ":")
				reached[name+":"+line] = true
			}
		}
	}
	for _, call := range callsOfBind(t) {
		if !reached[filepath.Base(call)] && !strings.HasPrefix(call, "build/setctl/") { // which binds the same keys to say which file it is
			t.Errorf("%s reads keys that no example in testdata has", call)
		}
	}
}

// callsOfBind returns file:line of each call of Bind in the product.
func callsOfBind(t *testing.T) (calls []string) {
	t.Helper()
	for _, folder := range []string{"build", "internal", "plugin"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			calls = append(calls, callsIn(t, name)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(calls) < 15 {
		t.Errorf("found %d calls of Bind", len(calls))
	}
	return calls
}

func callsIn(t *testing.T, name string) (calls []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	short, err := filepath.Rel(root, name)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && (method.Sel.Name == "Bind" || method.Sel.Name == "BindOwn") {
			calls = append(calls, fmt.Sprintf("%s:%d", short, set.Position(call.Pos()).Line))
		}
		return true
	})
	return calls
}

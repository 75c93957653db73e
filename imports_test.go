package setrouter

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/polaris-contrib/setrouter"

// floors are the packages of the product, from the ground up. A package imports
// packages of the floors below it: never of its own floor, never of a floor above.
// Packages that end in /... stand for all below them.
var floors = [][]string{
	{"internal/alike", "internal/plural"},
	{ // what everything may use: no Polaris, no routing
		"internal/atomicfile", "internal/buildinfo", "internal/chinese", "internal/clock", "internal/events", "internal/shrink", "internal/strict", "internal/table",
	},
	{"internal/diskcopy", "plugin/location"},
	{"internal/cmdbexport", "internal/livefile", "internal/serverconfig", "internal/wire", "internal/configcenter/release"},
	{"internal/observe", "internal/preflight", "internal/sources", "internal/firstload"},
	{"internal/backing", "internal/configcenter", "internal/httpfiles", "internal/listen", "plugin/location/kubernetes", "plugin/router/route"},
	{"internal/serverfiles", "plugin/router/explain"},
	{"plugin/boltdb", "plugin/cmdb"},
	{"plugin/router/load"},
	{"plugin/router/world"},
	{"plugin/router/api", "plugin/router/cases"},
	{"plugin/router/caller", "plugin/router/view", "plugin/router/l5", "plugin/router/matrix", "plugin/router/timeline"},
	{"plugin/router"},
	{"plugin/router/nodes"},
	{"plugin/router/admin", "plugin/router/discover", "plugin/router/eureka", "plugin/router/httpapi", "plugin/router/nacos", "plugin/router/xds"},
	{""}, // registry.go
	{"build/..."},
	{"internal/test/...", "scripts/..."}, // the rig
}

// pure are the packages that decide, explain and read files: they know nothing of
// a Polaris server, and nothing that they import does. So does setctl.
var pure = []string{
	"internal/alike", "internal/plural", "internal/cmdbexport", "internal/strict", "internal/shrink", "internal/table", "internal/livefile", "internal/serverconfig", "plugin/location", "plugin/router/route", "plugin/router/explain",
	"plugin/router/load", "plugin/router/world", "plugin/router/cases", "plugin/router/api", "plugin/router/matrix", "plugin/router/timeline", "build/setctl",
}

// unfitForDecisions are packages of the standard library that a decision must not depend
// on: locks, files, the network, the environment, chance.
var unfitForDecisions = []string{"context", "crypto/rand", "math/rand", "math/rand/v2", "net", "net/http", "os", "sync", "sync/atomic"}

type listed struct {
	name    string // inside the module
	imports []string
	deps    []string
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		floor := floorOf(p.name)
		if floor < 0 {
			t.Errorf("%s stands on no floor: give it one in imports_test.go", p.name)
			continue
		}
		rig := floor == len(floors)-1
		for _, imported := range p.imports {
			own, ok := inModule(imported)
			if !ok || rig && floorOf(own) == floor {
				continue
			}
			if floorOf(own) >= floor {
				t.Errorf("%s imports %s, which is not below it", p.name, own)
			}
		}
	}
}

func TestDecisionsKnowNoServer(t *testing.T) {
	for _, p := range listPackages(t) {
		if slices.Contains(pure, p.name) {
			for _, dep := range p.deps {
				if strings.HasPrefix(dep, "github.com/polarismesh/polaris") {
					t.Errorf("%s comes to import %s", p.name, dep)
				}
			}
		}
		if p.name == "plugin/router/route" {
			for _, imported := range p.imports {
				if slices.Contains(unfitForDecisions, imported) {
					t.Errorf("%s imports %s: a decision is a function of what it is given", p.name, imported)
				}
			}
		}
	}
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	const format = `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`
	out, err := exec.Command("go", "list", "-f", format, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []listed
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		if len(fields) != 3 {
			t.Fatalf("go list said %q", line)
		}
		name, _ := inModule(fields[0])
		list = append(list, listed{name, strings.Fields(fields[1]), strings.Fields(fields[2])})
	}
	return list
}

// inModule returns the path of a package inside this module.
func inModule(importPath string) (string, bool) {
	if importPath == modulePath {
		return "", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

// floorOf returns the floor of a package, -1 where it stands on none.
func floorOf(name string) int {
	return slices.IndexFunc(floors, func(floor []string) bool {
		return slices.ContainsFunc(floor, func(pattern string) bool {
			below, ok := strings.CutSuffix(pattern, "/...")
			return pattern == name || ok && strings.HasPrefix(path.Clean(name)+"/", below+"/")
		})
	})
}

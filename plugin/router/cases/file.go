// Package cases reads case files: a state of the world, and tests of what
// callers get in it, as unit tests of mapping and routing files are.
package cases

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Test is a case: who asks for what, and what is wanted. Empty Rule, Tier and
// Level are not compared.
type Test struct {
	Name    string
	Line    int
	Caller  netip.Addr
	Service route.Service
	Want    []string // hosts
	Rule    string
	Tier    string
	Level   string
}

// File is a case file with the mapping and routing files that it names.
type File struct {
	world.World
	Name  string
	Tests []Test
}

// Load reads a case file. Every fault, also of the files it names, goes to
// problems, and Load returns nil if there is one.
func Load(name string, problems *strict.Problems) *File {
	data, ok := strict.ReadFile(name, problems)
	if !ok {
		return nil
	}
	root, ok := strict.ParseYAML(data, problems)
	if !ok {
		return nil
	}
	f := &File{Name: name}
	fields := root.Fields("mapping", "routing", "now", "sources", "services", "instances", "aliases", "clients", "callers", "pods", "tests")
	f.Now = time.Now()
	if n, given := fields["now"]; given {
		f.Now = readTime(n)
	}
	f.Table = location.LoadMapping(readNamed(fields, "mapping", name, problems), problems)
	f.Routing = readNamed(fields, "routing", name, problems)
	f.Rules = route.Load(f.Routing, f.Now, problems)
	if n, given := fields["instances"]; given {
		for _, item := range n.Items() {
			f.Instances = append(f.Instances, readInstance(item))
		}
	}
	f.readOthers(fields)
	if n, given := fields["tests"]; given {
		for _, item := range n.Items() {
			f.Tests = append(f.Tests, readTest(item))
		}
	}
	if problems.Err() != nil {
		return nil
	}
	return f
}

// readNamed reads the files that a case file names, relative to itself.
func readNamed(fields map[string]strict.Node, key, name string, problems *strict.Problems) []strict.File {
	n, given := fields[key]
	if !given {
		return nil
	}
	var out []strict.File
	for _, item := range n.OneOrItems() {
		path, ok := item.Text()
		if !ok {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		if file, ok := strict.ReadFile(path, problems); ok {
			out = append(out, file)
		}
	}
	slices.SortFunc(out, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) }) // as the server does
	return out
}

func readInstance(n strict.Node) world.Instance {
	fields := n.Fields("id", "service", "host", "port", "set", "region", "zone", "campus", "healthy", "isolate", "weight", "metadata")
	i := world.Instance{
		ID: text(fields, "id"), Service: readService(n, fields, "service"), Host: text(fields, "host"), Port: 80, Healthy: true, Weight: 100,
		Location: readLocation(fields),
		Metadata: map[string]string{},
	}
	if i.Host == "" {
		n.Errorf("the instance has no host")
	}
	if at, given := fields["port"]; given {
		port, _ := at.Int(0, 65535)
		i.Port = uint32(port)
	}
	if at, given := fields["weight"]; given {
		weight, _ := at.Int(0, 10000)
		i.Weight = uint32(weight)
	}
	if at, given := fields["healthy"]; given {
		i.Healthy, _ = at.Bool()
	}
	if at, given := fields["isolate"]; given {
		i.Isolate, _ = at.Bool()
	}
	if at, given := fields["metadata"]; given {
		for _, e := range at.Entries() {
			i.Metadata[e.Key.Raw()] = e.Value.TextOr()
		}
	}
	if at, given := fields["set"]; given {
		if s, ok := at.Text(); ok && s != "" {
			if _, err := location.ParseSET(s); err != nil {
				at.Errorf("%v", err)
			}
			i.Metadata["internal-set-name"], i.Metadata["internal-enable-set"] = s, "Y"
		}
	}
	return i
}

func readTest(n strict.Node) Test {
	fields := n.Fields("name", "caller", "service", "want", "rule", "tier", "level")
	t := Test{
		Name: text(fields, "name"), Line: n.Line(), Service: readService(n, fields, "service"),
		Rule: text(fields, "rule"), Tier: text(fields, "tier"), Level: text(fields, "level"),
	}
	t.Caller = readAddr(n, fields, "caller")
	if at, given := fields["want"]; given {
		for _, item := range at.Items() {
			t.Want = append(t.Want, item.TextOr())
		}
	} else {
		n.Errorf("the test has no want, expected want: [hosts], or want: [] for an empty list")
	}
	return t
}

func readService(n strict.Node, fields map[string]strict.Node, key string) route.Service {
	at, given := fields[key]
	if !given {
		n.Errorf("no %s, expected %s: namespace/name", key, key)
		return route.Service{}
	}
	namespace, name, ok := strings.Cut(at.TextOr(), "/")
	if !ok || namespace == "" || name == "" {
		at.Errorf("%s %q is not namespace/name", key, at.Raw())
	}
	return route.Service{Namespace: namespace, Name: name}
}

func text(fields map[string]strict.Node, key string) string {
	if n, given := fields[key]; given {
		return n.TextOr()
	}
	return ""
}

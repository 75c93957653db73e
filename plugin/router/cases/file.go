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

// Test is a case: who asks for what, and what is wanted. Empty Rule, Tier,
// Level and Shares are not compared.
type Test struct {
	Name    string
	Line    int
	Caller  netip.Addr
	Service route.Service
	Want    []string // hosts
	Rule    string
	Tier    string
	Level   string
	Shares  []int // in percent, of the roads that take something; nil is not compared
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
	f.Now = time.Now()
	root.Bind(
		strict.Optional("mapping", func(n strict.Node) { f.Mapping = readNamed(n, name, problems) }),
		strict.Optional("routing", func(n strict.Node) { f.Routing = readNamed(n, name, problems) }),
		strict.Optional("now", func(n strict.Node) { f.Now = readTime(n) }),
		strict.Optional("sources", f.readSources),
		strict.Optional("services", strict.Each(f.readServiceName)),
		strict.Optional("instances", strict.Each(func(n strict.Node) { f.Instances = append(f.Instances, readInstance(n)) })),
		strict.Optional("aliases", strict.Each(f.readAlias)),
		strict.Optional("clients", strict.Each(f.readClient)),
		strict.Optional("callers", strict.Each(f.readCaller)),
		strict.Optional("pods", strict.Each(f.readPod)),
		strict.Optional("tests", strict.Each(func(n strict.Node) { f.Tests = append(f.Tests, readTest(n)) })),
	)
	f.Table = location.LoadMapping(f.Mapping, problems)
	f.Rules = route.Load(f.Routing, f.Now, problems)
	f.Rules.CheckPlaces(f.Table, problems)
	if problems.Err() != nil {
		return nil
	}
	return f
}

// readNamed reads the files that a case file names, relative to itself.
func readNamed(n strict.Node, name string, problems *strict.Problems) []strict.File {
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
	i := world.Instance{Port: 80, Healthy: true, Weight: 100, Metadata: map[string]string{}}
	port, weight := int(i.Port), int(i.Weight)
	values := n.Bind(
		strict.Optional("id", strict.Text(&i.ID)),
		serviceKey("service", &i.Service),
		strict.Optional("host", strict.Text(&i.Host)),
		strict.Optional("port", strict.Int(&port, 0, 65535)),
		strict.Optional("set", strict.Ignore), // read below: it goes into the metadata
		strict.Optional("region", strict.Text(&i.Location.Region)),
		strict.Optional("zone", strict.Text(&i.Location.Zone)),
		strict.Optional("campus", strict.Text(&i.Location.Campus)),
		strict.Optional("healthy", strict.Bool(&i.Healthy)),
		strict.Optional("isolate", strict.Bool(&i.Isolate)),
		strict.Optional("weight", strict.Int(&weight, 0, 10000)),
		strict.Optional("metadata", strict.Texts(&i.Metadata)),
	)
	if values.Has("set") {
		registerSET(i.Metadata, values["set"])
	}
	if i.Host == "" {
		n.Errorf("the instance has no host")
	}
	i.Port, i.Weight = uint32(port), uint32(weight)
	return i
}

// registerSET puts a SET into the metadata of an instance, as SDKs register it.
func registerSET(metadata map[string]string, n strict.Node) {
	text, ok := n.Text()
	if !ok || text == "" {
		return
	}
	if _, err := location.ParseSET(text); err != nil {
		n.Errorf("%v", err)
	}
	metadata["internal-set-name"], metadata["internal-enable-set"] = text, "Y"
}

func readTest(n strict.Node) Test {
	t := Test{Line: n.Line()}
	n.Bind(
		strict.Optional("name", strict.Text(&t.Name)),
		addrKey("caller", &t.Caller),
		serviceKey("service", &t.Service),
		strict.Required("want", "the test has no want, expected want: [hosts], or want: [] for an empty list",
			strict.Each(func(n strict.Node) { t.Want = append(t.Want, n.TextOr()) })),
		strict.Optional("rule", strict.Text(&t.Rule)),
		strict.Optional("tier", strict.Text(&t.Tier)),
		strict.Optional("level", strict.Text(&t.Level)),
		strict.Optional("shares", strict.Each(func(n strict.Node) {
			if share, ok := n.Int(1, 100); ok {
				t.Shares = append(t.Shares, share)
			}
		})),
	)
	return t
}

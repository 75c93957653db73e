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
		strict.Optional("mapping", "Mapping files, relative to this file.", func(n strict.Node) { f.Mapping = readNamed(n, name, problems) }),
		strict.Optional("routing", "Routing files, relative to this file.", func(n strict.Node) { f.Routing = readNamed(n, name, problems) }),
		strict.Optional("now", "The time of the tests, for evacuations. Without it, it is the time at which they run.",
			func(n strict.Node) { f.Now = readTime(n) }),
		strict.Optional("sources", "Where identities come from, as in the server's configuration.", f.readSources),
		strict.Optional("services", "Services that there are without an instance, or with metadata.", strict.Each(f.readServiceName)),
		strict.Optional("instances", "The instances that are registered.",
			strict.Each(func(n strict.Node) { f.Instances = append(f.Instances, readInstance(n)) })),
		strict.Optional("aliases", "Polaris's own aliases of services.", strict.Each(f.readAlias)),
		strict.Optional("clients", "What clients reported: their places.", strict.Each(f.readClient)),
		strict.Optional("callers", "Callers that asked lately, for the shrink guard and for warnings. A dump has them.", strict.Each(f.readCaller)),
		strict.Optional("pods", "Pods that the source `kubernetes` knows.", strict.Each(f.readPod)),
		strict.Optional("tests", "Who asks for what, and what the answer must be.",
			strict.Each(func(n strict.Node) { f.Tests = append(f.Tests, readTest(n)) })),
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
		strict.Optional("id", "The id of the instance.", strict.Text(&i.ID)),
		serviceKey("service", "The service of the instance.", &i.Service),
		strict.Optional("host", "The host of the instance. It must be given.", strict.Text(&i.Host)),
		strict.Optional("port", "The port of the instance.", strict.Int(&port, 0, 65535)),
		strict.Optional("set", "The SET that the instance registers.", strict.Ignore), // read below: it goes into the metadata
		strict.Optional("region", "The region that the instance registers.", strict.Text(&i.Location.Region)),
		strict.Optional("zone", "The zone that the instance registers.", strict.Text(&i.Location.Zone)),
		strict.Optional("campus", "The campus that the instance registers.", strict.Text(&i.Location.Campus)),
		strict.Optional("healthy", "Whether the instance is healthy.", strict.Bool(&i.Healthy)),
		strict.Optional("isolate", "Whether the instance is isolated.", strict.Bool(&i.Isolate)),
		strict.Optional("weight", "The weight of the instance.", strict.Int(&weight, 0, 10000)),
		strict.Optional("metadata", "The metadata of the instance.", strict.Texts(&i.Metadata)),
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
	n.Form("SET name")
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
		strict.Optional("name", "What the test is called in the output.", strict.Text(&t.Name)),
		addrKey("caller", "The address that asks.", &t.Caller),
		serviceKey("service", "The service that is asked for.", &t.Service),
		strict.Required("want", "The hosts of the answer, in any order. `[]` is an empty list.",
			"the test has no want, expected want: [hosts], or want: [] for an empty list",
			strict.Each(func(n strict.Node) { t.Want = append(t.Want, n.TextOr()) })),
		strict.Optional("rule", "The rule that must have decided.", strict.Text(&t.Rule)),
		strict.Optional("tier", "The tier of the answer.", strict.Text(&t.Tier)),
		strict.Optional("level", "The level of the answer.", strict.Text(&t.Level)),
		strict.Optional("shares", "The shares of the roads that take something, in percent.", strict.Each(func(n strict.Node) {
			if share, ok := n.Int(1, 100); ok {
				t.Shares = append(t.Shares, share)
			}
		})),
	)
	return t
}

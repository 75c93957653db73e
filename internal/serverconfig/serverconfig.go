// Package serverconfig reads the sections of this pack from the configuration file
// of the Polaris server. Polaris ignores sections that it does not know, so nobody
// would notice a misspelt section; here an unknown key is an error.
package serverconfig

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/shrink"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// MappingName is the name of the pack's CMDB plugin in plugin.cmdb.name.
const MappingName = "mapping"

// Config is the part of the server's configuration that the pack reads.
type Config struct {
	CMDB               string      // plugin.cmdb.name
	MappingFiles       []string    // globs, relative to the working directory, and names in the config center
	MappingHTTP        HTTP        // what of the mapping is fetched
	ShrinkGuardPercent int         // of mapping and routing files
	Sources            []string    // in order of precedence
	Kubernetes         *Kubernetes // nil: not configured
	TrustedProxies     []netip.Prefix
	proxyEntries       []trustedProxy
	ForwardedHeader    string   // by which trusted proxies name the caller: one of location.ForwardedHeaders
	RoutingFiles       []string // as MappingFiles; empty: every answer is the stock answer
	FailOpen           bool
	ViewsMB            int      // what the lists that are kept take at most, in MB
	Protocols          []string // names under apiservers
	Listeners          []Listener
	listenerNames      []listenerName
	proxyProtocols     []strict.Node // proxyProtocol: true of listeners
	AnswersKept        int           // sizeCacheProto of service-grpc: the encoded answers that it keeps; 0 without enableCacheProto
	GRPCTLS            bool          // service-grpc listens with TLS
	NodesService       string        // healthcheck.service: the service in namespace Polaris whose instances are the server nodes
	Admin              Admin
}

// Load reads a server configuration file. As Polaris does, Load expands ${VARIABLES}
// first, so that the columns in messages can differ from the columns in the file. The
// error is a strict.Error.
func Load(name string) (*Config, error) {
	var problems strict.Problems
	file, ok := strict.ReadFile(name, &problems)
	if !ok {
		return nil, problems.Err()
	}
	file.Data = []byte(os.ExpandEnv(string(file.Data)))
	c := Read(file, &problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Read reads the text of a server configuration. Every fault goes to problems.
func Read(file strict.File, problems *strict.Problems) *Config {
	c := &Config{
		ShrinkGuardPercent: shrink.DefaultPercent,
		Sources:            without(location.SourceNames, location.SourceKubernetes),
		ForwardedHeader:    location.HeaderForwardedFor,
		FailOpen:           true,
		ViewsMB:            512,
		NodesService:       "polaris.checker", // as Polaris
		Admin:              Admin{ListenIP: "127.0.0.1", ListenPort: 8095},
	}
	if root, ok := strict.ParseYAML(file, problems); ok {
		c.read(root)
		c.checkConfigCenter(root)
	}
	return c
}

// read reads the sections that concern the pack.
func (c *Config) read(root strict.Node) {
	sections := entries(root)
	refuseNearly(root, "plugin")
	plugins := entries(sections["plugin"])
	if n, ok := sections["plugin"]; ok {
		refuseNearly(n, "cmdb", "location", "router")
	}
	if cmdb, ok := plugins["cmdb"]; ok {
		c.readCMDB(cmdb)
	}
	if n, ok := plugins["location"]; ok {
		c.readLocation(n)
	}
	if n, ok := plugins["router"]; ok {
		c.readRouter(n)
	}
	if name := root.Peek("healthcheck", "service"); name != "" {
		c.NodesService = name
	}
	if n, ok := sections["apiservers"]; ok {
		for _, item := range n.Items() {
			name, ok := entries(item)["name"]
			if !ok {
				continue
			}
			c.Protocols = append(c.Protocols, name.TextOr())
			c.listenerNames = append(c.listenerNames, listenerName{name.Raw(), name.File(), name.Line(), name.Col()})
			c.readListener(name.Raw(), item)
			c.readProxyProtocol(name.Raw(), item)
			switch name.Raw() {
			case AdminName:
				c.readAdmin(item)
			case GRPCName:
				c.readGRPC(item)
			}
		}
	}
	c.checkProxyProtocols()
}

// refuseNearly refuses keys that are nearly one of the names. Polaris passes over keys that
// it does not know: a section of ours with a slip in its name would route nothing, without
// a word.
func refuseNearly(n strict.Node, names ...string) {
	for _, e := range n.Entries() {
		if near, ok := strict.Nearest(e.Key.Raw(), names); ok && near != e.Key.Raw() {
			e.Key.Errorf("unknown key %q%s", e.Key.Raw(), strict.DidYouMean(e.Key.Raw(), near))
		}
	}
}

// readCMDB reads the CMDB plugin. It ignores the options of other CMDB plugins.
func (c *Config) readCMDB(n strict.Node) {
	if name, ok := entries(n)["name"]; ok {
		c.CMDB = name.TextOr()
	}
	if c.CMDB == MappingName {
		c.readMapping(n)
	}
}

func (c *Config) readMapping(cmdb strict.Node) {
	ok := option(cmdb, func(option strict.Node) {
		keys := append([]strict.Key{
			strict.Optional("files", "The mapping files: globs, files in the config center as `polaris://NAMESPACE/GROUP/FILE`, and addresses of files over HTTP. It can be left out where `url` is given.",
				c.readMappingNames),
			strict.Optional("shrinkGuardPercent", "A reload that would lose more than this share of the entries or rules is refused until it is forced. 0 refuses every loss, 100 none.",
				strict.Int(&c.ShrinkGuardPercent, 0, 100)),
		}, c.MappingHTTP.httpKeys()...)
		values := option.Bind(keys...)
		if !values.Has("files") && c.MappingHTTP.CMDB == "" {
			cmdb.Errorf("the CMDB %q has no files, expected option: {files: [conf/mapping/*.yaml]}", MappingName)
		}
		c.MappingHTTP.checkHTTP(values)
	})
	if !ok {
		cmdb.Errorf("the CMDB %q has no option, expected option: {files: [conf/mapping/*.yaml]}", MappingName)
	}
}

func (c *Config) readLocation(n strict.Node) {
	option(n, func(option strict.Node) {
		values := option.Bind(
			strict.Optional("sources", "Where identities come from, the first to count first.",
				strict.Ignore), // read below: kubernetes changes their default
			strict.Optional("kubernetes", "Reads pods as identities. The key can be empty.", func(n strict.Node) {
				c.Kubernetes = readKubernetes(n)
				c.Sources = slices.Clone(location.SourceNames)
			}),
			strict.Optional("trustedProxies", "Addresses, prefixes and ranges of proxies, which are believed when they name the caller.",
				strict.Each(c.readTrustedProxy)),
			strict.Optional("forwardedHeader", "The one header by which trusted proxies name the caller.", c.readForwardedHeader),
		)
		if !values.Has("sources") {
			return
		}
		c.readSources(values["sources"])
		switch listed := slices.Contains(c.Sources, location.SourceKubernetes); {
		case listed && c.Kubernetes == nil:
			values["sources"].Errorf("source \"kubernetes\" has no options, expected kubernetes: {clusters: [...]} beside sources")
		case !listed && c.Kubernetes != nil:
			values["kubernetes"].Errorf("kubernetes has options and is not among the sources, expected sources: %s", strings.Join(location.SourceNames, ", "))
		}
	})
}

func (c *Config) readSources(n strict.Node) {
	c.Sources = []string{}
	for _, item := range n.Items() {
		word, ok := item.Word(location.SourceNames...)
		if ok && slices.Contains(c.Sources, word) {
			item.Errorf("source %q is given twice, expected each once", word)
		}
		c.Sources = append(c.Sources, word)
	}
}

func without(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

func (c *Config) readRouter(n strict.Node) {
	var values strict.Values
	option(n, func(option strict.Node) {
		values = option.Bind(
			strict.Optional("files", "The routing files: globs, and files in the config center as `polaris://NAMESPACE/GROUP/FILE`.",
				func(n strict.Node) { c.RoutingFiles = sourceNames(n) }),
			strict.Optional("failOpen", "What callers get when routing fails for an internal reason: `true` the stock answer, `false` no list, so that they keep theirs.",
				strict.Bool(&c.FailOpen)),
			strict.Optional("viewsMB", "What the lists that are kept for callers take at most, of all services together, in MB ([performance](../performance.md#many-services)).",
				strict.Int(&c.ViewsMB, 16, 1<<20)),
		)
	})
	if !values.Has("files") {
		n.Errorf("plugin.router has no files, expected option: {files: [conf/routing/*.yaml]}")
	}
}

// option reads the `option` of a plugin. It reports whether the plugin has one.
func option(plugin strict.Node, read func(strict.Node)) bool {
	return plugin.Bind(strict.Optional("name", "The name of the plugin.", strict.Ignore), strict.Optional("option", "The options of the plugin.", read)).Has("option")
}

// entries returns the values of a mapping by key, whatever the keys are. For the
// zero Node it returns an empty map.
func entries(n strict.Node) map[string]strict.Node {
	out := map[string]strict.Node{}
	if n == (strict.Node{}) {
		return out
	}
	for _, e := range n.Entries() {
		out[e.Key.Raw()] = e.Value
	}
	return out
}

// texts returns the texts of a list, or the one text in place of a list. An empty list
// is a fault.
func texts(n strict.Node) []string {
	var out []string
	for _, item := range n.OneOrItems() {
		out = append(out, item.TextOr())
	}
	if len(out) == 0 {
		n.Errorf("the list is empty, expected file names or globs")
	}
	return out
}

// String returns the files, sources and proxies for a log line.
func (c *Config) String() string {
	files := fmt.Sprintf("mapping files %q", c.MappingFiles)
	if c.MappingHTTP.Used() {
		files += fmt.Sprintf(", over HTTP %q every %v", c.MappingHTTP.Names(), c.MappingHTTP.Interval)
	}
	return fmt.Sprintf("%s, sources %q, trusted proxies %v by %s, routing files %q, failOpen %t",
		files, c.Sources, c.TrustedProxies, c.ForwardedHeader, c.RoutingFiles, c.FailOpen)
}

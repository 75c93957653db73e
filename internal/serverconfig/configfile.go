package serverconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// ConfigFileScheme is the start of the names of files in Polaris's config center.
const ConfigFileScheme = "polaris://"

// ConfigFile is a file in Polaris's config center.
type ConfigFile struct {
	Namespace, Group, File string
}

// ParseConfigFile reads polaris://NAMESPACE/GROUP/FILE. The name of a file can have
// slashes; the console shows them as folders.
func ParseConfigFile(name string) (ConfigFile, error) {
	rest, ok := strings.CutPrefix(name, ConfigFileScheme)
	parts := strings.SplitN(rest, "/", 3)
	if !ok || len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return ConfigFile{}, fmt.Errorf("%q is no name in the config center, expected as polaris://Polaris/setrouter/routing.yaml: namespace, group and file", name)
	}
	if strings.ContainsAny(rest, "*?[") {
		return ConfigFile{}, fmt.Errorf("%q is a pattern, and in the config center each file is named: expected as polaris://Polaris/setrouter/routing.yaml", name)
	}
	return ConfigFile{parts[0], parts[1], parts[2]}, nil
}

// ConfigFiles returns the names of the mapping and routing files in the config
// center.
func (c *Config) ConfigFiles() []string {
	var out []string
	for _, name := range append(c.MappingFiles[:len(c.MappingFiles):len(c.MappingFiles)], c.RoutingFiles...) {
		if strings.HasPrefix(name, ConfigFileScheme) {
			out = append(out, name)
		}
	}
	return out
}

// sourceNames reads the list `files` of the routing: globs, and names in the config
// center.
func sourceNames(n strict.Node) []string {
	out := texts(n)
	for i, item := range n.OneOrItems() {
		if IsHTTP(out[i]) {
			item.Errorf("routing files are not fetched over HTTP, expected files on disk, or as polaris://Polaris/setrouter/routing.yaml")
			continue
		}
		checkSourceName(item, out[i])
	}
	return out
}

// checkSourceName adds a fault if a name with a scheme is none in the config center.
func checkSourceName(item strict.Node, name string) {
	if !strings.Contains(name, "://") {
		return
	}
	if _, err := ParseConfigFile(name); err != nil {
		item.Errorf("%v", err)
	}
}

// checkConfigCenter adds a fault if files are in the config center and the config
// center is off.
func (c *Config) checkConfigCenter(root strict.Node) {
	names := c.ConfigFiles()
	if len(names) == 0 {
		return
	}
	if open, ok := entries(entries(root)["config"])["open"]; !ok || !strings.EqualFold(open.Raw(), "true") {
		root.Errorf("%s is in the config center, which is off, expected config: {open: true}", names[0])
	}
}

// publishers are the listeners by which clients can publish configuration files.
var publishers = []string{"config-grpc", NacosName}

// PublishedByClients returns a warning if a listener lets clients publish the mapping
// or the rules, else "". The warning is for a server that serves clients without a
// token.
func (c *Config) PublishedByClients() string {
	open := slices.IndexFunc(publishers, func(name string) bool { return slices.Contains(c.Protocols, name) })
	if open < 0 || len(c.ConfigFiles()) == 0 {
		return ""
	}
	return fmt.Sprintf("every client can publish %s by the listener %s: set clientOpen: true and clientStrict: true under auth.strategy.option, "+
		"or leave the listener out", c.ConfigFiles()[0], publishers[open])
}

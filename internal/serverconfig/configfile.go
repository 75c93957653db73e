package serverconfig

import (
	"fmt"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// ConfigFileScheme begins the names of files in Polaris's config center.
const ConfigFileScheme = "polaris://"

// ConfigFile is a file in Polaris's config center.
type ConfigFile struct {
	Namespace, Group, File string
}

// ParseConfigFile reads polaris://NAMESPACE/GROUP/FILE. A file can have slashes
// in its name, as folders in the console.
func ParseConfigFile(name string) (ConfigFile, error) {
	rest, is := strings.CutPrefix(name, ConfigFileScheme)
	parts := strings.SplitN(rest, "/", 3)
	if !is || len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return ConfigFile{}, fmt.Errorf("%q is no name in the config center, expected as polaris://Polaris/setrouter/routing.yaml: namespace, group and file", name)
	}
	if strings.ContainsAny(rest, "*?[") {
		return ConfigFile{}, fmt.Errorf("%q is a pattern, and in the config center each file is named: expected as polaris://Polaris/setrouter/routing.yaml", name)
	}
	return ConfigFile{parts[0], parts[1], parts[2]}, nil
}

// ConfigFiles are the sources in the config center, mapping and routing.
func (c *Config) ConfigFiles() []string {
	var out []string
	for _, name := range append(c.MappingFiles[:len(c.MappingFiles):len(c.MappingFiles)], c.RoutingFiles...) {
		if strings.HasPrefix(name, ConfigFileScheme) {
			out = append(out, name)
		}
	}
	return out
}

// sourceNames reads the list `files`: globs, and names in the config center.
func sourceNames(n strict.Node) []string {
	out := texts(n)
	for i, item := range n.OneOrItems() {
		if !strings.Contains(out[i], "://") {
			continue
		}
		if _, err := ParseConfigFile(out[i]); err != nil {
			item.Errorf("%v", err)
		}
	}
	return out
}

// checkConfigCenter says where sources are in a config center that is off.
func (c *Config) checkConfigCenter(root strict.Node) {
	names := c.ConfigFiles()
	if len(names) == 0 {
		return
	}
	if open, given := entries(entries(root)["config"])["open"]; !given || !strings.EqualFold(open.Raw(), "true") {
		root.Errorf("%s is in the config center, which is off, expected config: {open: true}", names[0])
	}
}

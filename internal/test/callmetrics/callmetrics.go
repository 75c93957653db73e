// Package callmetrics is a plugin of Polaris for tests that look at the metrics of calls.
package callmetrics

import (
	"slices"
	"sync"

	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/plugin"
)

// name is the plugin's name in Polaris's configuration.
const name = "callmetrics"

// Config is plugin.statis of Polaris's configuration.
var Config = plugin.PluginChanConfig{Entries: []plugin.ConfigEntry{{Name: name}}}

// Calls notes the calls that are reported. It is safe for concurrent use.
type Calls struct {
	plugin.Statis // the methods that nobody calls here

	mu   sync.Mutex
	apis []string
}

// Register registers the plugin, and returns it. It is called once in a process, before
// Polaris asks for its plugins.
func Register() *Calls {
	c := &Calls{}
	plugin.RegisterPlugin(name, c)
	return c
}

// Name implements plugin.Plugin.
func (c *Calls) Name() string { return name }

// Initialize implements plugin.Plugin.
func (c *Calls) Initialize(*plugin.ConfigEntry) error { return nil }

// Destroy implements plugin.Plugin.
func (c *Calls) Destroy() error { return nil }

// ReportCallMetrics implements plugin.Statis.
func (c *Calls) ReportCallMetrics(call metrics.CallMetric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apis = append(c.apis, call.API)
}

// Take returns the names of the calls that were reported since the last time, sorted, each
// once.
func (c *Calls) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	apis := slices.Sorted(slices.Values(c.apis))
	c.apis = nil
	return slices.Compact(apis)
}

package cmdb

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/polarismesh/polaris/bootstrap"
	"github.com/polarismesh/polaris/plugin"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/shrink"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// plugged is the CMDB of this process.
var plugged = &CMDB{}

func init() { plugin.RegisterPlugin(serverconfig.MappingName, plugged) }

// Initialize loads the mapping files, and watches them from then on. Files in the
// config center come when the server's caches are warm. Polaris calls Initialize
// once, at its start. For an error Polaris would only write a line in its log,
// and end the process with exit code 255; operators are promised exit code 1, and
// the message.
func (c *CMDB) Initialize(*plugin.ConfigEntry) error {
	if err := c.open(bootstrap.ConfigFilePath); err != nil {
		fmt.Printf("[ERROR] %v\n", err) // where the stock server says what ends a start
		os.Exit(1)
	}
	go c.files.Run(context.Background())
	return nil
}

func (c *CMDB) open(configFile string) error {
	config, err := serverconfig.Load(configFile)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	c.files, err = serverfiles.Open(serverfiles.Options[mapping]{
		Kind:  "mapping",
		Names: config.MappingFiles, Others: config.RoutingFiles,
		HTTP: config.MappingHTTP,
		Load: load,
		Losses: func(inForce, next *mapping) shrink.Losses {
			return inForce.table.Losses(next.table, recentCallers())
		},
		ShrinkGuardPercent: config.ShrinkGuardPercent,
	})
	return err
}

// Files returns the mapping files in force; it is nil where the server's CMDB is
// another plugin.
func Files() serverfiles.Handle {
	if plugged.files == nil {
		return nil
	}
	return plugged.files
}

// Table returns the mapping in force; it is nil, an empty table, where the
// server's CMDB is another plugin. It is safe for concurrent use and does not
// block.
func Table() *location.Table { return plugged.table() }

// callers is what GuardCallers was given last.
var callers atomic.Pointer[func() iter.Seq[netip.Addr]]

// GuardCallers has the shrink guard of the mapping look at callers, too: recent returns
// the callers that asked lately. GuardCallers is safe for concurrent use.
func GuardCallers(recent func() iter.Seq[netip.Addr]) { callers.Store(&recent) }

// recentCallers returns the callers that asked lately, nil before GuardCallers.
func recentCallers() iter.Seq[netip.Addr] {
	if recent := callers.Load(); recent != nil {
		return (*recent)()
	}
	return nil
}

package cmdb

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/polarismesh/polaris/bootstrap"
	"github.com/polarismesh/polaris/plugin"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

var mapping = &CMDB{}

func init() { plugin.RegisterPlugin(serverconfig.MappingName, mapping) }

// pollInterval is the backstop for file changes that the watch misses.
const pollInterval = 2 * time.Second

// Initialize loads the mapping files and watches them from then on; those in the
// config center come when the server's caches are warm. Polaris
// calls it once, at start. The host would end the process with exit code 255
// on an error and log it only; operators are promised 1 and the message.
func (c *CMDB) Initialize(*plugin.ConfigEntry) error {
	if err := c.open(bootstrap.ConfigFilePath); err != nil {
		fmt.Printf("[ERROR] %v\n", err) // where the stock server says what ends a start
		os.Exit(1)
	}
	go c.live.Run(context.Background())
	return nil
}

func (c *CMDB) open(configFile string) error {
	config, err := serverconfig.Load(configFile)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	observe.Register()
	c.live, err = livefile.Open(livefile.Options[state]{
		Globs:    config.MappingFiles,
		Provider: configcenter.Of,
		Copy:     configcenter.CopyOf("mapping"),
		Load:     load,
		Guard:    livefile.ShrinkGuard(config.ShrinkGuardPercent),
		OnLoad:   observe.Load("mapping"),
		Poll:     pollInterval,
	})
	if err != nil {
		return fmt.Errorf("mapping: %w", err)
	}
	if len(config.ConfigFiles()) > 0 {
		configcenter.Of.OnWarm(c.live.Start)
	}
	return nil
}

// Live returns the mapping files in force; it is nil where the server's CMDB is
// another plugin.
func Live() livefile.Handle {
	if mapping.live == nil {
		return nil
	}
	return mapping.live
}

// Table returns the mapping in force; it is nil, an empty table, where the
// server's CMDB is another plugin. It is safe for concurrent use and does not
// block.
func Table() *location.Table { return mapping.table() }

// Package configcenter reads mapping and routing files from the config center
// of the Polaris server in whose process the pack runs. A Source has the files
// for package livefile, and their copy on disk; a Center asks the server's own
// caches for releases, and publishes for operators under Polaris's auth.
package configcenter

import (
	"errors"
	"sync"

	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/config"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// releases is what a Center asks of the server's cache of config files.
type releases interface {
	GetGroupActiveReleases(namespace, group string) ([]*model.ConfigFileRelease, string)
	GetActiveRelease(namespace, group, file string) *model.ConfigFileRelease
	GetActiveGrayRelease(namespace, group, file string) *model.ConfigFileRelease
	QueryReleases(*cachetypes.ConfigReleaseArgs) (uint32, []*model.SimpleConfigFileRelease, error)
	Update() error
}

// grayRules is what a Center asks of the server's cache of the labels of gray
// releases.
type grayRules interface {
	HitGrayRule(name string, labels map[string]string) bool
	GetGrayRule(name string) []*apimodel.ClientLabel
	Update() error
}

var (
	_ releases  = cachetypes.ConfigFileCache(nil)
	_ grayRules = cachetypes.GrayCache(nil)
)

// serverParts are the parts of the server that make its config center.
type serverParts struct {
	releases releases
	grays    grayRules
	files    files
	server   publisher
	labels   map[string]string // what this node sends as a client
}

// Center is a config center. It is safe for concurrent use.
type Center struct {
	mu       sync.Mutex
	parts    *serverParts         // nil: not warm yet
	asking   map[string]*question // the store has not answered these yet
	answered map[string]bool      // questions that the store has answered
	onWarm   []func()
}

// Local is the config center of this process.
var Local = &Center{}

// OnWarm calls f as soon as the config center can be read. Before the server has
// filled its caches, a look into them would panic.
func (c *Center) OnWarm(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onWarm = append(c.onWarm, f)
}

// Warm opens the config center. The Initialize of every listener of the pack
// calls it, when the server has filled its caches and no listener serves yet; the
// first call has the effect. A fault in Warm costs the files of the config
// center, never the server.
func Warm() {
	Local.warm(func() (*serverParts, error) {
		server, err := config.GetOriginServer()
		if err == nil && server == nil {
			err = errors.New("config.open is not true in the server's configuration")
		}
		if err != nil {
			return nil, err
		}
		caches, err := cache.GetCacheManager()
		if err != nil {
			return nil, err
		}
		strategies, err := auth.GetStrategyServer()
		if err != nil {
			return nil, err
		}
		return &serverParts{
			caches.ConfigFile(), caches.Gray(), caches.GetStore(), console{server, strategies},
			map[string]string{model.ClientLabel_IP: utils.LocalHost},
		}, nil
	})
}

func (c *Center) warm(open func() (*serverParts, error)) {
	c.mu.Lock()
	waiting := c.onWarm
	c.onWarm = nil
	c.mu.Unlock()
	if len(waiting) == 0 {
		return
	}
	observe.Safely(reading, func() {
		opened, err := open()
		if err != nil {
			observe.Log.Error("[SetRouter] the config center cannot be read: " + err.Error())
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.parts = opened
	})
	for _, f := range waiting {
		observe.Safely(reading, f)
	}
}

// reading is the step that a panic in the server's cache is logged under.
const reading = "reading the config center"

func (c *Center) opened() (*serverParts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts == nil {
		return nil, errors.New("the config center cannot be read")
	}
	return c.parts, nil
}

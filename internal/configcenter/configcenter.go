// Package configcenter reads mapping and routing files from the config center
// of the Polaris server that the pack lives in: what is released there, by the
// server's own cache. It publishes there for operators, under Polaris's auth.
package configcenter

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/config"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// releases is what is asked of the server's cache of config files.
type releases interface {
	GetGroupActiveReleases(namespace, group string) ([]*model.ConfigFileRelease, string)
	GetActiveRelease(namespace, group, file string) *model.ConfigFileRelease
	GetActiveGrayRelease(namespace, group, file string) *model.ConfigFileRelease
	QueryReleases(*cachetypes.ConfigReleaseArgs) (uint32, []*model.SimpleConfigFileRelease, error)
	Update() error
}

// grayRules is what is asked of the server's cache of the labels of gray
// releases.
type grayRules interface {
	HitGrayRule(name string, labels map[string]string) bool
	Update() error
}

var (
	_ releases  = cachetypes.ConfigFileCache(nil)
	_ grayRules = cachetypes.GrayCache(nil)
)

// stock is the server's config center.
type stock struct {
	releases releases
	grays    grayRules
	files    files
	server   publisher
	labels   map[string]string // of this node, as a client
}

// Center is the config center as a provider of contents. It is safe for
// concurrent use.
type Center struct {
	mu       sync.Mutex
	stock    *stock               // nil: not to be read yet
	asking   map[string]*question // of the store, without an answer yet
	answered map[string]bool      // questions to the store
	onWarm   []func()
}

var _ livefile.Provider = (*Center)(nil)

// Of is the config center of this process.
var Of = &Center{}

// CopyOf is where the contents in force of a kind of files are kept for the
// next start, beside what Polaris keeps there. It is relative to the server's
// working directory.
func CopyOf(kind string) string { return filepath.Join("data", "setrouter", kind+".json") }

// OnWarm has f called once the config center can be read. It must not be, on
// pain of a panic, before the server has filled its caches.
func (c *Center) OnWarm(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onWarm = append(c.onWarm, f)
}

// Warm is called when the server has filled its caches and no listener serves
// yet: by the Initialize of every listener of the pack, of which the first has
// the effect. A fault in it costs the contents, never the server.
func Warm() {
	Of.warm(func() (*stock, error) {
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
		return &stock{
			caches.ConfigFile(), caches.Gray(), caches.GetStore(), console{server, strategies},
			map[string]string{model.ClientLabel_IP: utils.LocalHost},
		}, nil
	})
}

func (c *Center) warm(open func() (*stock, error)) {
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
		c.stock = opened
	})
	for _, f := range waiting {
		observe.Safely(reading, f)
	}
}

// reading is what a panic in the server's cache is a fault in.
const reading = "reading the config center"

// Version implements livefile.Provider. It reads no content.
func (c *Center) Version(name string) string {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return err.Error()
	}
	from, err := c.opened()
	if err != nil {
		return err.Error()
	}
	r, err := c.forThisNode(from, file)
	if err == nil && r == nil {
		err = c.load(from)
	}
	switch {
	case err != nil:
		return "away" // whatever the store says of it: that has the port of each connection
	case r == nil:
		return ""
	}
	return stateOf(r)
}

// stateOf tells apart whatever was put in force. On the boltdb store a gray
// release that is published again keeps its id and its version.
func stateOf(r *model.ConfigFileRelease) string {
	return fmt.Sprint(r.ReleaseType, " ", r.Id, " ", r.Version, " ", r.Md5, " ", r.ModifyTime.UnixNano())
}

// Read implements livefile.Provider.
func (c *Center) Read(name string) ([]byte, livefile.Release, error) {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return nil, livefile.Release{}, err
	}
	from, err := c.opened()
	if err != nil {
		return nil, livefile.Release{}, err
	}
	r, err := c.forThisNode(from, file)
	if err == nil && r == nil {
		if err = c.load(from); err == nil {
			r, err = c.forThisNode(from, file)
		}
	}
	switch {
	case err != nil:
		return nil, livefile.Release{}, err
	case r == nil:
		return nil, livefile.Release{}, absent("nothing is published under this name; publish it in the console (a gray release counts on the nodes that have its labels)")
	case r.IsEncrypted():
		return nil, livefile.Release{}, errors.New("is encrypted; publish it without encryption")
	}
	content := from.releases.GetActiveRelease
	if r.ReleaseType == model.ReleaseTypeGray {
		content = from.releases.GetActiveGrayRelease
	}
	// The cache shows a release before it has its content.
	full := content(file.Namespace, file.Group, file.File)
	if full == nil || stateOf(full) != stateOf(r) || md5Of(full.Content) != r.Md5 {
		return nil, livefile.Release{}, fmt.Errorf("%w: the cache has not yet that of release %q", livefile.ErrUnsettled, r.Name)
	}
	return []byte(full.Content), releaseOf(name, r.SimpleConfigFileRelease), nil
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func releaseOf(name string, r *model.SimpleConfigFileRelease) livefile.Release {
	out := livefile.Release{File: name, Name: r.Name, Type: "full", Version: r.Version, ID: r.Id, PublishedAt: r.ModifyTime.UTC()}
	if r.ReleaseType == model.ReleaseTypeGray {
		out.Type = "gray"
	}
	return out
}

func (c *Center) opened() (*stock, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stock == nil {
		return nil, errors.New("the config center cannot be read")
	}
	return c.stock, nil
}

// Package configcenter reads mapping and routing files from the config center
// of the Polaris server in whose process the pack runs. A Source has the files
// for package livefile, and their copy on disk; a Center asks the server's own
// caches for releases, and publishes for operators under Polaris's auth.
package configcenter

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/config"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
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
	labels   map[string]string // what this node sends as a client
}

// Center is a config center. It is safe for concurrent use.
type Center struct {
	mu       sync.Mutex
	stock    *stock               // nil: not warm yet
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
	Local.warm(func() (*stock, error) {
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

// reading is the step that a panic in the server's cache is logged under.
const reading = "reading the config center"

// Version returns a text that is another one when Read would return something
// else for a file. It reads no content.
func (c *Center) Version(name string) string {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return err.Error()
	}
	from, err := c.opened()
	if err != nil {
		return err.Error()
	}
	r, err := c.activeRelease(from, file)
	if err == nil && r == nil {
		err = c.loadReleases(from)
	}
	switch {
	case err != nil:
		return "away" // not the error: it has the port of each connection
	case r == nil:
		return ""
	}
	return stateOf(r)
}

// stateOf returns a text that is another one after each publication. On the
// boltdb store a gray release that is published again keeps its id and version.
func stateOf(r *model.ConfigFileRelease) string {
	return fmt.Sprint(r.ReleaseType, " ", r.Id, " ", r.Version, " ", r.Md5, " ", r.ModifyTime.UnixNano())
}

// Read returns the content of a file that is in force on this node, and its
// release. Where nothing is published the error is ErrAbsent.
func (c *Center) Read(name string) ([]byte, release.Release, error) {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return nil, release.Release{}, err
	}
	from, err := c.opened()
	if err != nil {
		return nil, release.Release{}, err
	}
	r, err := c.activeRelease(from, file)
	if err == nil && r == nil {
		if err = c.loadReleases(from); err == nil {
			r, err = c.activeRelease(from, file)
		}
	}
	switch {
	case err != nil:
		return nil, release.Release{}, err
	case r == nil:
		return nil, release.Release{}, absent("nothing is published under this name; publish it in the console (a gray release counts on the nodes that have its labels)")
	case r.IsEncrypted():
		return nil, release.Release{}, errors.New("is encrypted; publish it without encryption")
	}
	content, err := contentOf(from, file, r)
	if err != nil {
		return nil, release.Release{}, err
	}
	return content, releaseOf(name, r.SimpleConfigFileRelease), nil
}

// contentOf returns the content of a release. The cache shows a release before
// it has the content: until then the file is unsettled.
func contentOf(from *stock, file serverconfig.ConfigFile, r *model.ConfigFileRelease) ([]byte, error) {
	get := from.releases.GetActiveRelease
	if r.ReleaseType == model.ReleaseTypeGray {
		get = from.releases.GetActiveGrayRelease
	}
	full := get(file.Namespace, file.Group, file.File)
	if full == nil || stateOf(full) != stateOf(r) || md5Of(full.Content) != r.Md5 {
		return nil, fmt.Errorf("%w: the cache has not yet that of release %q", errUnsettled, r.Name)
	}
	return []byte(full.Content), nil
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func releaseOf(name string, r *model.SimpleConfigFileRelease) release.Release {
	out := release.Release{File: name, Name: r.Name, Type: release.TypeFull, Version: r.Version, ID: r.Id, PublishedAt: r.ModifyTime.UTC()}
	if r.ReleaseType == model.ReleaseTypeGray {
		out.Type = release.TypeGray
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

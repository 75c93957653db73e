// Package configcenter reads mapping and routing files from the config center
// of the Polaris server that the pack lives in: what is released there, by the
// server's own cache.
package configcenter

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/config"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// releases is what is asked of the server's cache of config files.
type releases interface {
	GetGroupActiveReleases(namespace, group string) ([]*model.ConfigFileRelease, string)
	GetActiveRelease(namespace, group, file string) *model.ConfigFileRelease
	Update() error
}

var _ releases = cachetypes.ConfigFileCache(nil)

// Center is the config center as a provider of contents. It is safe for
// concurrent use.
type Center struct {
	mu     sync.Mutex
	cache  releases // nil: not to be read yet
	files  files
	loaded bool      // what the cache does not have, the store does not have either
	asking *question // of the store, without an answer yet
	onWarm []func()
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
	Of.warm(func() (releases, files, error) {
		server, err := config.GetServer()
		if err == nil && server == nil {
			err = errors.New("config.open is not true in the server's configuration")
		}
		if err != nil {
			return nil, nil, err
		}
		caches, err := cache.GetCacheManager()
		if err != nil {
			return nil, nil, err
		}
		return caches.ConfigFile(), caches.GetStore(), nil
	})
}

func (c *Center) warm(open func() (releases, files, error)) {
	c.mu.Lock()
	waiting := c.onWarm
	c.onWarm = nil
	c.mu.Unlock()
	if len(waiting) == 0 {
		return
	}
	safely(func() {
		cache, files, err := open()
		if err != nil {
			observe.Log.Error("[SetRouter] the config center cannot be read: " + err.Error())
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cache, c.files = cache, files
	})
	for _, f := range waiting {
		safely(f)
	}
}

func safely(f func()) {
	defer func() {
		if p := recover(); p != nil {
			observe.Log.Error(fmt.Sprintf("[SetRouter] panic while reading the config center: %v\n%s", p, debug.Stack()))
		}
	}()
	f()
}

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
	active, _ := from.GetGroupActiveReleases(file.Namespace, file.Group)
	for _, r := range active {
		if r.FileName == file.File && r.ReleaseType == model.ReleaseTypeFull {
			return fmt.Sprint(r.Version, " ", r.Md5)
		}
	}
	if err := c.load(from); err != nil {
		return err.Error()
	}
	return ""
}

// Read implements livefile.Provider.
func (c *Center) Read(name string) ([]byte, error) {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return nil, err
	}
	from, err := c.opened()
	if err != nil {
		return nil, err
	}
	r := from.GetActiveRelease(file.Namespace, file.Group, file.File)
	if r == nil {
		if err := c.load(from); err != nil {
			return nil, err
		}
		r = from.GetActiveRelease(file.Namespace, file.Group, file.File)
	}
	switch {
	case r == nil:
		return nil, absent("nothing is published under this name; publish it in the console (a gray release does not count)")
	case r.IsEncrypted():
		return nil, errors.New("is encrypted; publish it without encryption")
	}
	// The cache shows a release before it has its content.
	if sum := md5.Sum([]byte(r.Content)); hex.EncodeToString(sum[:]) != r.Md5 {
		return nil, fmt.Errorf("%w: the cache has not yet that of release %q", livefile.ErrUnsettled, r.Name)
	}
	return []byte(r.Content), nil
}

func (c *Center) opened() (releases, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache == nil {
		return nil, errors.New("the config center cannot be read")
	}
	return c.cache, nil
}

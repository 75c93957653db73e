// Package firstload keeps a server from serving that could not read its store.
package firstload

import (
	"fmt"

	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
)

// needed are the caches of the server that lists of instances come from. Where
// a cache of governance rules could not be read, the server serves, as the stock
// server does.
var needed = []cachetypes.CacheIndex{
	cachetypes.CacheNamespace, cachetypes.CacheService, cachetypes.CacheInstance, cachetypes.CacheClient,
}

// Check returns an error where the server could not fill one of its caches at the
// start. Polaris v1.18.1 goes on after that, and from then on reads only what is
// new: as long as it runs it answers with empty lists, or that a service does not
// exist, and SDKs drop their lists for such answers. Every listener of the pack
// calls Check in its Initialize: then the caches have been filled, and nothing is
// served yet.
func Check() error {
	caches, err := cache.GetCacheManager()
	if err != nil {
		return nil // a listener in a test, without a server
	}
	for _, index := range needed {
		c := caches.GetCacher(index)
		if first, ok := c.(interface{ IsFirstUpdate() bool }); ok && first.IsFirstUpdate() {
			return fmt.Errorf("the %s cache could not be read from the store, and without it clients would get empty or wrong lists; start the server again", c.Name())
		}
	}
	return nil
}

// Package firstload stands before the listeners of a server that could not read
// what it is to serve.
package firstload

import (
	"fmt"

	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
)

// listsFrom are the server's caches that lists of instances depend on. Without
// one for governance rules the stock server's own start stands.
var listsFrom = []cachetypes.CacheIndex{
	cachetypes.CacheNamespace, cachetypes.CacheService, cachetypes.CacheInstance, cachetypes.CacheClient,
}

// Check is an error where the server could not fill one of its caches at the
// start. It would go on (v1.18.1), and answer with empty lists, or that there is
// no such service, for as long as it runs: from then on it reads only what is
// new. SDKs drop their lists for such answers. Every listener of the pack asks
// in its Initialize, when the caches have been filled and nothing is served yet.
func Check() error {
	caches, err := cache.GetCacheManager()
	if err != nil {
		return nil // a listener in a test, without a server
	}
	for _, index := range listsFrom {
		c := caches.GetCacher(index)
		if first, ok := c.(interface{ IsFirstUpdate() bool }); ok && first.IsFirstUpdate() {
			return fmt.Errorf("the %s cache could not be read from the store, and without it clients would get empty or wrong lists; start the server again", c.Name())
		}
	}
	return nil
}

// Package httpapi makes the HTTP listener of Polaris, `api-http`, tell the
// discovery server who asks.
//
// The stock listener does not tell. But it mounts the debug handlers of every
// listener, and of two patterns that match a path the mux takes the longer one.
// So this package takes over /v1/Discover and /v1/ReportClient with debug handlers.
// They run the stock handlers, and make the caller known to them.
//
// setup.go is the listener in the life cycle of Polaris, handler.go answers the two
// paths.
package httpapi

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/httpserver" // registers the slot before the init here wraps it
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = serverconfig.HTTPName

func init() { wrap(apiserver.Slots) }

func wrap(slots map[string]apiserver.Apiserver) {
	if stock, ok := slots[slotName]; ok {
		slots[slotName] = &slot{Apiserver: stock}
	}
}

// slot is the stock listener with handlers of its own for two paths. The
// stock listener runs, stops and restarts itself.
type slot struct {
	apiserver.Apiserver
	offersDiscovery atomic.Bool
}

var _ apiserver.EnrichApiserver = (*slot)(nil)

// Initialize notes whether the configuration offers discovery over HTTP. A
// server that does not offer it must answer neither of the paths.
func (s *slot) Initialize(ctx context.Context, option map[string]any, apis map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	client := apis["client"]
	s.offersDiscovery.Store(client.Enable && (len(client.Include) == 0 || slices.Contains(client.Include, apiserver.DiscoverAccess)))
	return s.Apiserver.Initialize(ctx, option, apis)
}

// DebugHandlers returns the handlers of the stock listener, and the handler of the
// package under both spellings of each path: the stock routes ignore a slash at the
// end.
func (s *slot) DebugHandlers() []model.DebugHandler {
	var handlers []model.DebugHandler
	if stock, ok := s.Apiserver.(apiserver.EnrichApiserver); ok {
		handlers = stock.DebugHandlers()
	}
	if !s.offersDiscovery.Load() {
		return handlers
	}
	handler := newHandler()
	for _, path := range []string{discoverPath, reportClientPath} {
		for _, spelling := range []string{path, path + "/"} {
			handlers = append(handlers, model.DebugHandler{Path: spelling, Desc: "the stock handler, with the caller known to routing", Handler: handler.ServeHTTP})
		}
	}
	return handlers
}

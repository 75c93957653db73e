// Package httpapi makes the HTTP listener of Polaris, `api-http`, tell the
// discovery server who asks.
//
// The stock listener does not tell. But it mounts the debug handlers of every
// listener, and of two patterns that match a path the mux takes the longer one.
// So this package takes over /v1/Discover and /v1/ReportClient with debug handlers.
// They run the stock handlers, and make the caller known to them.
//
// The stock listener waits without end for a request of which a part has come. So its
// handlers are served by a listener of this package, which does not.
//
// setup.go is the listener in the life cycle of Polaris, front.go serves the stock
// handlers, handler.go answers the two paths.
package httpapi

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/httpserver" // registers the slot before the init here wraps it
	"github.com/polarismesh/polaris/common/metrics"
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

// slot is the stock listener with handlers of its own for two paths, behind a front.
type slot struct {
	apiserver.Apiserver
	offersDiscovery atomic.Bool
	front           atomic.Pointer[front] // of the last Initialize
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
	f, stockOption, err := newFront(option, s.GetProtocol())
	if err != nil {
		return fmt.Errorf("%s: %w", slotName, err)
	}
	s.front.Store(f)
	defer metrics.SetMetricsPort(int32(f.listen.Port)) // the stock listener says its own
	return s.Apiserver.Initialize(ctx, stockOption, apis)
}

// GetPort returns the port that clients know.
func (s *slot) GetPort() uint32 {
	if f := s.front.Load(); f != nil {
		return uint32(f.listen.Port)
	}
	return s.Apiserver.GetPort()
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	if err := s.front.Load().run(s.Apiserver); err != nil {
		errCh <- err
	}
}

// Stop ends the front, and what the stock listener has left.
func (s *slot) Stop() {
	if f := s.front.Load(); f != nil {
		f.stop()
	}
	s.Apiserver.Stop()
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	return router.Restart(s, option, apis, errCh)
}

// DebugHandlers returns the handlers of the stock listener, and the handler of the
// package under both spellings of each path: the stock routes ignore a slash at the
// end.
func (s *slot) DebugHandlers() []model.DebugHandler {
	var handlers []model.DebugHandler
	if stock, ok := s.Apiserver.(apiserver.EnrichApiserver); ok {
		handlers = stock.DebugHandlers()
	}
	if f := s.front.Load(); f != nil {
		handlers = append(handlers, model.DebugHandler{Path: handlerPath, Desc: "how setrouter takes over the handlers of this listener", Handler: f.handOver})
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

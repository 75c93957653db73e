// Package nacos is the listener `service-nacos`: Nacos clients get the list that they
// should use, over HTTP (Nacos 1) and over gRPC with push (Nacos 2 and 3).
//
// The stock listener is not run. The package runs the stock handlers in the process, so
// that there is no port behind it, and so that the life of connections is its own: a
// connection that stays silent makes the stock listener end the process
// (docs/decisions/0010).
//
// setup.go is the listener in the life cycle of Polaris, front.go listens, stock.go has the
// stock handlers. connection.go is the life of a gRPC connection, call.go answers calls,
// stream.go is the stream by which a client gets pushes. subscription.go says what a
// connection has subscribed to, push.go finds out which lists have changed. routing.go has
// what the server says.
//
// names.go says what a name in Nacos is in Polaris, list.go what a list looks like to a Nacos
// client, weight.go which weights an instance has, stamp.go how old a list is. registry.go
// registers instances, persistent.go those without a health check.
//
// http.go answers Nacos 1: params.go and queries.go read requests, http_around.go does what the
// stock listener does around its routes, login.go and services.go have routes. udp.go pushes to
// clients of Nacos 1, in packets of udppacket.go.
package nacos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/nacosserver" // registers the slot before the init here replaces it

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = serverconfig.NacosName

func init() { apiserver.Slots[slotName] = &slot{} }

// slot is the listener. The stock handlers are made once: they follow events of the
// server, and have no end.
type slot struct {
	stock *stock
	front atomic.Pointer[front] // of the last Initialize
}

var _ apiserver.Apiserver = (*slot)(nil)

// GetProtocol implements apiserver.Apiserver.
func (s *slot) GetProtocol() string { return slotName }

// GetPort returns the port of HTTP. The port of gRPC is grpcOffset above it.
func (s *slot) GetPort() uint32 {
	if f := s.front.Load(); f != nil {
		return uint32(f.http.Port)
	}
	return defaultPort
}

// Initialize reads how to listen, and makes the stock handlers.
func (s *slot) Initialize(_ context.Context, option map[string]any, _ map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	if s.stock == nil {
		made, err := newStock()
		if err != nil {
			return fmt.Errorf("%s: %w", slotName, err)
		}
		s.stock = made
	}
	f, err := newFront(option, s.stock, serverRouting{router.Running()})
	if err != nil {
		return fmt.Errorf("%s: %w", slotName, err)
	}
	s.front.Store(f)
	return nil
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	if err := s.front.Load().run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop ends the listener with its connections.
func (s *slot) Stop() {
	if f := s.front.Load(); f != nil {
		f.stop()
	}
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	return router.Restart(s, option, apis, errCh)
}

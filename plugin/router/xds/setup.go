// Package xds is the listener `xds-v3`, for Envoy and for gRPC clients without a proxy. The
// stock listener sends all instances of a service to every client. This one sends the
// roads of the caller's rule, as priorities: clients fail over by themselves along the
// roads that the operators drew, and no others (docs/design.md, 6.1).
//
// setup.go is the listener in the life cycle of Polaris; server.go serves. The servers of
// go-control-plane speak the protocol, in the state of the world and as delta. streams.go
// knows who is at the other end of a stream, and caller.go says who asks. cache.go answers
// the servers: look.go compares what a client has with what it should have, and the
// client hears of what differs. subscription.go is what a client asks for.
//
// world.go is what there is. catalog.go has the resources that are the same for every
// caller, which the stock listener's own builders make (builders.go) from the registry
// (registry.go). endpoints.go makes the endpoints of a caller, assignments.go keeps them
// for all callers of a kind, and proxyless.go is what gRPC clients need besides. hds.go is
// the service by which sidecars register themselves and report their health, hdsnode.go what
// their nodes say. tls.go reads certificates.
//
// docs/decisions/0019 says why it is so.
package xds

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/xdsserverv3" // registers the slot before the init here replaces it

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = serverconfig.XDSName

// The stock listener has pages that show every endpoint to everybody who reaches api-http.
// Slots with such pages have a method DebugHandlers. This one has not.
func init() { apiserver.Slots[slotName] = &slot{} }

// slot is the listener in the life cycle of Polaris.
type slot struct {
	server atomic.Pointer[server] // of the last Initialize
}

var _ apiserver.Apiserver = (*slot)(nil)

// protocol is what the stock listener calls itself, also in instances that sidecars register.
const protocol = "xdsv3"

// GetProtocol implements apiserver.Apiserver.
func (s *slot) GetProtocol() string { return protocol }

// GetPort implements apiserver.Apiserver.
func (s *slot) GetPort() uint32 {
	if server := s.server.Load(); server != nil {
		return uint32(server.listen.Port)
	}
	return 0
}

// Initialize implements apiserver.Apiserver.
func (s *slot) Initialize(_ context.Context, option map[string]any, _ map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	server, err := newServer(option)
	if err != nil {
		return fmt.Errorf("%s: %w", slotName, err)
	}
	s.server.Store(server)
	return nil
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	if err := s.server.Load().run(); err != nil {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop implements apiserver.Apiserver.
func (s *slot) Stop() {
	if server := s.server.Load(); server != nil {
		server.stop()
	}
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	return router.Restart(s, option, apis, errCh)
}

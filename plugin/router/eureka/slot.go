// Package eureka routes the clients of the Eureka listener, `service-eureka`.
//
// The stock listener reads the registry past the discovery interface, and
// sends one list, made every refreshInterval, to every caller. So this package
// takes the listener's address for itself, gives the stock one a port of
// loopback, and stands in front: requests pass as they are, and of the answers
// with instances it keeps what the caller should use. The list is the router's
// of this moment: an instance that the stock listener does not show yet, or
// shows in another status, is put in as it is in the registry now.
//
// /apps/delta has no instances and a hashcode that no client arrives at, where
// the caller's list of an application is not the whole: clients then fetch all,
// as the protocol says. Eureka's own hashcode counts instances by status only: a
// change of a rule, a mapping or a fallback mostly leaves the counts equal, and
// the client would not see it. A client that applies deltas and does not look
// at the hashcode must have deltas off.
//
// Eureka has no weights: a rule with `rollout: {by: weight}` sends the
// instances, and clients share among them evenly. A lane address is answered
// only if it is a service with instances of its own.
//
// Without routing files the stock listener is left alone. A fault in filtering
// is logged and counted, and the stock answer sent.
package eureka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/eurekaserver" // registers the slot before the init here wraps it

	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = "service-eureka"

func init() { wrap(apiserver.Slots) }

func wrap(slots map[string]apiserver.Apiserver) {
	if stock, ok := slots[slotName]; ok {
		slots[slotName] = &slot{Apiserver: stock, routing: running}
	}
}

// slot is the stock listener with a front.
type slot struct {
	apiserver.Apiserver
	routing func() routing

	mu    sync.Mutex
	front *front // nil: no routing, the stock listener alone
}

// running is the routing of this server, nil without routing files.
func running() routing {
	if server := router.Running(); server != nil && server.HasRules() {
		return live{server}
	}
	return nil
}

// Initialize implements apiserver.Apiserver.
func (s *slot) Initialize(ctx context.Context, option map[string]any, api map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	var f *front
	if routing := s.routing(); routing != nil {
		var err error
		if f, option, err = newFront(option, s.GetProtocol(), routing); err != nil {
			return fmt.Errorf("%s: %w", slotName, err)
		}
	}
	s.mu.Lock()
	s.front = f
	s.mu.Unlock()
	return s.Apiserver.Initialize(ctx, option, api)
}

func (s *slot) current() *front {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.front
}

// GetPort is the port that clients know.
func (s *slot) GetPort() uint32 {
	if f := s.current(); f != nil {
		return uint32(f.listen.port)
	}
	return s.Apiserver.GetPort()
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	f := s.current()
	if f == nil {
		s.Apiserver.Run(errCh)
		return
	}
	var stock sync.WaitGroup
	defer stock.Wait()
	stock.Go(func() {
		defer f.cancel()
		s.Apiserver.Run(errCh)
	})
	if err := f.run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop ends the front, then the stock listener.
func (s *slot) Stop() {
	if f := s.current(); f != nil {
		f.stop()
	}
	s.Apiserver.Stop()
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, api map[string]apiserver.APIConfig, errCh chan error) error {
	s.Stop()
	if err := s.Initialize(context.Background(), option, api); err != nil {
		return err
	}
	go s.Run(errCh)
	return nil
}

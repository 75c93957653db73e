// Package admin is the API server `set-admin`: JSON over HTTP for operators, on
// loopback by default, and a page that shows the same. docs/openapi.yaml has
// the shape of every answer.
//
// setup.go is the listener in the life cycle of Polaris. admin.go has the paths,
// requests.go reads their parameters, and backend.go asks the server: status.go,
// world.go and publish.go have its longer answers. guards.go refuses requests,
// errors.go tells the client of an error. page.go puts the page together.
package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/polarismesh/polaris/apiserver"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = serverconfig.AdminName

func init() { _ = apiserver.Register(slotName, &slot{}) }

// slot is the admin listener.
type slot struct {
	mu     sync.Mutex
	server *http.Server
	port   uint32
}

var _ apiserver.Apiserver = (*slot)(nil)

// GetProtocol implements apiserver.Apiserver.
func (s *slot) GetProtocol() string { return "setrouter-admin" }

// GetPort implements apiserver.Apiserver.
func (s *slot) GetPort() uint32 { return s.port }

// Initialize takes the options as the pack reads them from the server's
// configuration, strictly: the parameters have the same options.
func (s *slot) Initialize(context.Context, map[string]any, map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	running := router.Running()
	if running == nil {
		return errors.New("routing is not in this server's chain")
	}
	config := running.Config().Admin
	s.mu.Lock()
	defer s.mu.Unlock()
	s.port = uint32(config.ListenPort)
	s.server = &http.Server{
		Addr:              net.JoinHostPort(config.ListenIP, strconv.Itoa(config.ListenPort)),
		Handler:           handlerFor(serverBackend{running, &lints{}, newTurns(), &reaches{}}, config),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 16,
	}
	return nil
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	observe.Log.Info("[SetRouter] admin listener at " + server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop closes the listener and its connections.
func (s *slot) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = s.server.Close()
	}
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	return router.Restart(s, option, apis, errCh)
}

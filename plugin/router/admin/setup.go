// Package admin is the API server `set-admin`: JSON over HTTP for operators, on
// loopback by default, and a page that shows the same. docs/openapi.yaml has
// the shape of every answer.
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

func init() { _ = apiserver.Register(serverconfig.AdminName, &slot{}) }

// slot is the listener in the life cycle of Polaris: Initialize, then Run in a
// goroutine of its own, then Stop.
type slot struct {
	mu     sync.Mutex
	server *http.Server
	port   uint32
}

// GetProtocol implements apiserver.Apiserver.
func (s *slot) GetProtocol() string { return "setrouter-admin" }

// GetPort implements apiserver.Apiserver.
func (s *slot) GetPort() uint32 { return s.port }

// Initialize takes the options as the pack reads them from the server's
// configuration, strictly; those given here are the same ones.
func (s *slot) Initialize(context.Context, map[string]any, map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	server := router.Running()
	if server == nil {
		return errors.New("routing is not in this server's chain")
	}
	config := server.Config().Admin
	s.mu.Lock()
	defer s.mu.Unlock()
	s.port = uint32(config.ListenPort)
	s.server = &http.Server{
		Addr:              net.JoinHostPort(config.ListenIP, strconv.Itoa(config.ListenPort)),
		Handler:           newHandler(state{server}, config.Token),
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
		errCh <- fmt.Errorf("%s: %w", serverconfig.AdminName, err)
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
func (s *slot) Restart(option map[string]any, api map[string]apiserver.APIConfig, errCh chan error) error {
	s.Stop()
	if err := s.Initialize(context.Background(), option, api); err != nil {
		return err
	}
	go s.Run(errCh)
	return nil
}

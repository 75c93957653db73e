package router

import (
	"context"
	"net/netip"

	"github.com/polarismesh/polaris/apiserver"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/firstload"
)

// Ready is called by each listener of the pack in its Initialize, when Polaris
// has filled its caches and nothing is served yet. It returns an error where the
// server must not serve, and loads what is in the config center.
func Ready() error {
	if err := firstload.Check(); err != nil {
		return err
	}
	configcenter.Warm()
	return nil
}

// Restart stops a listener of the pack, and runs it with new options. Where the
// options are refused, it returns the error, and the listener does not run.
func Restart(listener apiserver.Apiserver, option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	listener.Stop()
	if err := listener.Initialize(context.Background(), option, apis); err != nil {
		return err
	}
	go listener.Run(errCh)
	return nil
}

// TrustsProxy reports whether an address is a trusted proxy's, in the configuration of
// this server. Safe for concurrent use.
func TrustsProxy(addr netip.Addr) bool {
	s := Running()
	return s != nil && s.config.Proxies().Trust(addr)
}

package router

import (
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

package nacos

import (
	"net/http"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver/nacosserver/core"
	configv1 "github.com/polarismesh/polaris/apiserver/nacosserver/v1/config"
	configv2 "github.com/polarismesh/polaris/apiserver/nacosserver/v2/config"
	discoverv2 "github.com/polarismesh/polaris/apiserver/nacosserver/v2/discover"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/config"
	"github.com/polarismesh/polaris/namespace"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
)

// stock has the handlers of the stock listener, which are put together from the same
// parts.
type stock struct {
	http        http.Handler                             // the routes of Nacos 1
	calls       map[string]*remote.RequestHandlerWarrper // of Nacos 2, by the type of the request
	connections *remote.ConnectionManager
	*registrations
}

// parts are the servers of Polaris that the handlers ask.
type parts struct {
	users                       auth.UserServer
	strategies                  auth.StrategyServer
	namespaces                  namespace.NamespaceOperateServer
	discover, discoverUnasked   service.DiscoverServer // behind auth, and without
	configure, configureUnasked config.ConfigCenterServer
	health                      *healthcheck.Server
	store                       *core.NacosDataStorage
}

func newParts() (p parts, err error) {
	steps := []func() error{
		func() error { p.users, err = auth.GetUserServer(); return err },
		func() error { p.strategies, err = auth.GetStrategyServer(); return err },
		func() error { p.namespaces, err = namespace.GetServer(); return err },
		func() error { p.discover, err = service.GetServer(); return err },
		func() error { p.discoverUnasked, err = service.GetOriginServer(); return err },
		func() error { p.configure, err = config.GetServer(); return err },
		func() error { p.configureUnasked, err = config.GetOriginServer(); return err },
		func() error { p.health, err = healthcheck.GetServer(); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return p, err
		}
	}
	p.store = core.NewNacosDataStorage(p.discover.Cache())
	return p, nil
}

// newStock makes the stock handlers. Their goroutines live as long as the process.
func newStock() (*stock, error) {
	p, err := newParts()
	if err != nil {
		return nil, err
	}
	s := &stock{connections: remote.NewConnectionManager(), registrations: newRegistrations(p.discoverUnasked)}
	if s.http, err = newRoutes(p); err != nil {
		return nil, err
	}
	s.calls, err = newCalls(p, s)
	return s, err
}

// newRoutes returns the stock routes of Nacos 1 that the front does not have itself: those of
// the config center. Routes with instances are not among them, whatever the path.
func newRoutes(p parts) (http.Handler, error) {
	configure := &configv1.ConfigServer{}
	err := configure.Initialize(&configv1.ServerOption{
		Store: p.store, UserSvr: p.users, CheckerSvr: p.strategies, NamespaceSvr: p.namespaces, ConfigSvr: p.configure, OriginConfigSvr: p.configureUnasked,
	})
	if err != nil {
		return nil, err
	}
	routes, err := configure.GetClientServer()
	if err != nil {
		return nil, err
	}
	return restful.NewContainer().Add(routes), nil
}

// newCalls returns the stock handlers of Nacos 2.
func newCalls(p parts, s *stock) (map[string]*remote.RequestHandlerWarrper, error) {
	discover, configure := &discoverv2.DiscoverServer{}, &configv2.ConfigServer{}
	err := discover.Initialize(&discoverv2.ServerOption{
		ConnectionManager: s.connections, Store: p.store, UserSvr: p.users, CheckerSvr: p.strategies, NamespaceSvr: p.namespaces,
		DiscoverSvr: p.discover, OriginDiscoverSvr: s.registrations, HealthSvr: p.health,
	})
	if err != nil {
		return nil, err
	}
	err = configure.Initialize(&configv2.ServerOption{
		ConnectionManager: s.connections, Store: p.store, UserSvr: p.users, CheckerSvr: p.strategies, NamespaceSvr: p.namespaces,
		ConfigSvr: p.configure, OriginConfigSvr: p.configureUnasked,
	})
	if err != nil {
		return nil, err
	}
	calls := map[string]*remote.RequestHandlerWarrper{}
	for _, handlers := range []map[string]*remote.RequestHandlerWarrper{discover.ListGRPCHandlers(), configure.ListGRPCHandlers()} {
		for name, handler := range handlers {
			calls[name] = handler
		}
	}
	calls[nacospb.TypeServiceListRequest] = serviceLists(runningServices)
	calls[nacospb.TypePersistentInstanceRequest] = persistentInstances(p.discover) // the stock handler refuses its own requests
	return calls, nil
}

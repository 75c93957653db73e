package router

import (
	"context"
	"fmt"
	"time"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/bootstrap"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	service_auth "github.com/polarismesh/polaris/service/interceptor/auth"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/cmdb"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// proxyName is the only discovery proxy that the bootstrap of Polaris v1.18.1
// calls (service.GetChainOrder). The stock package service/interceptor
// registers the same name and must not be imported beside this one.
const proxyName = "auth"

// pollInterval is the backstop for file changes that the watch misses.
const pollInterval = 2 * time.Second

func init() {
	if err := service.RegisterServerProxy(proxyName, newProxy); err != nil {
		panic(fmt.Sprintf("setrouter: %v: leave out the import of polaris/service/interceptor, this package stands in for it", err))
	}
	wrapHTTP(apiserver.Slots)
}

// newProxy builds what Polaris takes for its auth proxy: the stock one, and
// routing outside of it, so that no instance passes auth unasked. Polaris calls
// it once, after the plugins' Initialize and before the caches are filled.
func newProxy(svr *service.Server, _ service.DiscoverServer) (service.DiscoverServer, error) {
	users, err := auth.GetUserServer()
	if err != nil {
		return nil, err
	}
	strategies, err := auth.GetStrategyServer()
	if err != nil {
		return nil, err
	}
	inner := service_auth.NewServerAuthAbility(svr, users, strategies)

	config, err := serverconfig.Load(bootstrap.ConfigFilePath)
	if err != nil {
		return nil, err
	}
	if config.CMDB != "" && plugin.GetCMDB() == nil {
		return nil, fmt.Errorf("plugin.cmdb.name %q is not a CMDB of this server, expected %q", config.CMDB, serverconfig.MappingName)
	}
	return newServer(inner, config)
}

// newServer starts routing over inner. Its goroutines live as long as the
// process: Polaris has no call that ends a proxy.
func newServer(inner service.DiscoverServer, config *serverconfig.Config) (*Server, error) {
	observe.Register()
	s := &Server{
		DiscoverServer: inner,
		failOpen:       config.FailOpen,
		trusted:        config.TrustedProxies,
		table:          cmdb.Table,
		services:       func() cachetypes.ServiceCache { return inner.Cache().Service() },
		selectFrom:     route.Route.Select,
	}
	if len(config.RoutingFiles) == 0 {
		observe.Log.Warn("[SetRouter] no plugin.router.option.files: every answer is the stock one")
		return s, nil
	}
	live, err := livefile.Open(livefile.Options[route.Rules]{
		Globs:  config.RoutingFiles,
		Load:   loadRules,
		OnLoad: observe.Load("routing"),
		Poll:   pollInterval,
	})
	if err != nil {
		return nil, err
	}
	s.rules = live.Get
	instances, clients := newHostIndex(), newHostIndex()
	s.sources = sources(config.Sources, instances, clients)
	if err := follow(inner.Cache(), instances, clients); err != nil {
		return nil, err
	}
	go live.Run(context.Background())
	warnUnrouted(config.Protocols)
	observe.Log.Info("[SetRouter] routing", zap.Stringer("config", config))
	return s, nil
}

func loadRules(files []strict.File) (*route.Rules, int, error) {
	var problems strict.Problems
	rules := route.Load(files, &problems)
	if err := problems.Err(); err != nil {
		return nil, 0, err
	}
	return rules, rules.Len(), nil
}

// sources are the identity sources of callers, in the configured order.
func sources(names []string, instances, clients *hostIndex) []location.Source {
	var out []location.Source
	for _, name := range names {
		switch name {
		case serverconfig.SourceMapping:
			out = append(out, mappingSource{cmdb.Table})
		case serverconfig.SourceRegistry:
			out = append(out, indexSource{name, instances})
		case serverconfig.SourceReport:
			out = append(out, indexSource{name, clients})
		}
	}
	return out
}

// warnUnrouted names the listeners that read the registry past this pack
// (design section 6.1).
func warnUnrouted(protocols []string) {
	for _, name := range protocols {
		switch name {
		case "service-eureka", "service-nacos", "xds-v3", "service-l5":
			observe.Log.Warn("[SetRouter] clients of this listener get every instance: it is not routed", zap.String("apiserver", name))
		}
	}
}

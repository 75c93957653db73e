package router

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/bootstrap"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	service_auth "github.com/polarismesh/polaris/service/interceptor/auth"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/cmdb"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// proxyName is the only discovery proxy that the bootstrap of Polaris v1.18.1
// calls (service.GetChainOrder). The stock package service/interceptor
// registers the same name and must not be imported beside this one.
const proxyName = "auth"

// tickInterval is how late metrics can show that an evacuation has ended.
const tickInterval = 5 * time.Second

// clockSlack is how far the clock of a node may be behind that of whoever wrote
// an evacuation: a node that was set back by an hour must load what it has.
const clockSlack = 2 * time.Hour

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
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if config.CMDB != "" && plugin.GetCMDB() == nil {
		return nil, fmt.Errorf("plugin.cmdb.name %q is not a CMDB of this server, expected %q", config.CMDB, serverconfig.MappingName)
	}
	if err := portsAreFree(config.Listeners); err != nil {
		return nil, err
	}
	return newServer(inner, svr, config)
}

// running is the server that newProxy made: Polaris calls it once.
var running atomic.Pointer[Server]

// Running returns the server with routing, nil before it is made.
func Running() *Server { return running.Load() }

// newServer starts routing over inner; origin is the server without auth, for
// the admin listener. Its goroutines live as long as the process: Polaris has
// no call that ends a proxy.
func newServer(inner, origin service.DiscoverServer, config *serverconfig.Config) (*Server, error) {
	observe.Register()
	s := &Server{
		DiscoverServer: inner,
		failOpen:       config.FailOpen,
		trusted:        config.TrustedProxies,
		table:          cmdb.Table,
		services:       func() cachetypes.ServiceCache { return inner.Cache().Service() },
		revisionOf: func(id string) string {
			return inner.Cache().Service().GetRevisionWorker().GetServiceInstanceRevision(id)
		},
		now:      clock.Now,
		choose:   route.Route.Settle,
		origin:   origin,
		config:   config,
		started:  clock.Now(),
		settings: settingsDigest(config),
	}
	running.Store(s)
	if len(config.RoutingFiles) == 0 {
		observe.Log.Warn("[SetRouter] no plugin.router.option.files: every answer is the stock one")
		return s, nil
	}
	files, err := serverfiles.Open(serverfiles.Options[route.Rules]{
		Kind: "routing", Names: config.RoutingFiles, Load: loadRules, OnLoad: reportRules,
	})
	if err != nil {
		return nil, err
	}
	s.rules, s.routing = files.Get, files
	instances, clients := newHostIndex(), newHostIndex()
	if s.pods, err = openPods(config); err != nil {
		return nil, err
	}
	s.sources = identitySources(config.Sources, instances, clients, s.pods)
	if err := follow(inner.Cache(), instances, clients); err != nil {
		return nil, err
	}
	go files.Run(context.Background())
	go s.tick()
	warnUnrouted(config.Protocols)
	if text := config.PublishedByAnyone(); text != "" {
		observe.Log.Warn("[SetRouter] " + text)
	}
	if len(config.ConfigFiles()) == 0 {
		s.loaded()
	} else {
		configcenter.Local.OnWarm(s.loaded)
	}
	observe.Log.Info("[SetRouter] routing", zap.Stringer("config", config))
	return s, nil
}

// loaded is called when the first mapping and rules are in force.
func (s *Server) loaded() {
	go observe.Safely("counting kinds of callers", func() { warnOfAnswerCache(s.config, s.rules(), s.table()) })
}

// tick does what time brings about: evacuations end, and callers are forgotten.
func (s *Server) tick() {
	for range time.Tick(tickInterval) {
		observe.Safely("the clock's step", s.step)
	}
}

// step is one of tick.
func (s *Server) step() {
	now := s.now()
	observe.Evacuations.Set(float64(len(s.rules().Evacuations(now))))
	s.prune()
	if now.Sub(s.seen.since()) >= seenInterval {
		s.seen.rotate(now)
	}
}

// prune drops the views and snapshots that nobody asks for.
func (s *Server) prune() {
	s.snapshots.Range(func(key, v any) bool {
		if v.(*snapshot).views.prune() {
			s.snapshots.CompareAndDelete(key, v)
			s.gates.Delete(key)
		}
		return true
	})
	s.gates.Range(func(key, _ any) bool { // of names that nobody was allowed to read
		if _, there := s.snapshots.Load(key); !there {
			s.gates.Delete(key)
		}
		return true
	})
}

// reportRules shows the rules in force as metrics.
func reportRules(rules *route.Rules) {
	observe.RuleEnabled.Reset()
	for _, r := range rules.All() {
		if r.Rollout > 0 && (r.SET != nil || r.Nearby != nil) {
			observe.RuleEnabled.WithLabelValues(r.Name, r.Mode()).Set(1)
		}
	}
}

func loadRules(files []strict.File) (*route.Rules, int, error) {
	var problems strict.Problems
	rules := route.Load(files, clock.Now().Add(clockSlack), &problems)
	if err := problems.Err(); err != nil {
		return nil, 0, err
	}
	return rules, rules.Len(), nil
}

// identitySources are those of callers, in the configured order.
func identitySources(names []string, instances, clients *hostIndex, pods podSource) []location.Source {
	var out []location.Source
	for _, name := range names {
		switch name {
		case location.SourceMapping:
			out = append(out, location.TableSource{Table: cmdb.Table})
		case location.SourceKubernetes:
			out = append(out, pods)
		case location.SourceRegistry:
			out = append(out, instances)
		case location.SourceReport:
			out = append(out, clients)
		}
	}
	return out
}

// unrouted are the listeners that read the registry past this pack.
var unrouted = map[string]bool{"service-nacos": true, "xds-v3": true}

// warnUnrouted names the configured ones (docs/design.md, 6.1).
func warnUnrouted(protocols []string) {
	for _, name := range protocols {
		if unrouted[name] {
			observe.Log.Warn("[SetRouter] clients of this listener get every instance: it is not routed", zap.String("apiserver", name))
		}
	}
}

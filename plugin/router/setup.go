package router

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/auth/defaultauth"
	"github.com/polarismesh/polaris/bootstrap"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	service_auth "github.com/polarismesh/polaris/service/interceptor/auth"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/preflight"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/cmdb"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// proxyName is the only discovery proxy that the bootstrap of Polaris v1.18.1
// calls (service.GetChainOrder). The stock package service/interceptor
// registers the same name and must not be imported beside this one.
const proxyName = "auth"

// tickInterval is how often the server does what time brings about. It is how late
// metrics can show that an evacuation has ended; and a view that nobody asks for goes
// after so many ticks (package view), which is a minute.
const tickInterval = 5 * time.Second

// clockSlack is how far the clock of a node may be behind that of whoever wrote
// an evacuation: a node that was set back by an hour must load what it has.
const clockSlack = 2 * time.Hour

func init() {
	if err := service.RegisterServerProxy(proxyName, newProxy); err != nil {
		panic(fmt.Sprintf("setrouter: %v: leave out the import of polaris/service/interceptor, this package stands in for it", err))
	}
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
	if err := config.CheckListeners(slices.Sorted(maps.Keys(apiserver.Slots))); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if config.CMDB != "" && plugin.GetCMDB() == nil {
		return nil, fmt.Errorf("plugin.cmdb.name %q is not a CMDB of this server, expected %q", config.CMDB, serverconfig.MappingName)
	}
	if err := preflight.Ports(config.Listeners); err != nil {
		return nil, err
	}
	server, err := newServer(inner, svr, config)
	if err != nil {
		return nil, err
	}
	if text := config.PublishedByClients(); text != "" && !asksForTokens(strategies.GetAuthChecker()) {
		observe.Log.Warn("[SetRouter] " + text)
	}
	server.watchBacking(svr)
	running.Store(server)
	return &proxy{DiscoverServer: inner, router: server}, nil
}

// running is the server that newProxy made: Polaris calls newProxy once.
var running atomic.Pointer[Server]

// Running returns the server with routing, nil before it is made.
func Running() *Server { return running.Load() }

// newServer starts routing over the stock server, which stands behind its auth; the
// second argument is the stock server without auth. The goroutines of the server live
// as long as the process: Polaris has no call that ends a proxy.
func newServer(stock, stockWithoutAuth service.DiscoverServer, config *serverconfig.Config) (*Server, error) {
	observe.Register()
	s := &Server{
		stock: stock, stockWithoutAuth: stockWithoutAuth, config: config, started: clock.Now(),
		table: cmdb.Table,
		views: view.NewStore(clock.Now, view.Pods{}, int64(config.ViewsMB)<<20),
		watch: timeline.Watch{Note: events.Noted.Note},
		names: names{
			services: func() cachetypes.ServiceCache { return stockWithoutAuth.Cache().Service() },
			revision: func(id string) string {
				return stockWithoutAuth.Cache().Service().GetRevisionWorker().GetServiceInstanceRevision(id)
			},
		},
	}
	if len(config.RoutingFiles) == 0 {
		observe.Log.Warn("[SetRouter] no plugin.router.option.files: every answer is the stock one")
		return s, nil
	}
	files, err := serverfiles.Open(serverfiles.Options[route.Rules]{
		Kind: "routing", Names: config.RoutingFiles, Others: config.MappingFiles, Load: LoadRules, OnLoad: s.rulesLoaded,
		Losses: (*route.Rules).Losses, ShrinkGuardPercent: config.ShrinkGuardPercent,
	})
	if err != nil {
		return nil, err
	}
	s.rules, s.routing = files.Get, files
	if s.views.Pods, err = openPods(config); err != nil {
		return nil, err
	}
	observe.CountCallers(s.countCallers)
	s.loads.count = s.countLoads
	observe.CountLoads(s.loads.now)
	s.records = caller.NewRecords()
	s.sources = identitySources(config.Sources, s.records, s.views.Pods)
	if err := s.records.Follow(stockWithoutAuth.Cache()); err != nil {
		return nil, err
	}
	cmdb.GuardCallers(func() iter.Seq[netip.Addr] { return maps.Keys(s.recent.Requests()) })
	go files.Run(context.Background())
	go s.tick()
	s.warn()
	if len(config.ConfigFiles()) == 0 {
		s.loaded()
	} else {
		configcenter.Local.OnWarm(s.loaded)
	}
	observe.Log.Info("[SetRouter] routing", zap.Stringer("config", config))
	version := buildinfo.Version(buildinfo.SetRouter)
	events.Noted.Note(events.Event{At: s.started, Code: events.CodeStarted, Severity: events.SeverityInfo,
		Text: "the server started, with setrouter " + version, Args: map[string]string{"version": version}})
	return s, nil
}

// warn says in the log what operators should know of the configuration.
func (s *Server) warn() {
	for _, p := range s.Protocols() {
		if !p.Routed {
			observe.Log.Warn("[SetRouter] clients of this listener get every instance: it is not routed", zap.String("apiserver", p.Name))
		}
	}
}

// asksForTokens reports whether Polaris refuses clients without a valid token. The
// stock checker of v1.18.1 does so only with clientOpen and clientStrict: with
// clientOpen alone a client without a token is an anonymous user, who may write
// whatever no policy names.
func asksForTokens(checker auth.AuthChecker) bool {
	_, stock := checker.(*defaultauth.DefaultAuthChecker)
	return checker.IsOpenClientAuth() && (!stock || defaultauth.AuthOption.ClientStrict)
}

// loaded is called when the first mapping and rules are in force.
func (s *Server) loaded() {
	var warnings strict.Problems
	s.config.WarnOfProxies(s.table(), &warnings)
	for _, warning := range warnings.List() {
		observe.Log.Warn("[SetRouter] " + warning.String())
	}
	go observe.Safely("counting kinds of callers", func() { warnOfAnswerCache(s.config, s.Rules(), s.table()) })
}

// tick does what time brings about: evacuations end, and callers are forgotten.
func (s *Server) tick() {
	for range time.Tick(tickInterval) {
		observe.Safely("the clock's step", s.step)
	}
}

// step is one of tick.
func (s *Server) step() {
	now := s.views.Now()
	observe.Evacuations.Set(float64(len(s.Rules().Evacuations(now))))
	s.lookAt(s.Rules())
	observe.SeveralSETs.Set(float64(s.countSeveralSETs()))
	s.views.Prune()
	s.recent.Age(now)
	s.untold.Age(now)
	s.forwarded.Age(now)
	s.unknown.Age(now)
}

// rulesLoaded is called after each load of the routing files.
func (s *Server) rulesLoaded(rules *route.Rules) {
	reportRules(rules)
	s.lookAt(rules)
}

// lookAt notes which rules and evacuations have come and gone. The rules of no files are
// in force until the config center has been read, and are not looked at.
func (s *Server) lookAt(rules *route.Rules) {
	if rules.Len() > 0 || len(rules.AllEvacuations()) > 0 || len(s.config.ConfigFiles()) == 0 {
		s.watch.Look(rules, s.views.Now())
	}
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

// LoadRules loads routing files, and compares the places in them with the mapping in
// force. It allows an evacuation clockSlack more than route.MaxEvacuation, since the
// clock here may be behind.
func LoadRules(files []strict.File) (*route.Rules, int, error) {
	var problems strict.Problems
	rules := route.Load(files, clock.Now().Add(clockSlack), &problems)
	rules.CheckPlaces(cmdb.Table(), &problems)
	if err := problems.Err(); err != nil {
		return nil, 0, err
	}
	return rules, rules.Len(), nil
}

// identitySources returns the sources of callers in the configured order.
func identitySources(order []string, records *caller.Records, pods location.Source) []location.Source {
	var out []location.Source
	for _, name := range order {
		switch name {
		case location.SourceMapping:
			out = append(out, location.TableSource{Table: cmdb.Table})
		case location.SourceKubernetes:
			out = append(out, pods)
		case location.SourceRegistry:
			out = append(out, records.Registry())
		case location.SourceReport:
			out = append(out, records.Report())
		}
	}
	return out
}

// openPods opens the source kubernetes, if the configuration names it.
func openPods(config *serverconfig.Config) (view.Pods, error) {
	position := slices.Index(config.Sources, location.SourceKubernetes)
	if position < 0 {
		return view.Pods{}, nil
	}
	source, err := sources.Open(location.SourceKubernetes, config)
	return view.Pods{Source: source, First: position < slices.Index(config.Sources, location.SourceMapping)}, err
}

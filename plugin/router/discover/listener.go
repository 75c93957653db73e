// Package discover is the listener `service-grpc` with a discovery loop of its
// own. It differs from the stock one in three points. Discover types that the
// server does not know and newer SDKs ask for are answered with success and no
// rules: without an answer of their own type those SDKs wait, and fail. What is
// kept for a message goes with the message: the stock loop keeps a closure for
// each until the stream ends. And IPv6 callers have an address in rate limits.
//
// All other calls are the stock server's. The package registers itself under
// the stock name, since the server's bootstrap takes its port from there.
package discover

import (
	"context"
	"fmt"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/apiserver/grpcserver"
	_ "github.com/polarismesh/polaris/apiserver/grpcserver/discover" // registers the slot before the init here replaces it
	discoverv1 "github.com/polarismesh/polaris/apiserver/grpcserver/discover/v1"
	"github.com/polarismesh/polaris/apiserver/grpcserver/utils"
	commonlog "github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
)

const slotName = "service-grpc"

func init() { apiserver.Slots[slotName] = &listener{} }

// listener is the slot in the life cycle of Polaris.
type listener struct {
	grpcserver.BaseGrpcServer
	apis   map[string]apiserver.APIConfig
	server *server
}

var _ apiserver.Apiserver = (*listener)(nil)

// GetProtocol is the stock listener's: open methods are named by it.
func (l *listener) GetProtocol() string { return "grpc" }

// Initialize implements apiserver.Apiserver.
func (l *listener) Initialize(ctx context.Context, option map[string]any, apis map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	l.apis = apis
	options := []grpcserver.InitOption{
		grpcserver.WithModule(model.DiscoverModule),
		grpcserver.WithProtocol(l.GetProtocol()),
		grpcserver.WithLogger(commonlog.FindScope(commonlog.APIServerLoggerName)),
		grpcserver.WithMessageToCacheObject(cacheObject),
	}
	cache, err := grpcserver.NewCache(option, cachedTypes())
	if err != nil {
		observe.Log.Warn("[SetRouter] service-grpc runs without a cache of encoded answers: " + err.Error())
	}
	if cache != nil {
		options = append(options, grpcserver.WithProtobufCache(cache))
	}
	if err := l.BaseGrpcServer.Initialize(ctx, option, options...); err != nil {
		return err
	}
	naming, err := service.GetServer()
	if err != nil {
		return err
	}
	health, err := healthcheck.GetServer()
	if err != nil {
		return err
	}
	l.server = &server{
		DiscoverServer: discoverv1.NewDiscoverServer(
			discoverv1.WithNamingServer(naming),
			discoverv1.WithHealthCheckerServer(health),
			discoverv1.WithAllowAccess(l.AllowAccess),
			discoverv1.WithEnterRateLimit(l.EnterRatelimit),
		),
		naming: naming, allowed: l.AllowAccess, limit: l.EnterRatelimit,
	}
	return nil
}

// Run implements apiserver.Apiserver.
func (l *listener) Run(errCh chan error) {
	l.BaseGrpcServer.Run(errCh, l.GetProtocol(), l.register)
}

// register offers what the configuration has under `api`, and to the other
// nodes what this one says of itself.
func (l *listener) register(s *grpc.Server) error {
	if running := router.Running(); running != nil {
		nodes.Register(s, func() api.Summary { return nodes.Summary(running) })
	}
	for name, config := range l.apis {
		if name != "client" {
			return fmt.Errorf("%s: api %q is unknown, expected client", slotName, name)
		}
		if !config.Enable {
			continue
		}
		apiservice.RegisterPolarisGRPCServer(s, l.server)
		apiservice.RegisterPolarisHeartbeatGRPCServer(s, l.server)
		apiservice.RegisterPolarisServiceContractGRPCServer(s, l.server)
		open, err := utils.GetDiscoverClientOpenMethod(config.Include, l.GetProtocol())
		if err != nil {
			return err
		}
		open[nodes.Method] = true
		l.OpenMethod = open
	}
	return nil
}

// Stop implements apiserver.Apiserver.
func (l *listener) Stop() { l.BaseGrpcServer.Stop(l.GetProtocol()) }

// Restart implements apiserver.Apiserver.
func (l *listener) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	initialize := func() error { return l.Initialize(context.Background(), option, apis) }
	return l.BaseGrpcServer.Restart(initialize, func() { l.Run(errCh) }, l.GetProtocol(), option)
}

// cached are the types of answers whose encoded form is kept.
var cached = map[apiservice.DiscoverResponse_DiscoverResponseType]bool{
	apiservice.DiscoverResponse_INSTANCE:        true,
	apiservice.DiscoverResponse_ROUTING:         true,
	apiservice.DiscoverResponse_RATE_LIMIT:      true,
	apiservice.DiscoverResponse_CIRCUIT_BREAKER: true,
	apiservice.DiscoverResponse_FAULT_DETECTOR:  true,
	apiservice.DiscoverResponse_SERVICES:        true,
}

func cachedTypes() []string {
	var out []string
	for t := range cached {
		out = append(out, t.String())
	}
	return out
}

// cacheObject names an answer by its content: the revision of a view is a hash
// of all that is sent, so that two lists never share encoded bytes. What has no
// revision is not kept.
func cacheObject(m any) *grpcserver.CacheObject {
	resp, is := m.(*apiservice.DiscoverResponse)
	if !is || resp.GetCode().GetValue() != uint32(apimodel.Code_ExecuteSuccess) || !cached[resp.GetType()] {
		return nil
	}
	s := resp.GetService()
	if s.GetRevision().GetValue() == "" {
		return nil
	}
	return &grpcserver.CacheObject{
		OriginVal: resp,
		CacheType: resp.GetType().String(),
		Key:       s.GetNamespace().GetValue() + "/" + s.GetName().GetValue() + "/" + s.GetRevision().GetValue(),
	}
}

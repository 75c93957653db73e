// Package discover is the listener `service-grpc` with a discovery loop of its
// own. The loop differs from the stock loop in three points:
//
//   - Newer SDKs ask for discover types that the server does not know. They get
//     success and no rules. Without an answer of the type that they asked for,
//     those SDKs wait, and fail.
//   - The loop keeps nothing of a message when it is answered. The stock loop
//     keeps a closure for each message until the stream ends.
//   - IPv6 callers have an address in rate limits.
//
// The stock server answers all other calls. The package registers itself under
// the stock name, since the server's bootstrap takes its port from the listener
// of that name.
//
// setup.go is the listener in the life cycle of Polaris, front.go listens for proxies that
// speak the PROXY protocol, server.go is the loop, cache.go says which answers are kept in
// encoded form.
package discover

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/apiserver/grpcserver"
	_ "github.com/polarismesh/polaris/apiserver/grpcserver/discover" // registers the slot before the init here replaces it
	discoverv1 "github.com/polarismesh/polaris/apiserver/grpcserver/discover/v1"
	"github.com/polarismesh/polaris/apiserver/grpcserver/utils"
	commonlog "github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
)

const slotName = serverconfig.GRPCName

func init() { apiserver.Slots[slotName] = &slot{} }

// slot is the stock gRPC listener, which serves the server of this package.
type slot struct {
	grpcserver.BaseGrpcServer
	apis   map[string]apiserver.APIConfig // of the configuration
	server *server
	front  atomic.Pointer[front] // of the last Initialize; nil: the stock listener listens
}

var _ apiserver.Apiserver = (*slot)(nil)

// GetProtocol returns what the stock listener does: the methods that are open
// are listed by protocol.
func (s *slot) GetProtocol() string { return "grpc" }

// Initialize implements apiserver.Apiserver.
func (s *slot) Initialize(ctx context.Context, option map[string]any, apis map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	s.apis = apis
	f, option, err := newFront(option, s.GetProtocol())
	if err != nil {
		return fmt.Errorf("%s: %w", slotName, err)
	}
	s.front.Store(f)
	if err := s.BaseGrpcServer.Initialize(ctx, option, baseOptions(s.GetProtocol(), option)...); err != nil {
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
	s.server = &server{
		DiscoverServer: discoverv1.NewDiscoverServer(
			discoverv1.WithNamingServer(naming),
			discoverv1.WithHealthCheckerServer(health),
			discoverv1.WithAllowAccess(s.AllowAccess),
			discoverv1.WithEnterRateLimit(s.EnterRatelimit),
		),
		naming: naming, isOpen: s.AllowAccess, limitRate: s.EnterRatelimit,
	}
	return nil
}

// GetPort returns the port that clients know.
func (s *slot) GetPort() uint32 {
	if f := s.front.Load(); f != nil {
		return uint32(f.listen.Port)
	}
	return s.BaseGrpcServer.GetPort()
}

// Run implements apiserver.Apiserver.
func (s *slot) Run(errCh chan error) {
	f := s.front.Load()
	if f == nil {
		s.BaseGrpcServer.Run(errCh, s.GetProtocol(), s.register)
		return
	}
	err := f.run(func(ended chan error, register func(*grpc.Server) error) {
		s.BaseGrpcServer.Run(ended, behindName, register)
	}, s.register)
	if err != nil {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop implements apiserver.Apiserver.
func (s *slot) Stop() {
	if f := s.front.Load(); f != nil {
		f.stop()
	}
	s.BaseGrpcServer.Stop(s.GetProtocol())
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	if f := s.front.Load(); f != nil {
		f.stop()
	}
	initialize := func() error { return s.Initialize(context.Background(), option, apis) }
	return s.BaseGrpcServer.Restart(initialize, func() { s.Run(errCh) }, s.GetProtocol(), option)
}

func baseOptions(protocol string, option map[string]any) []grpcserver.InitOption {
	options := []grpcserver.InitOption{
		grpcserver.WithModule(model.DiscoverModule),
		grpcserver.WithProtocol(protocol),
		grpcserver.WithLogger(commonlog.FindScope(commonlog.APIServerLoggerName)),
		grpcserver.WithMessageToCacheObject(cacheObject),
	}
	cache, err := grpcserver.NewCache(option, cachedTypeNames())
	if err != nil {
		observe.Log.Warn("[SetRouter] service-grpc runs without a cache of encoded answers: " + err.Error())
	}
	if cache != nil {
		options = append(options, grpcserver.WithProtobufCache(cache))
	}
	return options
}

// register registers the services that the configuration has under `api`, and
// the service by which the other nodes ask this one.
func (s *slot) register(registrar *grpc.Server) error {
	if running := router.Running(); running != nil {
		nodes.Register(registrar, running)
		nodes.Watch(running)
	}
	for name, config := range s.apis {
		if name != "client" {
			return fmt.Errorf("%s: api %q is unknown, expected client", slotName, name)
		}
		if !config.Enable {
			continue
		}
		apiservice.RegisterPolarisGRPCServer(registrar, s.server)
		apiservice.RegisterPolarisHeartbeatGRPCServer(registrar, s.server)
		apiservice.RegisterPolarisServiceContractGRPCServer(registrar, s.server)
		open, err := utils.GetDiscoverClientOpenMethod(config.Include, s.GetProtocol())
		if err != nil {
			return err
		}
		for _, method := range nodes.Methods {
			open[method] = true
		}
		s.OpenMethod = open
	}
	return nil
}

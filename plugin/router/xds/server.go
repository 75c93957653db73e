package xds

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	clusterservice "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpointservice "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	listenerservice "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	routeservice "github.com/envoyproxy/go-control-plane/envoy/service/route/v3"
	runtimeservice "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	secretservice "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	serverv3 "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	connlimit "github.com/polarismesh/polaris/common/conn/limit"
	"github.com/polarismesh/polaris/service"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// Intervals of what the server looks at.
const (
	tickInterval    = 500 * time.Millisecond // whether clients lack something
	catalogInterval = time.Second            // the registry; the server's own caches are as old
	ageInterval     = time.Minute            // assignments that nobody has
)

// maxStreams is how many streams a connection may have, as in the stock listener.
const maxStreams = 1000

// readBuffer is how many bytes of a connection are read at once. Requests are small.
const readBuffer = 4 << 10

// server serves clients of xDS.
type server struct {
	listen  listen.Options
	grpc    *grpc.Server
	world   *world
	streams *streams
	cache   *cache

	stopOnce sync.Once
	stopped  chan struct{}
}

// newServer makes a server.
func newServer(option map[string]any) (*server, error) {
	options, err := listen.Read(option, listen.Options{Protocol: protocol, Trust: router.TrustsProxy})
	if err != nil {
		return nil, err
	}
	running := router.Running()
	if running == nil {
		return nil, errors.New("the router does not run, expected it before the listeners")
	}
	naming, err := service.GetOriginServer()
	if err != nil {
		return nil, err
	}
	registrar, err := runningRegistrar()
	if err != nil {
		return nil, err
	}
	credentials, err := credentialsOf(options.TLS)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(serverRouting{running}, naming, registry{naming}.read)
	if err != nil {
		return nil, err
	}
	return serve(options, w, &healthServer{routing: w.routing, naming: registrar}, credentials...), nil
}

// serve makes the server of a world.
func serve(options listen.Options, w *world, hds healthservice.HealthDiscoveryServiceServer, more ...grpc.ServerOption) *server {
	s := &server{listen: options, world: w, stopped: make(chan struct{})}
	s.streams = newStreams(w)
	s.cache = newCache(s.streams, w)
	s.grpc = grpc.NewServer(append(more,
		grpc.MaxConcurrentStreams(maxStreams), grpc.StreamInterceptor(guard),
		// Most connections are idle most of the time: they share buffers.
		grpc.SharedWriteBuffer(true), grpc.ReadBufferSize(readBuffer),
		// A client that is gone without a word leaves within some minutes. Clients may
		// look more often than gRPC lets them by itself.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 2 * time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)...)
	// Responses are not ordered by go-control-plane: what does that sends to a channel that
	// may be closed, and ends the process.
	register(s.grpc, serverv3.NewServer(context.Background(), s.cache, s.streams))
	healthservice.RegisterHealthDiscoveryServiceServer(s.grpc, hds)
	return s
}

// register registers all services of the stock listener.
func register(registrar *grpc.Server, s serverv3.Server) {
	discovery.RegisterAggregatedDiscoveryServiceServer(registrar, s)
	endpointservice.RegisterEndpointDiscoveryServiceServer(registrar, s)
	clusterservice.RegisterClusterDiscoveryServiceServer(registrar, s)
	routeservice.RegisterRouteDiscoveryServiceServer(registrar, s)
	routeservice.RegisterVirtualHostDiscoveryServiceServer(registrar, s)
	listenerservice.RegisterListenerDiscoveryServiceServer(registrar, s)
	secretservice.RegisterSecretDiscoveryServiceServer(registrar, s)
	runtimeservice.RegisterRuntimeDiscoveryServiceServer(registrar, s)
}

// guard keeps a fault in one stream from ending the server.
func guard(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			observe.Fault("a stream of xDS has ended by a fault", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			err = status.Error(codes.Internal, "a fault in the server, see its log")
		}
	}()
	return handler(srv, stream)
}

// run serves until stop.
func (s *server) run() error {
	listener, err := s.listen.Open()
	if err != nil {
		return err
	}
	observe.Log.Info("[SetRouter] the xDS listener serves", zap.Stringer("address", listener.Addr()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.look()
	}()
	err = s.grpc.Serve(listener)
	s.stop()
	<-done
	if errors.Is(err, grpc.ErrServerStopped) { // stop came before Serve
		return nil
	}
	return err
}

// look looks after the clients until stop. Where that takes long, it pauses in proportion.
func (s *server) look() {
	catalog, age := time.Now(), time.Now()
	pause := tickInterval
	for {
		select {
		case <-s.stopped:
			return
		case <-time.After(pause):
		}
		start := time.Now()
		observe.Safely("what clients of xDS should have", func() {
			if start.Sub(catalog) >= catalogInterval && s.streams.any() {
				if err := s.world.update(); err != nil {
					logRegistry(err)
				}
				catalog = start
			}
			s.cache.refresh(s.world.glance())
			if start.Sub(age) >= ageInterval {
				s.world.made.age()
				s.world.absent.age()
				age = start
			}
		})
		pause = max(tickInterval, 3*time.Since(start))
	}
}

// stop ends all streams, and the server.
func (s *server) stop() {
	connlimit.RemoveLimitListener(protocol)
	s.grpc.Stop()
	s.stopOnce.Do(func() { close(s.stopped) })
}

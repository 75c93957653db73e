package nacos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	connlimit "github.com/polarismesh/polaris/common/conn/limit"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const (
	defaultPort = nacosmodel.DefaultListenPort
	grpcOffset  = serverconfig.NacosGRPCOffset
	// optionNamespace names the namespace of Polaris that is `public` in Nacos.
	optionNamespace = "defaultNamespace"
)

// Times of connections. A config listener over HTTP waits up to 30 s.
const (
	readTimeout  = time.Minute
	writeTimeout = time.Minute
	idleTimeout  = 10 * time.Minute
	stopTimeout  = 3 * time.Second
	// keepaliveTime and keepaliveTimeout are how long a connection of gRPC is still, and
	// how long a ping of it waits. The stock listener takes a client for dead after 20 s.
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 10 * time.Second
	// withoutStream is how long a connection lives without a call and without a stream.
	withoutStream = time.Minute
	handshake     = 20 * time.Second
)

// maxCalls is how many calls a connection may have at a time.
const maxCalls = 256

// front listens for Nacos clients: HTTP at a port, gRPC at the port grpcOffset above it.
type front struct {
	http, grpc  listen.Options
	handler     *httpHandler
	connections *connections

	httpServer *http.Server
	grpcServer *grpc.Server
	ctx        context.Context // done when the front is to stop
	cancel     context.CancelFunc
}

// newFront returns a front that does not listen yet.
func newFront(option map[string]any, stock *stock, routing routing) (*front, error) {
	options, err := listen.Read(option, listen.Options{Port: defaultPort, Protocol: "nacos-http", Trust: router.TrustsProxy})
	if err != nil {
		return nil, err
	}
	f := &front{http: options, grpc: options}
	f.grpc.Port, f.grpc.Protocol = options.Port+grpcOffset, "nacos-grpc"
	nacosmodel.ConvertPolarisNamespaceVal = "default"
	if value, ok := option[optionNamespace]; ok {
		if nacosmodel.ConvertPolarisNamespaceVal, ok = value.(string); !ok {
			return nil, fmt.Errorf("%s is %v, expected the name of a namespace", optionNamespace, value)
		}
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.handler = newHandler(stock.http, routing)
	f.connections = newConnections(stock, routing)
	f.httpServer = &http.Server{Handler: f.handler, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout}
	f.grpcServer, err = f.newGRPCServer()
	return f, err
}

// newGRPCServer returns the server of Nacos 2.
func (f *front) newGRPCServer() (*grpc.Server, error) {
	options := []grpc.ServerOption{
		grpc.StatsHandler(f.connections), grpc.MaxConcurrentStreams(maxCalls), grpc.ConnectionTimeout(handshake),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: withoutStream, Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	}
	if f.grpc.TLS.CertFile != "" || f.grpc.TLS.KeyFile != "" {
		credential, err := credentials.NewServerTLSFromFile(f.grpc.TLS.CertFile, f.grpc.TLS.KeyFile)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.Creds(credential))
	}
	server := grpc.NewServer(options...)
	nacospb.RegisterRequestServer(server, f.connections)
	nacospb.RegisterBiRequestStreamServer(server, f.connections)
	return server, nil
}

// run serves until stop.
func (f *front) run() error {
	grpcListener, err := f.grpc.Open()
	if err != nil {
		return err
	}
	httpListener, err := f.http.Open()
	if err != nil {
		_ = grpcListener.Close()
		return err
	}
	if !f.http.ProxyProtocol { // behind a PROXY header nobody knows whether packets reach the caller
		if f.handler.pusher, err = newUDPPusher(f.http.IP, f.connections.routing); err != nil {
			_, _ = grpcListener.Close(), httpListener.Close()
			return err
		}
	}
	observe.Log.Info("[SetRouter] the Nacos listener is routed", zap.Stringer("http", httpListener.Addr()), zap.Stringer("grpc", grpcListener.Addr()))
	ended := make(chan error, 2)
	go func() { ended <- f.http.Serve(f.httpServer, httpListener) }()
	go func() {
		err := f.grpcServer.Serve(listener{grpcListener})
		if err == nil || errors.Is(err, grpc.ErrServerStopped) {
			err = http.ErrServerClosed
		}
		ended <- err
	}()
	go f.connections.run(f.ctx)
	if f.handler.pusher != nil {
		go f.handler.pusher.run(f.ctx)
	}
	err = <-ended
	f.stop()
	<-ended
	return err
}

// stop ends the front with its connections. Requests over HTTP in work have stopTimeout.
func (f *front) stop() {
	f.cancel()
	f.grpcServer.Stop()
	defer connlimit.RemoveLimitListener(f.http.Protocol)
	defer connlimit.RemoveLimitListener(f.grpc.Protocol)
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := f.httpServer.Shutdown(ctx); err != nil {
		_ = f.httpServer.Close()
	}
}

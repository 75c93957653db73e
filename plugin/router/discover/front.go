package discover

import (
	"errors"
	"net"
	"sync"
	"time"

	connhook "github.com/polarismesh/polaris/common/conn/hook"
	connlimit "github.com/polarismesh/polaris/common/conn/limit"
	"github.com/polarismesh/polaris/common/metrics"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// front listens at the address of the configuration in the place of the stock listener,
// where `proxyProtocol` is true. The stock listener makes the gRPC server and registers
// the services, finds its own port closed, and ends with a line about that in the log.
// Then the front serves.
type front struct {
	listen listen.Options

	mu      sync.Mutex
	server  *grpc.Server // nil: not made yet
	stopped bool
}

// behindName is the name of the connection limit by which the front reaches the port of
// the stock listener.
const behindName = "grpc-behind-setrouter"

// newFront returns a front, and the options for the stock listener behind the front. The
// front is nil, and the options are those given, where the configuration does not want a
// PROXY header.
func newFront(option map[string]any, protocol string) (*front, map[string]any, error) {
	options, err := listen.Read(option, listen.Options{Protocol: protocol, Trust: router.TrustsProxy})
	if err != nil {
		return nil, nil, err
	}
	if !options.ProxyProtocol {
		return nil, option, nil
	}
	stock := listen.Behind(option, "127.0.0.1", 0)
	if tls, ok := option["tls"]; ok { // of the gRPC server, which is the stock listener's
		stock["tls"] = tls
	}
	stock["connLimit"] = map[any]any{"openConnLimit": true, "maxConnPerHost": 1, "purgeCounterInterval": time.Hour, "purgeCounterExpire": time.Hour}
	return &front{listen: options}, stock, nil
}

// run serves until stop. Stock runs the stock listener: it calls the argument with the
// gRPC server before that serves.
func (f *front) run(stock func(errCh chan error, register func(*grpc.Server) error), register func(*grpc.Server) error) error {
	ended := make(chan error, 1)
	stock(ended, func(server *grpc.Server) error {
		if err := register(server); err != nil {
			return err
		}
		f.begin(server)
		return closeStockPort()
	})
	switch err := <-ended; {
	case f.isStopped():
		return nil
	case f.server == nil || !errors.Is(err, net.ErrClosed):
		return err
	}
	listener, err := f.listen.Open()
	if err != nil {
		return err
	}
	observe.Log.Info("[SetRouter] the gRPC listener reads PROXY headers of trusted proxies", zap.Stringer("address", listener.Addr()))
	return f.serve(connhook.NewHookListener(listener, connections{}))
}

// closeStockPort closes the port of the stock listener, which serves nobody.
func closeStockPort() error {
	port := connlimit.GetLimitListener(behindName)
	if port == nil {
		return errors.New("the stock listener has no connection limit, expected the one that it was given")
	}
	defer connlimit.RemoveLimitListener(behindName)
	return port.Close()
}

// serve serves a listener until stop.
func (f *front) serve(listener net.Listener) error {
	if f.isStopped() {
		return listener.Close()
	}
	if err := f.server.Serve(listener); !errors.Is(err, grpc.ErrServerStopped) { // stop came before Serve
		return err
	}
	return nil
}

func (f *front) begin(server *grpc.Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server = server
}

func (f *front) isStopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

func (f *front) stop() {
	f.mu.Lock()
	f.stopped = true
	server := f.server
	f.mu.Unlock()
	if server != nil {
		server.Stop()
	}
}

// connections counts connections as the stock listener does.
type connections struct{}

var _ connhook.Hook = connections{}

// OnAccept implements connhook.Hook.
func (connections) OnAccept(net.Conn) {
	metrics.AddDiscoveryClientConn()
	metrics.AddSDKClientConn()
}

// OnRelease implements connhook.Hook.
func (connections) OnRelease(net.Conn) {
	metrics.RemoveDiscoveryClientConn()
	metrics.RemoveSDKClientConn()
}

// OnClose implements connhook.Hook.
func (connections) OnClose() {
	metrics.ResetDiscoveryClientConn()
	metrics.ResetSDKClientConn()
}

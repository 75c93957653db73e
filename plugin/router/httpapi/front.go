package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polarismesh/polaris/apiserver"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// Times of a connection. The stock listener has the writeTimeout only, which a request
// has from its header on, and waits without end for the rest of a header or a body. So
// the readTimeout costs nobody an answer.
const (
	readTimeout  = time.Minute
	writeTimeout = time.Minute
	idleTimeout  = 10 * time.Minute
	stopTimeout  = 3 * time.Second
)

var headerTimeout = 20 * time.Second // shorter in tests

// handlerPath is a debug handler of the package, by which the stock listener hands its
// handlers over.
const handlerPath = "/debug/setrouter/handler"

// front serves the handlers of the stock listener, at the address that the configuration
// says. The stock listener makes these handlers while it begins to serve, and has no other
// way to give them than to run: it runs for a moment, at a port of loopback.
type front struct {
	listen   listen.Options
	reserved net.Listener      // holds the port of the stock listener until that runs
	handlers chan http.Handler // of the stock listener, once
	taken    atomic.Bool       // the handlers are handed over
	ctx      context.Context   // done when the front is to stop
	cancel   context.CancelFunc

	mu     sync.Mutex
	server *http.Server // nil before the front serves
}

// newFront returns a front, and the options for the stock listener behind it.
func newFront(option map[string]any, protocol string) (*front, map[string]any, error) {
	options, err := listen.Read(option, listen.Options{Protocol: protocol, Trust: router.TrustsProxy})
	if err != nil {
		return nil, nil, err
	}
	reserved, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return nil, nil, err
	}
	f := &front{listen: options, reserved: reserved, handlers: make(chan http.Handler, 1)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f, listen.Behind(option, loopback, reserved.Addr().(*net.TCPAddr).Port), nil
}

// loopback is where the stock listener runs for a moment.
const loopback = "127.0.0.1"

// handOver is the debug handler at handlerPath. The first request for it comes by the
// stock server: handOver keeps the handler of that server, and closes the server.
func (f *front) handOver(w http.ResponseWriter, r *http.Request) {
	stock, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || !f.taken.CompareAndSwap(false, true) { // later requests come by the front
		http.NotFound(w, r)
		return
	}
	f.handlers <- stock.Handler
	go func() { _ = stock.Close() }() // its listener ends, too
}

// takeHandler runs the stock listener until it has handed its handlers over. It returns
// nil where the front is to stop before that.
func (f *front) takeHandler(stock apiserver.Apiserver) (http.Handler, error) {
	ended, errCh := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ended)
		_ = f.reserved.Close()
		stock.Run(errCh)
	}()
	url := "http://" + f.reserved.Addr().String() + handlerPath
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}, Timeout: time.Second}
	for {
		if resp, err := client.Get(url); err == nil {
			_ = resp.Body.Close()
		}
		if f.taken.Load() {
			<-ended
			return <-f.handlers, nil
		}
		select {
		case <-ended: // perhaps as somebody else asked in the last moment
			if !f.taken.Load() {
				return nil, <-errCh
			}
		case <-f.ctx.Done():
			return nil, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// run takes the handlers of the stock listener, and serves them until stop.
func (f *front) run(stock apiserver.Apiserver) error {
	handler, err := f.takeHandler(stock)
	if err != nil || handler == nil {
		return err
	}
	listener, err := f.listen.Open()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	if !f.begin(server) {
		return listener.Close()
	}
	observe.Log.Info("[SetRouter] the HTTP listener is routed", zap.Stringer("address", listener.Addr()))
	if err := f.listen.Serve(server, listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: %w", slotName, err)
	}
	return nil
}

// begin makes the server the one that stop ends. It returns false after stop.
func (f *front) begin(server *http.Server) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server = server
	return f.ctx.Err() == nil
}

// stop ends the front. Requests in work have stopTimeout.
func (f *front) stop() {
	f.cancel()
	_ = f.reserved.Close()
	f.mu.Lock()
	server := f.server
	f.mu.Unlock()
	if server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
}

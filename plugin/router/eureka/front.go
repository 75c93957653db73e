package eureka

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Times of the stock listener.
const (
	writeTimeout = 2 * time.Minute
	stopTimeout  = 3 * time.Second
)

// front is a reverse proxy before the stock listener.
type front struct {
	listen           listenOptions
	stockAddress     string
	defaultNamespace string // of requests that name no namespace
	filter           filter
	documents        documentCache

	server    *http.Server
	transport *http.Transport
	ctx       context.Context // done when the front or the stock listener has ended
	cancel    context.CancelFunc
}

// newFront returns a front, and the options for the stock listener behind it.
func newFront(option map[string]any, protocol string, r routing) (*front, map[string]any, error) {
	stockPort, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	listen, stockOption, err := splitOptions(option, protocol, stockPort)
	if err != nil {
		return nil, nil, err
	}
	f := &front{
		listen: listen, stockAddress: net.JoinHostPort(loopback, strconv.Itoa(stockPort)), defaultNamespace: eurekaserver.DefaultNamespace,
		filter: filter{r}, transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute},
	}
	if name, _ := option[optionNamespace].(string); name != "" {
		f.defaultNamespace = name
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.server = &http.Server{Handler: f.handler(), WriteTimeout: writeTimeout}
	return f, stockOption, nil
}

// run begins to serve when the stock listener does, and serves until stop.
func (f *front) run() error {
	if !f.stockServes() {
		return nil
	}
	listener, err := f.listen.open()
	if err != nil {
		return err
	}
	observe.Log.Info("[SetRouter] the Eureka listener is routed", zap.Stringer("address", listener.Addr()), zap.String("stock", f.stockAddress))
	if f.listen.hasTLS() {
		return f.server.ServeTLS(listener, f.listen.tls.CertFile, f.listen.tls.KeyFile)
	}
	return f.server.Serve(listener)
}

// stockServes waits until the stock listener serves. It returns false where the
// front or the stock listener ends before that.
func (f *front) stockServes() bool {
	for {
		conn, err := net.Dial("tcp", f.stockAddress)
		if err == nil {
			_ = conn.Close()
			return true
		}
		select {
		case <-f.ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (f *front) stop() {
	f.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := f.server.Shutdown(ctx); err != nil {
		_ = f.server.Close()
	}
	f.transport.CloseIdleConnections()
}

// handler returns the proxy. The context of a request whose answer may have
// instances carries the query, for rewrite and modify.
func (f *front) handler() http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport:      f.transport,
		Rewrite:        f.rewrite,
		ModifyResponse: f.modify,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			observe.Log.Error("[SetRouter] the stock Eureka listener does not answer", zap.String("path", r.URL.Path), zap.Error(err))
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			r = r.WithContext(context.WithValue(r.Context(), queryKey{}, f.newQuery(r)))
		}
		proxy.ServeHTTP(w, r)
	})
}

// rewrite sends a request to the stock listener as the client sent it.
func (f *front) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(&url.URL{Scheme: "http", Host: f.stockAddress})
	r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
	if q, ok := r.In.Context().Value(queryKey{}).(query); ok {
		// A client can have the proxy drop headers, by Connection. The stock answer
		// must be of the namespace that the answer is filtered for.
		r.Out.Header.Set(eurekaserver.HeaderNamespace, q.namespace)
	}
}

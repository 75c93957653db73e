package eureka

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
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

// front is the listener before the stock one.
type front struct {
	listen    listen
	inner     string // address of the stock listener
	namespace string // of requests that name none
	filter    filter
	docs      memo

	server    *http.Server
	transport *http.Transport
	ctx       context.Context // done: the front or the stock listener has ended
	cancel    context.CancelFunc
}

// newFront makes a front, and the options for the stock listener behind it.
func newFront(option map[string]any, protocol string, r routing) (*front, map[string]any, error) {
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	l, inner, err := split(option, protocol, port)
	if err != nil {
		return nil, nil, err
	}
	f := &front{
		listen: l, inner: net.JoinHostPort(loopback, strconv.Itoa(port)), namespace: eurekaserver.DefaultNamespace,
		filter: filter{r}, transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute},
	}
	if name, _ := option[optionNamespace].(string); name != "" {
		f.namespace = name
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.server = &http.Server{Handler: f.handler(), WriteTimeout: writeTimeout}
	return f, inner, nil
}

// run serves until stop, from when the stock listener does.
func (f *front) run() error {
	for {
		conn, err := net.Dial("tcp", f.inner)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-f.ctx.Done():
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	ln, err := f.listen.open()
	if err != nil {
		return err
	}
	observe.Log.Info("[SetRouter] the Eureka listener is routed", zap.Stringer("address", ln.Addr()), zap.String("stock", f.inner))
	if f.listen.tls.CertFile != "" || f.listen.tls.KeyFile != "" || f.listen.tls.TrustedCAFile != "" {
		return f.server.ServeTLS(ln, f.listen.tls.CertFile, f.listen.tls.KeyFile)
	}
	return f.server.Serve(ln)
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

// query is a request whose answer may hold instances.
type query struct {
	caller    netip.Addr
	namespace string
	path      string
}

type queryKey struct{}

func (f *front) handler() http.Handler {
	stock := &url.URL{Scheme: "http", Host: f.inner}
	proxy := &httputil.ReverseProxy{
		Transport: f.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(stock)
			r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
			if q, is := r.In.Context().Value(queryKey{}).(query); is {
				// A client can have the proxy drop headers, by Connection: the
				// answer must be of the namespace that it is filtered for.
				r.Out.Header.Set(eurekaserver.HeaderNamespace, q.namespace)
			}
		},
		ModifyResponse: f.modify,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			observe.Log.Error("[SetRouter] the stock Eureka listener does not answer", zap.String("path", r.URL.Path), zap.Error(err))
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			r = r.WithContext(context.WithValue(r.Context(), queryKey{}, f.queryOf(r)))
		}
		proxy.ServeHTTP(w, r)
	})
}

func (f *front) queryOf(r *http.Request) query {
	q := query{caller: f.filter.CallerOf(r), namespace: r.Header.Get(eurekaserver.HeaderNamespace), path: r.URL.Path}
	if q.namespace == "" {
		q.namespace = f.namespace
	}
	return q
}

// last are the last two elements of the path; the stock listener ignores a
// slash at its end.
func (q query) last() (string, string) {
	elements := strings.Split(strings.Trim(q.path, "/"), "/")
	if len(elements) < 2 {
		return "", ""
	}
	return elements[len(elements)-2], elements[len(elements)-1]
}

func (q query) isDelta() bool {
	kind, name := q.last()
	return kind == "apps" && name == "delta"
}

// asksFor tells whether an instance that the stock answer lacks belongs into
// it: by address, the stock listener compares upper case with what is
// registered.
func (q query) asksFor(i *eurekaserver.InstanceInfo) bool {
	kind, name := q.last()
	addresses := i.VipAddress
	switch kind {
	case "vips":
	case "svips":
		addresses = i.SecureVipAddress
	default:
		return true
	}
	for address := range strings.SplitSeq(addresses, ",") {
		if address == strings.ToUpper(name) {
			return true
		}
	}
	return false
}

// fault counts and logs a fault in filtering.
func (q query) fault(err error) {
	observe.Failures.Inc()
	observe.Log.Error("[SetRouter] routing of a Eureka answer failed", zap.String("path", q.path),
		zap.String("namespace", q.namespace), zap.Stringer("caller", q.caller), zap.Error(fmt.Errorf("the stock answer is sent: %w", err)))
}

package eureka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Times of a connection. The stock listener has the writeTimeout only, and waits
// without end for a request of which a part has come.
const (
	readTimeout  = time.Minute
	writeTimeout = 2 * time.Minute
	idleTimeout  = 10 * time.Minute
	stopTimeout  = 3 * time.Second
)

// stockServer is the stock listener.
type stockServer interface {
	apiserver.Apiserver
	GetEurekaServer() *restful.WebService
	GetEurekaV1Server() *restful.WebService
	GetEurekaV2Server() *restful.WebService
}

// front listens in the place of the stock listener, and runs the stock routes. The
// routes that have instances in their answer are the front's own for callers that
// rules are for.
type front struct {
	listen           listen.Options
	defaultNamespace string // of requests that name no namespace
	routing          routing
	fragments        fragments
	memory           *memory

	server *http.Server
}

// newFront returns a front, and the options for the stock listener behind it.
func newFront(option map[string]any, protocol string, r routing) (*front, map[string]any, error) {
	options, stockOption, err := splitOptions(option, protocol)
	if err != nil {
		return nil, nil, err
	}
	interval, err := deltaInterval(option)
	if err != nil {
		return nil, nil, err
	}
	f := &front{
		listen: options, defaultNamespace: eurekaserver.DefaultNamespace, routing: r, fragments: newFragments(),
		memory: newMemory(interval, clock.Now),
	}
	if name, _ := option[optionNamespace].(string); name != "" {
		f.defaultNamespace = name
	}
	f.server = &http.Server{ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout}
	return f, stockOption, nil
}

// run makes the stock listener ready, and serves until stop.
func (f *front) run(stock stockServer) error {
	if err := makeReady(stock); err != nil {
		return err
	}
	f.server.Handler = f.handler(stock)
	listener, err := f.listen.Open()
	if err != nil {
		return err
	}
	observe.Log.Info("[SetRouter] the Eureka listener is routed", zap.Stringer("address", listener.Addr()))
	return f.listen.Serve(f.server, listener)
}

// makeReady runs the stock listener. The stock listener makes itself ready, cannot
// listen at its impossible port, and returns.
func makeReady(stock stockServer) error {
	errCh := make(chan error, 1)
	stock.Run(errCh)
	select {
	case err := <-errCh:
		if address := (*net.AddrError)(nil); errors.As(err, &address) && address.Addr == strconv.Itoa(impossiblePort) {
			return nil
		}
		return err
	default:
		return fmt.Errorf("the stock listener has ended without an error, expected one about port %d", impossiblePort)
	}
}

func (f *front) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := f.server.Shutdown(ctx); err != nil {
		_ = f.server.Close()
	}
}

// handler returns the stock routes, with the front's filters before them.
func (f *front) handler(stock stockServer) http.Handler {
	container := restful.NewContainer()
	container.Filter(reportCall)
	container.Filter(f.limitRate)
	container.Filter(refuseNoText)
	container.RecoverHandler(recovered)
	for _, routes := range []*restful.WebService{stock.GetEurekaV2Server(), stock.GetEurekaV1Server(), stock.GetEurekaServer()} {
		routes.Filter(func(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
			f.serve(routes.RootPath(), req, rsp, chain)
		})
		container.Add(routes)
	}
	return container
}

// refuseNoText refuses requests whose URL is no text in UTF-8: what Polaris stores has to be.
func refuseNoText(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	query, err := url.QueryUnescape(req.Request.URL.RawQuery)
	if err != nil || !utf8.ValidString(query) || !utf8.ValidString(req.Request.URL.Path) {
		_ = rsp.WriteErrorString(http.StatusBadRequest, "the URL is no text in UTF-8")
		return
	}
	chain.ProcessFilter(req, rsp)
}

// recovered answers a request whose handler panicked as the stock listener does. An
// answer of which a part is sent ends with its connection: no client takes the part
// for the whole.
func recovered(p any, w http.ResponseWriter) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	observe.Fault("a Eureka request panicked", zap.Any("panic", p), zap.Stack("stack"))
	w.WriteHeader(http.StatusInternalServerError)
}

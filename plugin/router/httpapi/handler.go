package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	restful "github.com/emicklei/go-restful/v3"
	discoverhttp "github.com/polarismesh/polaris/apiserver/httpserver/discover/v1"
	httpcommon "github.com/polarismesh/polaris/apiserver/httpserver/utils"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
)

// The paths that the package takes over.
const (
	discoverPath     = "/v1/Discover"
	reportClientPath = "/v1/ReportClient"
)

// newHandler returns the handler of the paths. It does what the stock listener does
// around its own routes: CORS, call metrics, rate limits.
func newHandler() http.Handler {
	container := restful.NewContainer()
	cors := restful.CrossOriginResourceSharing{
		AllowedHeaders: []string{"Content-Type", "Accept", "Request-Id"},
		AllowedMethods: []string{"GET", "POST", "PUT"},
		Container:      container,
	}
	container.Filter(limitTime)
	container.Filter(cors.Filter)
	container.Filter(container.OPTIONSFilter)
	container.Filter(reportCall)
	container.Filter(limitRate)
	container.Filter(limitBody)
	routes := new(restful.WebService)
	routes.Consumes(restful.MIME_JSON).Produces(restful.MIME_JSON)
	routes.Route(routes.POST(discoverPath).To(withCaller((*discoverhttp.HTTPServerV1).Discover)))
	routes.Route(routes.POST(reportClientPath).To(withCaller((*discoverhttp.HTTPServerV1).ReportClient)))
	container.Add(routes)
	return container
}

// reportCall reports a call to the metrics of Polaris, as the stock listener does: by
// the path of its route. Paths and methods without a route are a client's to invent.
func reportCall(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	start, path := time.Now(), req.SelectedRoutePath()
	chain.ProcessFilter(req, rsp)
	if path == "" {
		return
	}
	code, ok := req.Attribute(utils.PolarisCode).(uint32)
	if !ok {
		code = uint32(rsp.StatusCode())
	}
	plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
		Type:     metrics.ServerCallMetric,
		API:      req.Request.Method + ":" + path,
		Protocol: "HTTP",
		Code:     int(code),
		Duration: time.Since(start),
	})
}

// limitRate limits requests as the stock listener does, by address and by path.
// The stock listener does not count IPv6 peers; limitRate does.
func limitRate(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	limit := plugin.GetRatelimit()
	if limit == nil {
		chain.ProcessFilter(req, rsp)
		return
	}
	peer, _, _ := net.SplitHostPort(req.Request.RemoteAddr)
	if !limit.Allow(plugin.IPRatelimit, peer) {
		httpcommon.HTTPResponse(req, rsp, api.IPRateLimit)
		return
	}
	if !limit.Allow(plugin.APIRatelimit, http.MethodPost+":"+pathOf(req)) {
		httpcommon.HTTPResponse(req, rsp, api.APIRateLimit)
		return
	}
	chain.ProcessFilter(req, rsp)
}

// Bounds of the body of a request, in bytes and time. The stock listener has none: it
// writes names of any length into its log and its metrics, and waits without end for a
// body of which a part has come.
const maxBody = 4 << 20

var bodyTimeout = 20 * time.Second // shorter in tests

// limitTime bounds how long the body of a request may take, whoever reads the body:
// net/http reads the rest of a body that no handler has read.
func limitTime(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	setReadDeadline(rsp, time.Now().Add(bodyTimeout))
	chain.ProcessFilter(req, rsp)
}

func setReadDeadline(rsp *restful.Response, deadline time.Time) {
	_ = http.NewResponseController(rsp.ResponseWriter).SetReadDeadline(deadline) // a recorder in a test has none
}

// limitBody reads the body of a request. It answers a body that is too long with status
// 413, and a body that does not come with status 408; the stock handler sees neither.
func limitBody(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	body, err := io.ReadAll(http.MaxBytesReader(rsp.ResponseWriter, req.Request.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		http.Error(rsp, fmt.Sprintf("the body has more than %d bytes", tooLong.Limit), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		rsp.AddHeader("Connection", "close")
		http.Error(rsp, "the body did not come", http.StatusRequestTimeout)
		return
	}
	setReadDeadline(rsp, time.Time{})
	req.Request.Body = io.NopCloser(bytes.NewReader(body))
	chain.ProcessFilter(req, rsp)
}

// pathOf returns the path of a request, without a slash at the end.
func pathOf(req *restful.Request) string { return strings.TrimSuffix(req.Request.URL.Path, "/") }

// withCaller runs a stock handler over a discovery server that knows the caller.
func withCaller(stock func(*discoverhttp.HTTPServerV1, *restful.Request, *restful.Response)) restful.RouteFunction {
	return func(req *restful.Request, rsp *restful.Response) {
		naming, err := service.GetServer()
		if err != nil {
			http.Error(rsp, err.Error(), http.StatusServiceUnavailable)
			return
		}
		header := metadata.MD{}
		for _, name := range location.ForwardedHeaders {
			header.Append(name, req.Request.Header.Values(name)...)
		}
		stock(discoverhttp.NewV1Server(nil, callerServer{naming, req.Request.RemoteAddr, header}, nil), req, rsp)
	}
}

// callerServer is the discovery server, for the request of one caller.
type callerServer struct {
	service.DiscoverServer
	peer   string      // address:port of the connection
	header metadata.MD // the headers by which a proxy names the caller
}

// ServiceInstancesCache implements service.DiscoverServer.
func (c callerServer) ServiceInstancesCache(ctx context.Context, filter *apiservice.DiscoverFilter,
	req *apiservice.Service) *apiservice.DiscoverResponse {
	return c.DiscoverServer.ServiceInstancesCache(caller.WithPeer(ctx, c.peer, c.header), filter, req)
}

// ReportClient implements service.DiscoverServer.
func (c callerServer) ReportClient(ctx context.Context, client *apiservice.Client) *apiservice.Response {
	return c.DiscoverServer.ReportClient(caller.WithPeer(ctx, c.peer, c.header), client)
}

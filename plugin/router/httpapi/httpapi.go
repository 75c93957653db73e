// Package httpapi makes the HTTP listener of Polaris, `api-http`, tell the
// discovery server who asks.
//
// The stock listener does not. It does mount the debug handlers of every
// listener, and of two patterns the mux takes the longer one: so a wrapper of
// that listener can take /v1/Discover over, and run the stock handler for it
// with the caller made known.
package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	restful "github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/httpserver" // registers the slot before the init here wraps it
	discoverhttp "github.com/polarismesh/polaris/apiserver/httpserver/discover/v1"
	httpcommon "github.com/polarismesh/polaris/apiserver/httpserver/utils"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
)

const discoverPath = "/v1/Discover"

func init() { wrap(apiserver.Slots) }

// slot is the stock listener with a handler of its own for /v1/Discover.
type slot struct {
	apiserver.Apiserver
	discover atomic.Bool // the configuration offers discovery over HTTP
}

var _ apiserver.EnrichApiserver = (*slot)(nil)

func wrap(slots map[string]apiserver.Apiserver) {
	if stock, ok := slots[serverconfig.HTTPName]; ok {
		slots[serverconfig.HTTPName] = &slot{Apiserver: stock}
	}
}

// Initialize notes whether `client` with `discover` is on: what is off stays
// off.
func (s *slot) Initialize(ctx context.Context, option map[string]any, conf map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	client := conf["client"]
	s.discover.Store(client.Enable &&
		(len(client.Include) == 0 || slices.Contains(client.Include, apiserver.DiscoverAccess)))
	return s.Apiserver.Initialize(ctx, option, conf)
}

// DebugHandlers mounts the handler under both spellings of the path: the stock
// route ignores a slash at its end.
func (s *slot) DebugHandlers() []model.DebugHandler {
	var out []model.DebugHandler
	if stock, ok := s.Apiserver.(apiserver.EnrichApiserver); ok {
		out = stock.DebugHandlers()
	}
	if !s.discover.Load() {
		return out
	}
	handler := discoverHandler()
	for _, path := range []string{discoverPath, discoverPath + "/"} {
		out = append(out, model.DebugHandler{Path: path, Desc: "discovery, with the caller known to routing", Handler: handler.ServeHTTP})
	}
	return out
}

// discoverHandler does what the stock listener does around its own route.
func discoverHandler() http.Handler {
	container := restful.NewContainer()
	cors := restful.CrossOriginResourceSharing{
		AllowedHeaders: []string{"Content-Type", "Accept", "Request-Id"},
		AllowedMethods: []string{"GET", "POST", "PUT"},
		Container:      container,
	}
	container.Filter(cors.Filter)
	container.Filter(container.OPTIONSFilter)
	container.Filter(reportCall)
	container.Filter(limitRate)
	ws := new(restful.WebService)
	ws.Path("/v1").Consumes(restful.MIME_JSON).Produces(restful.MIME_JSON)
	ws.Route(ws.POST("/Discover").To(discover))
	container.Add(ws)
	return container
}

// discover runs the stock handler over a server that knows this caller.
func discover(req *restful.Request, rsp *restful.Response) {
	naming, err := service.GetServer()
	if err != nil {
		http.Error(rsp, err.Error(), http.StatusServiceUnavailable)
		return
	}
	header := metadata.MD{}
	for _, name := range caller.ForwardedHeaders {
		header.Append(name, req.Request.Header.Values(name)...)
	}
	discoverhttp.NewV1Server(nil, callerServer{naming, req.Request.RemoteAddr, header}, nil).Discover(req, rsp)
}

// callerServer is the discovery server for the requests of one caller.
type callerServer struct {
	service.DiscoverServer
	peer   string
	header metadata.MD
}

func (c callerServer) ServiceInstancesCache(ctx context.Context, filter *apiservice.DiscoverFilter,
	req *apiservice.Service) *apiservice.DiscoverResponse {
	return c.DiscoverServer.ServiceInstancesCache(caller.WithPeer(ctx, c.peer, c.header), filter, req)
}

// limitRate is the stock listener's rate limit, and counts IPv6 peers too.
func limitRate(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	limit := plugin.GetRatelimit()
	if limit == nil {
		chain.ProcessFilter(req, rsp)
		return
	}
	peer := req.Request.RemoteAddr
	if !limit.Allow(plugin.IPRatelimit, strings.Trim(peer[:max(strings.LastIndexByte(peer, ':'), 0)], "[]")) {
		httpcommon.HTTPResponse(req, rsp, api.IPRateLimit)
		return
	}
	if !limit.Allow(plugin.APIRatelimit, http.MethodPost+":"+discoverPath) {
		httpcommon.HTTPResponse(req, rsp, api.APIRateLimit)
		return
	}
	chain.ProcessFilter(req, rsp)
}

// reportCall counts the call as the stock listener does.
func reportCall(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	start := time.Now()
	chain.ProcessFilter(req, rsp)
	code, ok := req.Attribute(utils.PolarisCode).(uint32)
	if !ok {
		code = uint32(rsp.StatusCode())
	}
	plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
		Type:     metrics.ServerCallMetric,
		API:      req.Request.Method + ":" + discoverPath,
		Protocol: "HTTP",
		Code:     int(code),
		Duration: time.Since(start),
	})
}

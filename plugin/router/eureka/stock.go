package eureka

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/plugin"
	"go.uber.org/zap"
)

// accessLog is where the stock listener logs requests.
var accessLog = log.GetScopeOrDefaultByName(log.APIServerLoggerName)

// slow is how long a request takes that the stock listener logs.
const slow = time.Second

// metricNames are the names that the metrics of Polaris have for parameters.
var metricNames = strings.NewReplacer("{"+eurekaserver.ParamAppId+"}", "{application}", "{"+eurekaserver.ParamInstId+"}", "{instanceId}")

// reportCall logs a request, and reports it to the metrics of Polaris, as the stock
// listener does around its routes.
func reportCall(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	start, r := time.Now(), req.Request
	fields := []zap.Field{
		zap.String("client-address", r.RemoteAddr), zap.String("user-agent", r.UserAgent()),
		zap.String("method", r.Method), zap.String("url", r.URL.String()),
	}
	if r.Method == http.MethodPost || r.Method == http.MethodDelete || r.Method == http.MethodPut && strings.HasSuffix(pathOf(r), "/status") {
		accessLog.Info("receive request", fields...)
	}
	chain.ProcessFilter(req, rsp)
	took := time.Since(start)
	if took > slow {
		accessLog.Info("handling time > 1s", append(fields, zap.Duration("handling-time", took))...)
	}
	code, ok := req.Attribute(utils.PolarisCode).(uint32)
	if !ok {
		code = uint32(rsp.StatusCode())
	}
	path := req.SelectedRoutePath()
	if !ok && code == http.StatusNotFound || path == "" { // methods without a route are a client's to invent
		return
	}
	plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
		API: r.Method + ":" + metricNames.Replace(path), Protocol: "HTTP", Code: int(code), Duration: took,
	})
}

// limitRate limits requests by the caller's address, and by path. The stock listener
// has the code for that, and never asks for the plugin.
func (f *front) limitRate(req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	if limit := plugin.GetRatelimit(); limit != nil &&
		(!limit.Allow(plugin.IPRatelimit, f.addressOf(req.Request)) || !limit.Allow(plugin.APIRatelimit, req.Request.Method+":"+pathOf(req.Request))) {
		eurekaserver.RateLimitResponse(rsp)
		return
	}
	chain.ProcessFilter(req, rsp)
}

// addressOf returns the address of the caller of a request; of its connection, where
// the caller cannot be told.
func (f *front) addressOf(r *http.Request) string {
	if caller := f.routing.AddressOf(r); caller.IsValid() {
		return caller.String()
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	return peer
}

// pathOf returns the path of a request, without a slash at the end.
func pathOf(r *http.Request) string { return strings.TrimSuffix(r.URL.Path, "/") }

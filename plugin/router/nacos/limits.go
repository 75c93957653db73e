package nacos

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	"github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/plugin"
	"go.uber.org/zap"
)

// accessLog is where the stock listeners log requests.
var accessLog = log.GetScopeOrDefaultByName(log.APIServerLoggerName)

// slow is how long a request takes that the stock listener logs.
const slow = time.Second

// allows asks the rate limits of the server, by the caller and by the method. Where the
// caller cannot be told, the limit is that of the peer.
func allows(caller netip.Addr, peer, method string) bool {
	limit := plugin.GetRatelimit()
	if limit == nil {
		return true
	}
	ip := caller.String()
	if !caller.IsValid() {
		addr, _ := netip.ParseAddrPort(peer)
		ip = addr.Addr().Unmap().String()
	}
	return limit.Allow(plugin.IPRatelimit, ip) && limit.Allow(plugin.APIRatelimit, method)
}

// callMethod is the name of a call over gRPC in rate limits and metrics.
const callMethod = "/Request/request"

// reportCall reports a call over gRPC to the metrics of Polaris, as the stock listener does.
func reportCall(start time.Time, kind string, code int) {
	took := time.Since(start)
	if took > slow {
		accessLog.Info("[SetRouter] a Nacos call took more than 1s", zap.String("type", kind), zap.Duration("took", took))
	}
	plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
		Type: metrics.ServerCallMetric, API: callMethod, Protocol: "NACOS-V2", Code: code, Duration: took,
	})
}

// limited does around the handlers of Nacos 1 what the stock listener does: the log, the
// rate limits, the token of the query, and the metrics.
func limited(routing routing, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, method := time.Now(), r.Method+":"+strings.TrimSuffix(r.URL.Path, "/")
		accessLog.Info("receive request", zap.String("client-address", r.RemoteAddr), zap.String("user-agent", r.UserAgent()),
			zap.String("method", r.Method), zap.String("path", r.URL.Path))
		if !allows(routing.AddressOf(r), r.RemoteAddr, method) {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		if token := r.URL.Query().Get(nacosmodel.NacosClientAuthHeader); token != "" {
			r.Header.Set(utils.HeaderAuthTokenKey, token)
		}
		answer := &answered{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r)
		if answer.code != http.StatusNotFound { // paths without a route are a client's to invent
			plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
				Type: metrics.ServerCallMetric, API: method, Protocol: "HTTP", Code: answer.code, Duration: time.Since(start),
			})
		}
	})
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(code int) {
	a.code = code
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap returns the writer below, for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

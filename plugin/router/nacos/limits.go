package nacos

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/plugin"
	"go.uber.org/zap"
)

// callMethod is the name of a call over gRPC in rate limits and metrics.
const callMethod = "/Request/request"

// admit returns an error for a request of a caller that may not ask, or asks too often. The
// whitelist and the limits see the caller, and not a proxy before the server. Where the
// caller cannot be told, they see the peer, which is "address:port".
func admit(caller netip.Addr, peer, method string) error {
	address := hostOf(peer)
	if caller.IsValid() {
		address = caller.String()
	}
	if list := plugin.GetWhitelist(); list != nil && !list.Contain(address) {
		return &requestError{http.StatusForbidden, "the whitelist does not have this address"}
	}
	limit := plugin.GetRatelimit()
	if limit == nil || limit.Allow(plugin.IPRatelimit, address) && limit.Allow(plugin.APIRatelimit, method) {
		return nil
	}
	return &requestError{http.StatusTooManyRequests, "the rate limit is reached"}
}

// reportGRPC reports a call over gRPC to the metrics of Polaris, as the stock listener does.
func reportGRPC(start time.Time, kind string, code int) {
	took := time.Since(start)
	if took > slow {
		accessLog.Info("nacos grpc server handling time > 1s", zap.String("type", kind), zap.Duration("handling-time", took))
	}
	plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
		Type: metrics.ServerCallMetric, API: callMethod, Protocol: "NACOS-V2", Code: code, Duration: took,
	})
}

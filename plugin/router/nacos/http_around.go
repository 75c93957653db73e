package nacos

import (
	"bytes"
	"io"
	"net"
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

// slow is how long a request takes that the stock listeners log.
const slow = time.Second

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer behind, for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *statusWriter) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// reportCall returns what is to be done when a request is answered: its call is in the
// metrics of Polaris, as the stock listener does.
func reportCall(name string, w *statusWriter) func() {
	start := time.Now()
	return func() {
		took := time.Since(start)
		if took > slow {
			accessLog.Info("nacos http server handling time > 1s", zap.String("api", name), zap.Duration("handling-time", took))
		}
		plugin.GetStatis().ReportCallMetrics(metrics.CallMetric{
			Type: metrics.ServerCallMetric, API: name, Protocol: "HTTP", Code: w.status, Duration: took,
		})
	}
}

// logChange logs a request that changes something, without its parameters, which may have a
// password. Heartbeats and requests for lists come every second.
func logChange(r *http.Request, path string) {
	if r.Method == http.MethodGet || strings.HasSuffix(path, "/beat") {
		return
	}
	accessLog.Info("receive request", zap.String("client-address", r.RemoteAddr), zap.String("user-agent", r.UserAgent()),
		zap.String("method", r.Method), zap.String("path", path))
}

// asStock returns a request as the stock routes read it: they take parameters from the URL
// only, and refuse a request without a content type.
func asStock(r *http.Request, p *params) *http.Request {
	out := r.Clone(r.Context())
	if p.hasForm {
		out.URL.RawQuery = p.values.Encode()
		out.Body = io.NopCloser(bytes.NewReader(nil))
		out.ContentLength = 0
	}
	if out.Header.Get("Content-Type") == "" {
		out.Header.Set("Content-Type", nacosmodel.MIME)
	}
	if token := p.token(r); token != "" {
		out.Header.Set(utils.HeaderAuthTokenKey, token)
	}
	return out
}

// hostOf and portOf return the parts of "address:port".
func hostOf(peer string) string {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return peer
	}
	return host
}

func portOf(peer string) uint16 {
	addr, _ := netip.ParseAddrPort(peer)
	return addr.Port()
}

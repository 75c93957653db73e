package discover

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	discoverv1 "github.com/polarismesh/polaris/apiserver/grpcserver/discover/v1"
	polarisapi "github.com/polarismesh/polaris/common/api/v1"
	commonlog "github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

var accessLog = commonlog.GetScopeOrDefaultByName(commonlog.APIServerLoggerName)

// server is the stock gRPC server with a Discover of its own.
type server struct {
	*discoverv1.DiscoverServer
	naming    service.DiscoverServer
	isOpen    func(method string) bool
	limitRate func(ip, method string) (code uint32)
}

// Discover answers the messages of a stream, in their order.
func (s *server) Discover(stream apiservice.PolarisGRPC_DiscoverServer) error {
	c := newConversation(stream)
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(s.answer(c, message)); err != nil {
			return err
		}
	}
}

// conversation is what the messages of a stream have in common.
type conversation struct {
	ctx       context.Context // of the stream, in the form that the discovery server reads
	method    string
	address   string // of the peer, with its port
	ip        string
	userAgent string
	requestID string
	token     string // of the last message that had a token; the stock server keeps tokens, too
}

func newConversation(stream apiservice.PolarisGRPC_DiscoverServer) *conversation {
	c := &conversation{ctx: utils.ConvertGRPCContext(stream.Context())}
	c.method, _ = grpc.MethodFromServerStream(stream)
	c.address, _ = c.ctx.Value(utils.ContextClientAddress).(string)
	c.userAgent, _ = c.ctx.Value(utils.StringContext("user-agent")).(string)
	c.requestID, _ = c.ctx.Value(utils.StringContext("request-id")).(string)
	if peer, err := netip.ParseAddrPort(c.address); err == nil { // the stock context has the address of IPv4 peers only
		c.ip = location.Normalize(peer.Addr()).String()
		c.ctx = context.WithValue(c.ctx, utils.StringContext("client-ip"), c.ip)
	}
	return c
}

// longestName is how many bytes a name in a message may have. Polaris takes services
// with names of at most 128.
const longestName = 1024

// hasEndlessName reports whether a message has a name that no service can have. Polaris
// writes the names of a message into its logs, several times.
func hasEndlessName(service *apiservice.Service) bool {
	return len(service.GetName().GetValue())+len(service.GetNamespace().GetValue())+len(service.GetRevision().GetValue()) > longestName
}

// answer checks a message as the stock server does, in the same order, and
// answers it. A message with a name without end is answered without it, and logged
// nowhere.
func (s *server) answer(c *conversation, message *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	endless := hasEndlessName(message.GetService())
	if !endless {
		accessLog.Info("[SetRouter] discover", zap.Stringer("type", message.GetType()), zap.Stringer("service", message.GetService()),
			zap.String("client-address", c.address), zap.String("user-agent", c.userAgent), utils.ZapRequestID(c.requestID))
	}
	if !s.isOpen(c.method) {
		return polarisapi.NewDiscoverResponse(apimodel.Code_ClientAPINotOpen)
	}
	if code := s.limitRate(c.ip, c.method); code != uint32(apimodel.Code_ExecuteSuccess) {
		return polarisapi.NewDiscoverResponse(apimodel.Code(code))
	}
	if endless {
		return polarisapi.NewDiscoverResponse(apimodel.Code_InvalidParameter)
	}
	if token := message.GetService().GetToken().GetValue(); token != "" {
		c.token = token
	}
	ctx := c.ctx
	if c.token != "" {
		ctx = context.WithValue(ctx, utils.ContextAuthTokenKey, c.token)
	}
	start := time.Now()
	resp, action := s.ask(ctx, message)
	plugin.GetStatis().ReportDiscoverCall(metrics.ClientDiscoverMetric{
		Action:    action,
		ClientIP:  utils.ParseClientAddress(ctx),
		Namespace: message.GetService().GetNamespace().GetValue(),
		Resource:  message.GetType().String() + ":" + message.GetService().GetName().GetValue(),
		Timestamp: start.UnixMilli(),
		CostTime:  time.Since(start).Milliseconds(),
		Revision:  resp.GetService().GetRevision().GetValue(),
		Success:   resp.GetCode().GetValue() <= uint32(apimodel.Code_DataNoChange),
	})
	return resp
}

// ask asks the discovery server, and returns the name of the call in metrics.
func (s *server) ask(ctx context.Context, message *apiservice.DiscoverRequest) (resp *apiservice.DiscoverResponse, action string) {
	if message.GetService() == nil && needsService(message.GetType()) {
		return withoutService(message), ""
	}
	switch message.GetType() {
	case apiservice.DiscoverRequest_INSTANCE:
		return s.naming.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, message.GetService()), metrics.ActionDiscoverInstance
	case apiservice.DiscoverRequest_ROUTING:
		return s.naming.GetRoutingConfigWithCache(ctx, message.GetService()), metrics.ActionDiscoverRouterRule
	case apiservice.DiscoverRequest_RATE_LIMIT:
		return s.naming.GetRateLimitWithCache(ctx, message.GetService()), metrics.ActionDiscoverRateLimit
	case apiservice.DiscoverRequest_CIRCUIT_BREAKER:
		return s.naming.GetCircuitBreakerWithCache(ctx, message.GetService()), metrics.ActionDiscoverCircuitBreaker
	case apiservice.DiscoverRequest_SERVICES:
		return s.naming.GetServiceWithCache(ctx, message.GetService()), metrics.ActionDiscoverServices
	case apiservice.DiscoverRequest_FAULT_DETECTOR:
		return s.naming.GetFaultDetectWithCache(ctx, message.GetService()), metrics.ActionDiscoverFaultDetect
	}
	if isNewer(message.GetType()) {
		return noRules(message), ""
	}
	return polarisapi.NewDiscoverRoutingResponse(apimodel.Code_InvalidDiscoverResource, message.GetService()), ""
}

// Types of rules that SDKs newer than this server ask for: lane, custom route,
// nearby route, lossless, block and allow, mirroring, fault injection
// (specification v1.7.0).
const (
	firstNewerType = 100
	lastNewerType  = 106
)

// needsService reports whether a request of a type is about one service. The stock
// server answers requests of types that nobody knows.
func needsService(t apiservice.DiscoverRequest_DiscoverRequestType) bool {
	switch t {
	case apiservice.DiscoverRequest_INSTANCE, apiservice.DiscoverRequest_ROUTING, apiservice.DiscoverRequest_RATE_LIMIT,
		apiservice.DiscoverRequest_CIRCUIT_BREAKER, apiservice.DiscoverRequest_FAULT_DETECTOR:
		return true
	}
	return isNewer(t)
}

func isNewer(t apiservice.DiscoverRequest_DiscoverRequestType) bool {
	return firstNewerType <= t && t <= lastNewerType
}

// withoutService answers a request that names no service. With one of the newer
// types it is the probe of an SDK whether the server knows the type: after this
// code Java clients spare these polls (docs/design.md, 6.1). With the other types
// the stock server ends the stream, or panics.
func withoutService(message *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	code := apimodel.Code_EmptyRequest
	if isNewer(message.GetType()) {
		code = apimodel.Code_InvalidDiscoverResource
	}
	resp := polarisapi.NewDiscoverResponse(code)
	resp.Type = apiservice.DiscoverResponse_DiscoverResponseType(message.GetType())
	return resp
}

// noRules returns an empty answer. The answer has the type and the name that the
// message asks for, since SDKs find the answer that they wait for by these. A
// request and its response have the same number as their type. The answer has no
// revision, so that SDKs never take the answer for a change.
func noRules(message *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	resp := polarisapi.NewDiscoverResponse(apimodel.Code_ExecuteSuccess)
	resp.Type = apiservice.DiscoverResponse_DiscoverResponseType(message.GetType())
	resp.Service = &apiservice.Service{Namespace: message.GetService().GetNamespace(), Name: message.GetService().GetName()}
	return resp
}

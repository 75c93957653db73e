package discover

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	discoverv1 "github.com/polarismesh/polaris/apiserver/grpcserver/discover/v1"
	api "github.com/polarismesh/polaris/common/api/v1"
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

// server is the stock gRPC server with a Discover of its own.
type server struct {
	*discoverv1.DiscoverServer
	naming  service.DiscoverServer
	allowed func(method string) bool
	limit   func(ip, method string) uint32
}

// Types of rules that SDKs newer than this server ask for: lane, custom route,
// nearby route, lossless, block and allow, mirroring, fault injection
// (specification v1.7.0).
const (
	firstNewer = 100
	lastNewer  = 106
)

// Discover answers the messages of a stream, in their order.
func (s *server) Discover(stream apiservice.PolarisGRPC_DiscoverServer) error {
	c := newConversation(stream)
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(s.answer(c, in)); err != nil {
			return err
		}
	}
}

// conversation is what the messages of a stream have in common.
type conversation struct {
	ctx     context.Context // the stream's, as the discovery server wants it
	method  string
	address string
	ip      string
	agent   string
	id      string
	token   string // that the last message with one brought: it counts from then on, as for the stock server
}

func newConversation(stream apiservice.PolarisGRPC_DiscoverServer) *conversation {
	c := &conversation{ctx: utils.ConvertGRPCContext(stream.Context())}
	c.method, _ = grpc.MethodFromServerStream(stream)
	text := func(key any) string {
		s, _ := c.ctx.Value(key).(string)
		return s
	}
	c.address, c.agent, c.id = text(utils.ContextClientAddress), text(utils.StringContext("user-agent")), text(utils.StringContext("request-id"))
	if peer, err := netip.ParseAddrPort(c.address); err == nil { // the stock context knows IPv4 only
		c.ip = location.Normalize(peer.Addr()).String()
		c.ctx = context.WithValue(c.ctx, utils.StringContext("client-ip"), c.ip)
	}
	return c
}

func (s *server) answer(c *conversation, in *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	accessLog.Info("[SetRouter] discover", zap.Stringer("type", in.GetType()), zap.Stringer("service", in.GetService()),
		zap.String("client-address", c.address), zap.String("user-agent", c.agent), utils.ZapRequestID(c.id))
	if !s.allowed(c.method) {
		return api.NewDiscoverResponse(apimodel.Code_ClientAPINotOpen)
	}
	if code := s.limit(c.ip, c.method); code != uint32(apimodel.Code_ExecuteSuccess) {
		return api.NewDiscoverResponse(apimodel.Code(code))
	}
	if token := in.GetService().GetToken().GetValue(); token != "" {
		c.token = token
	}
	ctx := c.ctx
	if c.token != "" {
		ctx = context.WithValue(ctx, utils.ContextAuthTokenKey, c.token)
	}
	start := time.Now()
	out, action := s.ask(ctx, in)
	plugin.GetStatis().ReportDiscoverCall(metrics.ClientDiscoverMetric{
		Action:    action,
		ClientIP:  utils.ParseClientAddress(ctx),
		Namespace: in.GetService().GetNamespace().GetValue(),
		Resource:  in.GetType().String() + ":" + in.GetService().GetName().GetValue(),
		Timestamp: start.UnixMilli(),
		CostTime:  time.Since(start).Milliseconds(),
		Revision:  out.GetService().GetRevision().GetValue(),
		Success:   out.GetCode().GetValue() <= uint32(apimodel.Code_DataNoChange),
	})
	return out
}

var accessLog = commonlog.GetScopeOrDefaultByName(commonlog.APIServerLoggerName)

// ask asks the discovery server, and names the call for its metrics.
func (s *server) ask(ctx context.Context, in *apiservice.DiscoverRequest) (out *apiservice.DiscoverResponse, action string) {
	if in.GetService() == nil && needsService(in.GetType()) {
		return withoutService(in), ""
	}
	switch in.GetType() {
	case apiservice.DiscoverRequest_INSTANCE:
		return s.naming.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, in.GetService()), metrics.ActionDiscoverInstance
	case apiservice.DiscoverRequest_ROUTING:
		return s.naming.GetRoutingConfigWithCache(ctx, in.GetService()), metrics.ActionDiscoverRouterRule
	case apiservice.DiscoverRequest_RATE_LIMIT:
		return s.naming.GetRateLimitWithCache(ctx, in.GetService()), metrics.ActionDiscoverRateLimit
	case apiservice.DiscoverRequest_CIRCUIT_BREAKER:
		return s.naming.GetCircuitBreakerWithCache(ctx, in.GetService()), metrics.ActionDiscoverCircuitBreaker
	case apiservice.DiscoverRequest_SERVICES:
		return s.naming.GetServiceWithCache(ctx, in.GetService()), metrics.ActionDiscoverServices
	case apiservice.DiscoverRequest_FAULT_DETECTOR:
		return s.naming.GetFaultDetectWithCache(ctx, in.GetService()), metrics.ActionDiscoverFaultDetect
	}
	if isNewer(in.GetType()) {
		return noRules(in), ""
	}
	return api.NewDiscoverRoutingResponse(apimodel.Code_InvalidDiscoverResource, in.GetService()), ""
}

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
	return firstNewer <= t && t <= lastNewer
}

// withoutService answers a request that names no service. With one of the newer
// types it is the probe of an SDK whether the server knows the type: after this
// code Java clients spare these polls (docs/design.md, 6.1). With the other types
// the stock server ends the stream, or panics.
func withoutService(in *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	code := apimodel.Code_EmptyRequest
	if isNewer(in.GetType()) {
		code = apimodel.Code_InvalidDiscoverResource
	}
	out := api.NewDiscoverResponse(code)
	out.Type = apiservice.DiscoverResponse_DiscoverResponseType(in.GetType())
	return out
}

// noRules is an empty answer of the type asked for, under the name asked for:
// SDKs find what they wait for by those. Requests and responses of a type have
// the same number. Without a revision it never looks changed.
func noRules(in *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	out := api.NewDiscoverResponse(apimodel.Code_ExecuteSuccess)
	out.Type = apiservice.DiscoverResponse_DiscoverResponseType(in.GetType())
	out.Service = &apiservice.Service{Namespace: in.GetService().GetNamespace(), Name: in.GetService().GetName()}
	return out
}

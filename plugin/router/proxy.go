package router

import (
	"context"

	"github.com/polarismesh/polaris/common/api/l5"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	l5filter "github.com/polaris-contrib/setrouter/plugin/router/l5"
)

// proxy is what Polaris takes for its auth proxy: the stock auth proxy, with the
// calls routed that answer with instances, or with the rules of a lane address.
type proxy struct {
	service.DiscoverServer // the stock auth proxy
	router                 *Server
}

// ServiceInstancesCache implements service.DiscoverServer.
func (p *proxy) ServiceInstancesCache(ctx context.Context, filter *apiservice.DiscoverFilter, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.instances(ctx, filter, message)
}

// ReportClient implements service.DiscoverServer.
func (p *proxy) ReportClient(ctx context.Context, client *apiservice.Client) *apiservice.Response {
	observe.Safely("the place of a client", func() { p.router.locateClient(ctx, client) })
	return p.DiscoverServer.ReportClient(ctx, client)
}

// SyncByAgentCmd implements service.DiscoverServer for L5 agents.
func (p *proxy) SyncByAgentCmd(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd) (ack *l5.Cl5SyncByAgentAckCmd, err error) {
	return l5filter.Sync(ctx, cmd, p.DiscoverServer, p.router)
}

// GetRoutingConfigWithCache implements service.DiscoverServer.
func (p *proxy) GetRoutingConfigWithCache(ctx context.Context, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.governance(ctx, message, p.DiscoverServer.GetRoutingConfigWithCache)
}

// GetRateLimitWithCache implements service.DiscoverServer.
func (p *proxy) GetRateLimitWithCache(ctx context.Context, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.governance(ctx, message, p.DiscoverServer.GetRateLimitWithCache)
}

// GetCircuitBreakerWithCache implements service.DiscoverServer.
func (p *proxy) GetCircuitBreakerWithCache(ctx context.Context, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.governance(ctx, message, p.DiscoverServer.GetCircuitBreakerWithCache)
}

// GetFaultDetectWithCache implements service.DiscoverServer.
func (p *proxy) GetFaultDetectWithCache(ctx context.Context, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.governance(ctx, message, p.DiscoverServer.GetFaultDetectWithCache)
}

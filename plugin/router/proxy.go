package router

import (
	"context"

	"github.com/polarismesh/polaris/common/api/l5"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	l5filter "github.com/polaris-contrib/setrouter/plugin/router/l5"
)

// proxy is what Polaris takes for its auth proxy: the stock auth proxy, with the
// two calls that answer with instances routed.
type proxy struct {
	service.DiscoverServer // the stock auth proxy
	router                 *Server
}

// ServiceInstancesCache implements service.DiscoverServer.
func (p *proxy) ServiceInstancesCache(ctx context.Context, filter *apiservice.DiscoverFilter, message *apiservice.Service) *apiservice.DiscoverResponse {
	return p.router.instances(ctx, filter, message)
}

// SyncByAgentCmd implements service.DiscoverServer for L5 agents.
func (p *proxy) SyncByAgentCmd(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd) (ack *l5.Cl5SyncByAgentAckCmd, err error) {
	return l5filter.Sync(ctx, cmd, p.DiscoverServer, p.router)
}

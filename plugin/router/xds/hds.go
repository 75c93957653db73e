package xds

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// healthServer is the service by which sidecars register the programs beside them, and
// report their health. A sidecar speaks for its own address alone, and Polaris's auth is
// asked as for an SDK (docs/security.md). The stock listener takes any address, and asks for
// no token. The stock listener also forgets its client after each message, so that every
// report of health ends the stream; here the stream goes on.
type healthServer struct {
	healthservice.UnimplementedHealthDiscoveryServiceServer
	routing routing
	naming  registrar
}

// registrar is where instances are registered: the Polaris server, behind its auth.
type registrar interface {
	RegisterInstance(context.Context, *apiservice.Instance) *apiservice.Response
	DeregisterInstance(context.Context, *apiservice.Instance) *apiservice.Response
	// Report takes a heartbeat. Polaris asks for no token here, over no protocol.
	Report(context.Context, *apiservice.Instance) *apiservice.Response
}

// polarisRegistrar is the registrar of the running server.
type polarisRegistrar struct {
	service.DiscoverServer
	health *healthcheck.Server
}

// Report implements registrar.
func (r polarisRegistrar) Report(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return r.health.Report(ctx, i)
}

// runningRegistrar returns the registrar of the running server. It fails before Polaris has
// made its servers.
func runningRegistrar() (registrar, error) {
	naming, err := service.GetServer()
	if err != nil {
		return nil, err
	}
	health, err := healthcheck.GetServer()
	return polarisRegistrar{naming, health}, err
}

// healthStream is the stream of a sidecar. It belongs to one goroutine.
type healthStream struct {
	*healthServer
	ctx    context.Context // as Polaris's auth reads it
	asker  asker
	client *xdsresource.XDSClient // nil before the first message
}

// StreamHealthCheck implements healthservice.HealthDiscoveryServiceServer.
func (h *healthServer) StreamHealthCheck(stream healthservice.HealthDiscoveryService_StreamHealthCheckServer) error {
	s := &healthStream{healthServer: h, ctx: utils.ConvertGRPCContext(stream.Context()), asker: h.routing.asker(stream.Context())}
	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if request := message.GetHealthCheckRequest(); request != nil {
			if err := s.begin(request.Node); err != nil {
				return err
			}
			if err := stream.Send(healthChecks(s.client)); err != nil {
				return err
			}
		}
		if report := message.GetEndpointHealthResponse(); report != nil {
			if s.client == nil {
				return status.Error(codes.FailedPrecondition, "the first message reports health, expected a request with the node")
			}
			if err := s.take(report); err != nil {
				return err
			}
		}
	}
}

// begin registers what a sidecar says of the programs beside it.
func (s *healthStream) begin(node *core.Node) error {
	if node == nil { // the stock listener panics
		return status.Error(codes.InvalidArgument, "the request has no node")
	}
	if size := proto.Size(node); size > maxNode {
		return status.Errorf(codes.InvalidArgument, "the node has %d bytes, expected at most %d", size, maxNode)
	}
	s.client = xdsresource.ParseXDSClient(node)
	instances, err := instancesOf(s.client)
	if err != nil {
		return err
	}
	for _, i := range instances {
		if err := s.checkOwn(i.GetHost().GetValue()); err != nil {
			return err
		}
		if err := s.check(i, "registering", s.naming.RegisterInstance(s.ctx, i), apimodel.Code_ExistedResource); err != nil {
			return err
		}
	}
	return nil
}

// take takes a report of health in.
func (s *healthStream) take(report *healthservice.EndpointHealthResponse) error {
	for _, cluster := range report.GetClusterEndpointsHealth() {
		name := reportedService(s.client, cluster.GetClusterName())
		for _, locality := range cluster.GetLocalityEndpointsHealth() {
			for _, endpoint := range locality.GetEndpointsHealth() {
				if err := s.takeOne(name, endpoint); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// takeOne takes the health of one instance: a heartbeat, or the end of the instance.
func (s *healthStream) takeOne(name string, endpoint *healthservice.EndpointHealth) error {
	address, space := endpoint.GetEndpoint().GetAddress().GetSocketAddress(), s.client.GetSelfNamespace()
	if space == "" || address.GetAddress() == "" || address.GetPortValue() == 0 {
		return status.Errorf(codes.InvalidArgument, "the report is about address %.100q, port %d in namespace %.100q, expected all three", address.GetAddress(), address.GetPortValue(), space)
	}
	if err := s.checkOwn(address.GetAddress()); err != nil {
		return err
	}
	instance := newInstance(space, name, address.GetAddress(), address.GetPortValue())
	switch endpoint.GetHealthStatus() {
	case core.HealthStatus_HEALTHY:
		return s.check(instance, "the heartbeat of", s.naming.Report(s.ctx, instance), apimodel.Code_HeartbeatExceedLimit)
	case core.HealthStatus_DRAINING:
		return s.check(instance, "deregistering", s.naming.DeregisterInstance(s.ctx, instance), apimodel.Code_NotFoundResource)
	}
	return nil
}

// checkOwn refuses an address that is not the sidecar's own. The address is taken as
// everywhere: from the connection, from a trusted proxy's header, or, behind a trusted proxy
// without one, from the node id.
func (s *healthStream) checkOwn(host string) error {
	addr, err := netip.ParseAddr(host)
	own := s.asker.callerOf(s.client).addr
	if err == nil && own.IsValid() && location.Normalize(addr) == own {
		return nil
	}
	err = status.Errorf(codes.PermissionDenied, "a sidecar at %s says something of an instance at %.100q, expected its own address; "+
		"if a NAT or a proxy of yours is between the two, add the address that the server sees to plugin.location.option.trustedProxies", s.asker.peer, host)
	s.refused(observe.HealthRefusedAddress, err)
	return err
}

// check returns an error where Polaris does not do what a sidecar asks for. One other code
// is as good as success.
func (s *healthStream) check(i *apiservice.Instance, what string, resp *apiservice.Response, good apimodel.Code) error {
	code := resp.GetCode().GetValue()
	if code == uint32(apimodel.Code_ExecuteSuccess) || code == uint32(good) {
		return nil
	}
	answer := codes.InvalidArgument
	switch kind := code / 1000; {
	case kind == 401 || kind == 403:
		answer = codes.PermissionDenied
	case kind >= 500:
		answer = codes.Unavailable
	}
	err := status.Errorf(answer, "%s %s:%d of service %.100q in namespace %.100q has failed with code %d: %.200q",
		what, i.GetHost().GetValue(), i.GetPort().GetValue(), i.GetService().GetValue(), i.GetNamespace().GetValue(), code, resp.GetInfo().GetValue())
	if answer == codes.PermissionDenied {
		s.refused(observe.HealthRefusedAuth, err)
	}
	return err
}

// refusedLog bounds the lines in the log about sidecars that are refused.
var refusedLog = rate.NewLimiter(rate.Every(10*time.Second), 5)

// refused counts and logs that a sidecar is refused. What clients wrote is quoted in the
// error.
func (s *healthStream) refused(reason string, err error) {
	observe.XDSHealthRefused.WithLabelValues(reason).Inc()
	if refusedLog.Allow() {
		observe.Log.Warn("[SetRouter] a sidecar is refused over HDS",
			zap.String("why", status.Convert(err).Message()), zap.String("node", explain.Plain(clip(s.client.GetNodeID()))))
	}
}

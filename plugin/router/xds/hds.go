package xds

import (
	"context"
	"errors"
	"io"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	"github.com/polarismesh/polaris/apiserver/xdsserverv3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/namespace"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// healthServer is the service by which sidecars register the programs beside them, and
// report their health. The stock listener registers them. The stock listener forgets its
// client after each message, so that every report of health ends the stream; here it does
// not.
type healthServer struct {
	healthservice.UnimplementedHealthDiscoveryServiceServer
	stock  *xdsserverv3.XDSServer
	create bool                   // services that are not there, as the server is configured
	naming service.DiscoverServer // without auth, as the stock listener has it
	health *healthcheck.Server
}

// StreamHealthCheck implements healthservice.HealthDiscoveryServiceServer.
func (h *healthServer) StreamHealthCheck(stream healthservice.HealthDiscoveryService_StreamHealthCheckServer) error {
	var client *xdsresource.XDSClient
	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if request := message.GetHealthCheckRequest(); request != nil {
			if request.Node == nil { // the stock listener panics
				return status.Error(codes.InvalidArgument, "the request has no node")
			}
			client = xdsresource.ParseXDSClient(request.Node)
			if err := h.createServices(client); err != nil {
				return err
			}
			if err := h.stock.StreamHealthCheck(&oneMessage{HealthDiscoveryService_StreamHealthCheckServer: stream, message: message}); err != nil {
				return err
			}
		}
		if report := message.GetEndpointHealthResponse(); report != nil {
			if client == nil {
				return status.Error(codes.FailedPrecondition, "the first message reports health, expected a request with the node")
			}
			if err := h.take(client, report); err != nil {
				return err
			}
		}
	}
}

// createServices makes the services of a sidecar that are not there. The stock listener
// makes them without the record of who asks, by which the server ends.
func (h *healthServer) createServices(client *xdsresource.XDSClient) error {
	ctx := context.WithValue(context.Background(), utils.ContextAuthContextKey, model.NewAcquireContext())
	ctx = service.AllowAutoCreate(namespace.AllowAutoCreate(ctx))
	for _, s := range client.GetRegisterServices() {
		if h.naming.Cache().Service().GetServiceByName(s.Name, client.GetSelfNamespace()) != nil {
			continue
		}
		if !h.create {
			return status.Errorf(codes.NotFound, "there is no service %.100q in namespace %.100q, and naming.autoCreate is false", s.Name, client.GetSelfNamespace())
		}
		resp := h.naming.CreateServices(ctx, []*apiservice.Service{{
			Namespace: wrapperspb.String(client.GetSelfNamespace()), Name: wrapperspb.String(s.Name), Owners: wrapperspb.String("Polaris"),
		}})
		for _, r := range resp.GetResponses() {
			if code := apimodel.Code(r.GetCode().GetValue()); code != apimodel.Code_ExecuteSuccess && code != apimodel.Code_ExistedResource {
				return status.Errorf(codes.Unavailable, "service %.100q in namespace %.100q cannot be made: code %d: %s", s.Name, client.GetSelfNamespace(), code, r.GetInfo().GetValue())
			}
		}
	}
	return nil
}

// oneMessage is a stream with one message, which has been read already.
type oneMessage struct {
	healthservice.HealthDiscoveryService_StreamHealthCheckServer
	message *healthservice.HealthCheckRequestOrEndpointHealthResponse
}

// Recv returns the message, and then the end of the stream.
func (s *oneMessage) Recv() (*healthservice.HealthCheckRequestOrEndpointHealthResponse, error) {
	message := s.message
	s.message = nil
	if message == nil {
		return nil, io.EOF
	}
	return message, nil
}

// take takes a report of health in.
func (h *healthServer) take(client *xdsresource.XDSClient, report *healthservice.EndpointHealthResponse) error {
	for _, cluster := range report.GetClusterEndpointsHealth() {
		name := reportedService(client, cluster.GetClusterName())
		for _, locality := range cluster.GetLocalityEndpointsHealth() {
			for _, endpoint := range locality.GetEndpointsHealth() {
				if err := h.takeOne(client.GetSelfNamespace(), name, endpoint); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// reportedService returns the name of the service that a report is about: clusters for
// health checks are called INBOUND|PORT|SERVICE. A node that says nothing of its services
// has one.
func reportedService(client *xdsresource.XDSClient, cluster string) string {
	if parts := strings.SplitN(cluster, "|", 3); len(parts) == 3 && parts[2] != "" {
		return parts[2]
	}
	return client.GetSelfService()
}

// takeOne takes the health of one instance: a heartbeat, or the end of the instance.
func (h *healthServer) takeOne(space, name string, endpoint *healthservice.EndpointHealth) error {
	address := endpoint.GetEndpoint().GetAddress().GetSocketAddress()
	if space == "" || address.GetAddress() == "" || address.GetPortValue() == 0 {
		return status.Errorf(codes.InvalidArgument, "the report is about address %.100q, port %d in namespace %.100q, expected all three", address.GetAddress(), address.GetPortValue(), space)
	}
	instance := &apiservice.Instance{
		Namespace: wrapperspb.String(space), Service: wrapperspb.String(name),
		Host: wrapperspb.String(address.GetAddress()), Port: wrapperspb.UInt32(address.GetPortValue()),
	}
	var resp *apiservice.Response
	good := apimodel.Code_HeartbeatExceedLimit
	switch endpoint.GetHealthStatus() {
	case core.HealthStatus_HEALTHY:
		resp = h.health.Report(context.Background(), instance)
	case core.HealthStatus_DRAINING:
		resp, good = h.naming.DeregisterInstance(context.Background(), instance), apimodel.Code_NotFoundResource
	default:
		return nil
	}
	if code := apimodel.Code(resp.GetCode().GetValue()); code != apimodel.Code_ExecuteSuccess && code != good {
		return status.Errorf(codes.InvalidArgument, "the report about %s:%d of %.100q in %.100q has failed with code %d: %s", address.GetAddress(), address.GetPortValue(), name, space, code, resp.GetInfo().GetValue())
	}
	return nil
}

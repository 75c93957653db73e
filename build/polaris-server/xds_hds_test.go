package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// healthMessage is a message of a sidecar over HDS.
type healthMessage = healthservice.HealthCheckRequestOrEndpointHealthResponse

// hds is a sidecar's stream of HDS.
type hds struct {
	healthservice.HealthDiscoveryService_StreamHealthCheckClient
}

// openHDS opens a stream from an address, with a token of Polaris's auth.
func openHDS(t *testing.T, addr string, source netip.Addr, token string) hds {
	t.Helper()
	conn, err := polaristest.DialXDSConn(addr, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx := grpcmetadata.AppendToOutgoingContext(t.Context(), "x-polaris-token", token)
	stream, err := healthservice.NewHealthDiscoveryServiceClient(conn).StreamHealthCheck(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return hds{stream}
}

// register registers the ports 8080 and 8081 of a service at an address, and returns how many
// checks the server asks for.
func (s hds) register(t *testing.T, service, host string) (checks int, err error) {
	t.Helper()
	labels, err := structpb.NewStruct(map[string]any{
		"sidecar.polarismesh.cn/serviceNamespace": "default",
		"sidecar.polarismesh.cn/registerServices": fmt.Sprintf(`[{"name": %q, "ports": {"TCP": [8080, 8081]}, "health_check_ttl": 5}]`, service),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&healthMessage{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_HealthCheckRequest{
		HealthCheckRequest: &healthservice.HealthCheckRequest{Node: &core.Node{Id: "sidecar~default/a~" + host, Metadata: labels}},
	}})
	specifier, err := s.Recv()
	return len(specifier.GetClusterHealthChecks()), err
}

// report reports the health of a port at an address.
func (s hds) report(health core.HealthStatus, service, host string, port uint32) error {
	return s.Send(&healthMessage{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_EndpointHealthResponse{
		EndpointHealthResponse: &healthservice.EndpointHealthResponse{ClusterEndpointsHealth: []*healthservice.ClusterEndpointsHealth{{
			ClusterName: fmt.Sprintf("INBOUND|%d|%s", port, service),
			LocalityEndpointsHealth: []*healthservice.LocalityEndpointsHealth{{EndpointsHealth: []*healthservice.EndpointHealth{{
				HealthStatus: health,
				Endpoint: &endpoint.Endpoint{Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
					Address: host, PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
				}}}},
			}}}},
		}}},
	}})
}

// A sidecar registers its programs by HDS, and reports their health as often as it likes:
// with the stock listener the first report ends the stream. It says nothing of others'
// instances.
func TestXDSHealth(t *testing.T) {
	server, _, addr := startXDS(t, polaristest.Options{})
	own, stream := shanghai.String(), openHDS(t, addr, shanghai, "")
	if checks, err := stream.register(t, "beside", own); checks != 2 || err != nil {
		t.Fatalf("%d checks, %v, want one of each port", checks, err)
	}
	has := func(want ...string) {
		t.Helper()
		wait(t, func() error {
			var got []string
			for _, i := range discover(t, server, polaristest.Request{Service: "beside", Source: shanghai}).Instances {
				got = append(got, fmt.Sprintf("%s:%d", i.Host, i.Port))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				return fmt.Errorf("registered are %v, want %v", got, want)
			}
			return nil
		})
	}
	has(own+":8080", own+":8081")
	for range 3 {
		if err := stream.report(core.HealthStatus_HEALTHY, "beside", own, 8080); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.report(core.HealthStatus_DRAINING, "beside", own, 8081); err != nil { // the last, by which the others are seen to be taken
		t.Fatal(err)
	}
	has(own + ":8080")
	if err := stream.report(core.HealthStatus_HEALTHY, "beside", own, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `the report is about address "`+own+`", port 0 in namespace "default", expected all three`) {
		t.Errorf("a report without a port: %v", err)
	}
	other := openHDS(t, addr, stranger, "")
	if _, err := other.register(t, "beside", own); status.Code(err) != codes.PermissionDenied {
		t.Errorf("registering at another's address: %v", err)
	}
	other = openHDS(t, addr, stranger, "")
	if _, err := other.register(t, "stranger", stranger.String()); err != nil {
		t.Fatal(err)
	}
	_ = other.report(core.HealthStatus_DRAINING, "beside", own, 8080)
	if _, err := other.Recv(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("the end of another's instance: %v", err)
	}
	has(own + ":8080")
	refusal := fmt.Sprintf("[SetRouter] a sidecar is refused over HDS\t{\"why\": \"a sidecar at %s says something of an instance at \"%s\", expected its own address; "+
		"if a NAT or a proxy of yours is between the two, add the address that the server sees to plugin.location.option.trustedProxies", stranger, own)
	if log := strings.ReplaceAll(server.Log(), `\"`, `"`); strings.Count(log, refusal) != 2 {
		t.Errorf("the log has not twice\n%s\nbut\n%s", refusal, log)
	}
	for _, tt := range []struct {
		name    string
		message *healthMessage
		code    codes.Code
	}{
		{"a report first", &healthMessage{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_EndpointHealthResponse{EndpointHealthResponse: &healthservice.EndpointHealthResponse{}}}, codes.FailedPrecondition},
		{"no node", &healthMessage{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_HealthCheckRequest{HealthCheckRequest: &healthservice.HealthCheckRequest{}}}, codes.InvalidArgument},
	} {
		stream := openHDS(t, addr, shanghai, "")
		_ = stream.Send(tt.message)
		if _, err := stream.Recv(); status.Code(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}

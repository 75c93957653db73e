package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A sidecar registers its programs by HDS, and reports their health as often as it likes:
// with the stock listener the first report ends the stream.
func TestXDSHealth(t *testing.T) {
	server, _, addr := startXDS(t, polaristest.Options{})
	conn, err := polaristest.DialXDSConn(addr, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := healthservice.NewHealthDiscoveryServiceClient(conn)
	stream, err := client.StreamHealthCheck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	labels, err := structpb.NewStruct(map[string]any{
		"sidecar.polarismesh.cn/serviceNamespace": "default",
		"sidecar.polarismesh.cn/registerServices": `[{"name": "beside", "ports": {"TCP": [8080, 8081]}, "health_check_ttl": 5}]`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_HealthCheckRequest{
		HealthCheckRequest: &healthservice.HealthCheckRequest{Node: &core.Node{Id: "sidecar~default/a~10.40.0.1", Metadata: labels}},
	}}); err != nil {
		t.Fatal(err)
	}
	specifier, err := stream.Recv()
	if err != nil || len(specifier.ClusterHealthChecks) != 2 {
		t.Fatalf("%v, %v, want a check of each port", specifier, err)
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
	has("10.40.0.1:8080", "10.40.0.1:8081")
	report := func(health core.HealthStatus, port uint32) error {
		return stream.Send(&healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_EndpointHealthResponse{
			EndpointHealthResponse: &healthservice.EndpointHealthResponse{ClusterEndpointsHealth: []*healthservice.ClusterEndpointsHealth{{
				ClusterName: fmt.Sprintf("INBOUND|%d|beside", port),
				LocalityEndpointsHealth: []*healthservice.LocalityEndpointsHealth{{EndpointsHealth: []*healthservice.EndpointHealth{{
					HealthStatus: health,
					Endpoint: &endpoint.Endpoint{Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
						Address: "10.40.0.1", PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
					}}}},
				}}}},
			}}},
		}})
	}
	for range 3 {
		if err := report(core.HealthStatus_HEALTHY, 8080); err != nil {
			t.Fatal(err)
		}
	}
	if err := report(core.HealthStatus_DRAINING, 8081); err != nil { // the last, by which the others are seen to be taken
		t.Fatal(err)
	}
	has("10.40.0.1:8080")
	if err := report(core.HealthStatus_HEALTHY, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `the report is about address "10.40.0.1", port 0 in namespace "default", expected all three`) {
		t.Errorf("a report without a port: %v", err)
	}
	for _, tt := range []struct {
		name    string
		message *healthservice.HealthCheckRequestOrEndpointHealthResponse
		code    codes.Code
	}{
		{"a report first", &healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_EndpointHealthResponse{EndpointHealthResponse: &healthservice.EndpointHealthResponse{}}}, codes.FailedPrecondition},
		{"no node", &healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_HealthCheckRequest{HealthCheckRequest: &healthservice.HealthCheckRequest{}}}, codes.InvalidArgument},
	} {
		stream, err := client.StreamHealthCheck(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(tt.message)
		if _, err := stream.Recv(); status.Code(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}

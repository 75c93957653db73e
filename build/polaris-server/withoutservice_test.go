package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A request of any type that names no service gets a code, over gRPC and HTTP, with
// and without auth. The stream goes on, and the server writes no stack.
func TestRequestsWithoutService(t *testing.T) {
	for name, config := range map[string]string{
		"without auth": "", "with auth": replacedConfig(t, "clientOpen: false", "clientOpen: true, clientStrict: true"),
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := start(t, polaristest.Options{Config: config})
			stream := openStream(t, server)
			for kind := range apiservice.DiscoverRequest_DiscoverRequestType(110) {
				for _, service := range []*apiservice.Service{nil, {}, {Namespace: wrapperspb.String("default")}} {
					resp := sent(t, stream, &apiservice.DiscoverRequest{Type: kind, Service: service})
					if resp.GetCode().GetValue() < 200000 || len(resp.Instances) > 0 {
						t.Errorf("type %d, service %v: %v", kind, service, resp)
					}
				}
				for _, service := range []string{"", `, "service": {}`} {
					body := fmt.Sprintf(`{"type": %d%s}`, kind, service)
					resp, err := http.Post("http://"+server.HTTPAddr+"/v1/Discover", "application/json", strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if resp.Header.Get("X-Polaris-Code") == "" && resp.StatusCode != http.StatusOK {
						t.Errorf("HTTP %s: status %d without a code", body, resp.StatusCode)
					}
				}
			}
			if text := server.Output() + server.StockLog(); strings.Contains(text, "goroutine ") {
				t.Errorf("a stack:\n%s", text)
			}
		})
	}
}

func openStream(t *testing.T, s *polaristest.Server) apiservice.PolarisGRPC_DiscoverClient {
	t.Helper()
	conn, err := grpc.DialContext(t.Context(), s.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	stream, err := apiservice.NewPolarisGRPCClient(conn).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// sent sends a request, and returns the answer.
func sent(t *testing.T, stream apiservice.PolarisGRPC_DiscoverClient, request *apiservice.DiscoverRequest) *apiservice.DiscoverResponse {
	t.Helper()
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil {
		t.Fatalf("%v: %v", request, err)
	}
	return resp
}

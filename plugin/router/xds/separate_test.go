package xds

import (
	"testing"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
)

// Beside the aggregated service, each type has a service of its own, whose requests need no
// type: a sidecar of polaris-controller takes its listeners so.
func TestSeparateServices(t *testing.T) {
	_, addr := startFake(t, newFake("plain", "routed-a"))
	conn := dialHostile(t, addr)
	for _, tt := range []struct {
		service, kind string
		names         []string
		typeURL       string
		resources     int
		deltaAlone    bool
	}{
		{service: "endpoint.v3.EndpointDiscoveryService", kind: "Endpoints", names: []string{"OUTBOUND|default|plain", "OUTBOUND|default|routed-a"}, typeURL: typeEndpoint, resources: 2},
		{service: "cluster.v3.ClusterDiscoveryService", kind: "Clusters", typeURL: typeCluster, resources: 5},
		{service: "listener.v3.ListenerDiscoveryService", kind: "Listeners", typeURL: typeListener, resources: 2},
		{service: "route.v3.RouteDiscoveryService", kind: "Routes", names: []string{"polaris-outbound-router"}, typeURL: typeRoute, resources: 1},
		{service: "route.v3.VirtualHostDiscoveryService", kind: "VirtualHosts", names: []string{"polaris-outbound-router/plain.default"}, typeURL: typeHost, resources: 1, deltaAlone: true},
	} {
		for _, variant := range []string{"Stream", "Delta"} {
			if tt.deltaAlone && variant == "Stream" {
				continue // the service has no other variant
			}
			t.Run(variant+tt.kind, func(t *testing.T) {
				method := "/envoy.service." + tt.service + "/" + variant + tt.kind
				stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
				if err != nil {
					t.Fatal(err)
				}
				var request any = &discovery.DiscoveryRequest{Node: sidecar, ResourceNames: tt.names}
				if variant == "Delta" {
					request = &discovery.DeltaDiscoveryRequest{Node: sidecar, ResourceNamesSubscribe: tt.names}
				}
				if err := stream.SendMsg(request); err != nil {
					t.Fatal(err)
				}
				world, delta := &discovery.DiscoveryResponse{}, &discovery.DeltaDiscoveryResponse{}
				var answer any = world
				if variant == "Delta" {
					answer = delta
				}
				if err := stream.RecvMsg(answer); err != nil {
					t.Fatal(err)
				}
				if got := len(world.Resources) + len(delta.Resources); got != tt.resources || world.TypeUrl+delta.TypeUrl != tt.typeURL {
					t.Errorf("%d resources of type %s, want %d of type %s", got, world.TypeUrl+delta.TypeUrl, tt.resources, tt.typeURL)
				}
			})
		}
	}
}

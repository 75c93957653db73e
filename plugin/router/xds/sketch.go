package xds

import (
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// newAssignment is a sketch, until endpoints.go comes.
func newAssignment(cluster string, priorities []view.Priority) *endpoint.ClusterLoadAssignment {
	a := &endpoint.ClusterLoadAssignment{ClusterName: cluster, Policy: &endpoint.ClusterLoadAssignment_Policy{OverprovisioningFactor: wrapperspb.UInt32(100000)}}
	n := uint32(0)
	for _, p := range priorities {
		l := &endpoint.LocalityLbEndpoints{Priority: n, Locality: &core.Locality{}, LoadBalancingWeight: wrapperspb.UInt32(1)}
		for _, i := range p.Instances {
			if !xdsresource.IsNormalEndpoint(i) {
				continue
			}
			l.LbEndpoints = append(l.LbEndpoints, &endpoint.LbEndpoint{
				HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
					Address: i.GetHost().GetValue(), PortSpecifier: &core.SocketAddress_PortValue{PortValue: i.GetPort().GetValue()},
				}}}}},
				HealthStatus: xdsresource.FormatEndpointHealth(i), LoadBalancingWeight: wrapperspb.UInt32(i.GetWeight().GetValue()),
			})
		}
		if len(l.LbEndpoints) > 0 {
			a.Endpoints = append(a.Endpoints, l)
			n++
		}
	}
	return a
}

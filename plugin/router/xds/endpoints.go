package xds

import (
	"cmp"
	"math"
	"slices"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// Bounds of what clients take. Envoy refuses a priority above 128, and gRPC refuses
// weights whose sum is above that of a uint32.
const (
	maxPriorities = 128
	maxWeights    = math.MaxUint32 / 2 // room for weights that are rounded up to 1
)

// newAssignment returns the endpoints of a cluster, with the priorities of a kind of
// caller (docs/design.md, 6.1). Without an instance that goes out, the assignment is empty,
// so that calls fail at once. The factor is overprovision. Without one, 0, the factor makes
// a priority keep all requests while one of its endpoints is usable: Envoy else shares them
// with the next priority from 28 of 100 unhealthy endpoints on. Equal priorities give an
// equal assignment.
func newAssignment(cluster string, priorities []view.Priority, overprovision int) *endpoint.ClusterLoadAssignment {
	a := &endpoint.ClusterLoadAssignment{ClusterName: cluster}
	reachable, _ := view.ReachableIn(priorities)
	if len(reachable) == 0 {
		return a
	}
	if len(reachable) > maxPriorities {
		rest := slices.Concat(reachable[maxPriorities-1:]...)
		reachable = append(reachable[:maxPriorities-1:maxPriorities-1], rest)
	}
	list := newEndpoints(reachable)
	largest := 0
	for n, instances := range reachable {
		a.Endpoints = append(a.Endpoints, list.localities(uint32(n), instances)...)
		largest = max(largest, len(instances))
	}
	a.Policy = &endpoint.ClusterLoadAssignment_Policy{OverprovisioningFactor: wrapperspb.UInt32(uint32(cmp.Or(overprovision, 100*largest)))}
	return a
}

// endpoints is what all endpoints of an assignment have in common.
type endpoints struct {
	// anyUsable is false if no priority has a usable instance. Then unhealthy ones go out
	// as of unknown health, so that they are tried, as SDKs do.
	anyUsable bool
	divisor   uint64 // of weights
}

func newEndpoints(priorities [][]view.Reachable) endpoints {
	list, sum := endpoints{}, uint64(0)
	for _, instances := range priorities {
		for _, i := range instances {
			list.anyUsable = list.anyUsable || i.GetHealthy().GetValue()
			sum += uint64(i.GetWeight().GetValue())
		}
	}
	list.divisor = sum/maxWeights + 1
	return list
}

// localities returns the instances of a priority by their places, in the order of these.
// The weight of a place is that of its usable instances: gRPC shares requests among places
// by it, and knows nothing of an instance's weight. gRPC ignores a place without a weight.
func (e endpoints) localities(priority uint32, instances []view.Reachable) []*endpoint.LocalityLbEndpoints {
	places := map[location.Location]*endpoint.LocalityLbEndpoints{}
	for _, i := range instances {
		place := wire.FromProto(i.GetLocation())
		l := places[place]
		if l == nil {
			l = &endpoint.LocalityLbEndpoints{
				Locality: &core.Locality{Region: place.Region, Zone: place.Zone, SubZone: place.Campus}, Priority: priority, LoadBalancingWeight: wrapperspb.UInt32(0),
			}
			places[place] = l
		}
		l.LbEndpoints = append(l.LbEndpoints, e.endpoint(i))
	}
	var out []*endpoint.LocalityLbEndpoints
	for _, l := range places {
		l.LoadBalancingWeight.Value = weightOf(l.LbEndpoints)
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *endpoint.LocalityLbEndpoints) int {
		return cmp.Or(cmp.Compare(a.Locality.Region, b.Locality.Region), cmp.Compare(a.Locality.Zone, b.Locality.Zone), cmp.Compare(a.Locality.SubZone, b.Locality.SubZone))
	})
	return out
}

// weightOf returns the weight of the endpoints that clients use: those that are not
// unhealthy, or all if there are no others.
func weightOf(list []*endpoint.LbEndpoint) uint32 {
	var used, all uint32
	for _, e := range list {
		all += e.LoadBalancingWeight.Value
		if e.HealthStatus != core.HealthStatus_UNHEALTHY {
			used += e.LoadBalancingWeight.Value
		}
	}
	return cmp.Or(used, all)
}

// endpoint returns an instance as an endpoint. Its metadata are as the stock listener sends
// them: routing rules of Polaris and TLS contexts look at them.
func (e endpoints) endpoint(i view.Reachable) *endpoint.LbEndpoint {
	return &endpoint.LbEndpoint{
		HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
			Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
				Protocol: core.SocketAddress_TCP, Address: i.Addr.Addr().String(), PortSpecifier: &core.SocketAddress_PortValue{PortValue: uint32(i.Addr.Port())},
			}}},
		}},
		HealthStatus:        e.health(i.Instance),
		LoadBalancingWeight: wrapperspb.UInt32(uint32(max(uint64(i.GetWeight().GetValue())/e.divisor, 1))),
		Metadata:            xdsresource.GenEndpointMetaFromPolarisIns(i.Instance),
	}
}

// health returns the health of an instance.
func (e endpoints) health(i *apiservice.Instance) core.HealthStatus {
	switch {
	case i.GetHealthy().GetValue():
		return core.HealthStatus_HEALTHY
	case e.anyUsable:
		return core.HealthStatus_UNHEALTHY
	}
	return core.HealthStatus_UNKNOWN
}

package xds

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/polarismesh/polaris/apiserver/xdsserverv3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	"google.golang.org/protobuf/proto"
)

// builders make resources by the stock listener's own builders. Their order within a
// resource is by chance; here it is not, so that equal content has an equal version.
type builders struct {
	naming      service.DiscoverServer
	passthrough resources // the cluster for what is no service
}

func newBuilders(naming service.DiscoverServer) (builders, error) {
	b := builders{naming: naming}
	made, err := b.build(&xdsserverv3.CDSBuilder{}, &xdsresource.BuildOption{RunType: xdsresource.RunTypeSidecar, TLSMode: xdsresource.TLSModeNone})
	b.passthrough = made
	return b, err
}

// build calls a stock builder.
func (b builders) build(builder xdsresource.XDSBuilder, options *xdsresource.BuildOption) (resources, error) {
	builder.Init(b.naming)
	made, err := builder.Generate(options)
	if err != nil {
		return nil, fmt.Errorf("%T: %w", builder, err)
	}
	list, ok := made.([]types.Resource)
	if !ok {
		return nil, fmt.Errorf("%T makes %T, expected a list of resources", builder, made)
	}
	out := resources{}
	for _, m := range list {
		m = settled(m)
		if out[cachev3.GetResourceName(m)], err = newResource(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// options returns the options that the stock listener builds with for a direction.
func options(namespace string, infos services, direction core.TrafficDirection) *xdsresource.BuildOption {
	return &xdsresource.BuildOption{
		RunType: xdsresource.RunTypeSidecar, TLSMode: xdsresource.TLSModeNone,
		Namespace: namespace, Services: infos, TrafficDirection: direction,
	}
}

// service makes the resources of a service.
func (b builders) service(info *xdsresource.ServiceInfo, routed bool) (*serviceResources, error) {
	out := &serviceResources{info: info, routed: routed, byType: map[string]resources{}, cluster: map[xdsresource.TLSMode]resources{}}
	for _, direction := range []core.TrafficDirection{core.TrafficDirection_OUTBOUND, core.TrafficDirection_INBOUND} {
		o := options(info.Namespace, services{info.ServiceKey: info}, direction)
		if direction == core.TrafficDirection_INBOUND {
			o.SelfService = info.ServiceKey
		}
		if err := b.addClusters(out, o); err != nil {
			return nil, err
		}
		if err := b.add(out, typeEndpoint, &xdsserverv3.EDSBuilder{}, o); err != nil {
			return nil, err
		}
		if direction == core.TrafficDirection_OUTBOUND {
			continue
		}
		if err := b.add(out, typeRoute, &xdsserverv3.RDSBuilder{}, o); err != nil {
			return nil, err
		}
		o.OpenEnvoyDemand()
		if err := b.add(out, typeRoute, &xdsserverv3.RDSBuilder{}, o); err != nil {
			return nil, err
		}
		o.TrafficDirection, o.SelfService = core.TrafficDirection_OUTBOUND, model.ServiceKey{}
		if err := b.add(out, typeHost, &xdsserverv3.VHDSBuilder{}, o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b builders) add(s *serviceResources, typeURL string, builder xdsresource.XDSBuilder, o *xdsresource.BuildOption) error {
	made, err := b.build(builder, o)
	if err != nil {
		return err
	}
	if s.byType[typeURL] == nil {
		s.byType[typeURL] = resources{}
	}
	for name, r := range made {
		s.byType[typeURL][name] = r
	}
	return nil
}

// addClusters adds the clusters of a service, one for each mode of TLS.
func (b builders) addClusters(s *serviceResources, o *xdsresource.BuildOption) error {
	for _, mode := range tlsModes {
		made, err := b.clusters(o, mode, s.routed)
		if err != nil {
			return err
		}
		if s.cluster[mode] == nil {
			s.cluster[mode] = resources{}
		}
		maps.Copy(s.cluster[mode], made)
	}
	return nil
}

// clusters makes the clusters of a service for a mode of TLS. Routed clusters have two
// settings more: without them an Envoy goes on with endpoints that are removed, and sends to
// dead ones (docs/design.md, 6.1).
func (b builders) clusters(o *xdsresource.BuildOption, mode xdsresource.TLSMode, routed bool) (resources, error) {
	o.TLSMode = mode
	defer func() { o.TLSMode = xdsresource.TLSModeNone }()
	builder := &xdsserverv3.CDSBuilder{}
	builder.Init(b.naming)
	made, err := builder.GenerateByDirection(o, o.TrafficDirection)
	if err != nil {
		return nil, fmt.Errorf("%T: %w", builder, err)
	}
	out := resources{}
	for _, m := range made {
		c, ok := settled(m).(*cluster.Cluster)
		if ok && routed && o.TrafficDirection == core.TrafficDirection_OUTBOUND {
			c.IgnoreHealthOnHostRemoval = true
			c.CommonLbConfig = &cluster.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{Value: 1}}
		}
		if out[cachev3.GetResourceName(m)], err = newResource(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// routes makes the routes to all services of a namespace: for sidecars, and for those that
// fetch clusters on demand.
func (b builders) routes(namespace string, infos services) (resources, error) {
	o := options(namespace, infos, core.TrafficDirection_OUTBOUND)
	out, err := b.build(&xdsserverv3.RDSBuilder{}, o)
	if err != nil {
		return nil, err
	}
	o.OpenEnvoyDemand()
	more, err := b.build(&xdsserverv3.RDSBuilder{}, o)
	for name, r := range more {
		out[name] = r
	}
	return out, err
}

// listeners makes the listeners of a node.
func (b builders) listeners(client *xdsresource.XDSClient) (resources, error) {
	out := resources{}
	o := nodeOptions(client)
	for _, o.TrafficDirection = range []core.TrafficDirection{core.TrafficDirection_OUTBOUND, core.TrafficDirection_INBOUND} {
		made, err := b.build(&xdsserverv3.LDSBuilder{}, o)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, made)
	}
	return out, nil
}

// gatewayRoutes makes the routes of a gateway, nil for another node. The stock listener
// never makes them, so that the listeners of its gateways name routes that nobody has.
func (b builders) gatewayRoutes(client *xdsresource.XDSClient) (resources, error) {
	if client.RunType != xdsresource.RunTypeGateway {
		return nil, nil
	}
	return b.build(&xdsserverv3.RDSBuilder{}, nodeOptions(client))
}

// nodeOptions returns the options that the stock listener builds with for a node.
func nodeOptions(client *xdsresource.XDSClient) *xdsresource.BuildOption {
	o := &xdsresource.BuildOption{
		RunType: client.RunType, Client: client, TLSMode: client.TLSMode,
		Namespace: client.GetSelfNamespace(), SelfService: client.GetSelfServiceKey(),
	}
	if client.OpenOnDemand {
		o.OpenEnvoyDemand()
	}
	return o
}

// settled puts what has no order of its own into one order.
func settled(m proto.Message) proto.Message {
	switch m := m.(type) {
	case *endpoint.ClusterLoadAssignment:
		slices.SortFunc(m.Endpoints, func(a, b *endpoint.LocalityLbEndpoints) int {
			x, y := a.GetLocality(), b.GetLocality()
			return cmp.Or(cmp.Compare(x.GetRegion(), y.GetRegion()), cmp.Compare(x.GetZone(), y.GetZone()), cmp.Compare(x.GetSubZone(), y.GetSubZone()))
		})
	case *routev3.RouteConfiguration:
		slices.SortStableFunc(m.VirtualHosts, func(a, b *routev3.VirtualHost) int { return cmp.Compare(a.Name, b.Name) })
	case *cluster.Cluster:
		for _, selector := range m.GetLbSubsetConfig().GetSubsetSelectors() {
			slices.Sort(selector.Keys)
		}
	}
	return m
}

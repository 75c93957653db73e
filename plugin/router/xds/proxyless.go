package xds

import (
	"fmt"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	router "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// listener returns the listener under a name: one of a node's own, or that of a service,
// which gRPC clients name. A name that is no service has a listener, too: the client then
// comes to an empty assignment, and fails at once, in the place of a wait of 15 s.
func (m *moment) listener(s *subscription, name string) state {
	if own := s.stream.listeners[name]; own != nil {
		return state{resource: own}
	}
	made, err := newResource(newListener(name, namedService(name)))
	return state{resource: made, keep: err != nil}
}

// newListener returns the listener of a service for gRPC clients, with its one route.
func newListener(name string, service route.Service) *listener.Listener {
	manager := &hcm.HttpConnectionManager{
		HttpFilters: []*hcm.HttpFilter{{
			Name:       "envoy.filters.http.router",
			ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: xdsresource.MustNewAny(&router.Router{})},
		}},
		RouteSpecifier: &hcm.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{
			Name: name,
			VirtualHosts: []*routev3.VirtualHost{{
				Name: name, Domains: []string{"*"},
				Routes: []*routev3.Route{{
					Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{}},
					Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: outboundName(service)}}},
				}},
			}},
		}},
	}
	return &listener.Listener{Name: name, ApiListener: &listener.ApiListener{ApiListener: xdsresource.MustNewAny(manager)}}
}

// cluster returns the cluster under a name. Clients of another namespace than the node's,
// and gRPC clients, which have none, name clusters, too.
func (m *moment) cluster(s *subscription, name string) state {
	if r := m.catalog.forNode(s.stream.client, typeCluster)[name]; r != nil {
		return state{resource: r}
	}
	if n := m.catalog.namespaces[namespaceIn(name)]; n != nil && n.clusters[s.stream.client.TLSMode][name] != nil {
		return state{resource: n.clusters[s.stream.client.TLSMode][name]}
	}
	service, ok := calledService(name)
	if !ok {
		return state{}
	}
	made, err := m.absentCluster(s.stream.client.TLSMode, service)
	return state{resource: made, keep: err != nil}
}

// absentCluster returns the cluster of a name that is no service, as a lane address. It is
// made once for all who name it: a client can name thousands.
func (m *moment) absentCluster(mode xdsresource.TLSMode, service route.Service) (*resource, error) {
	name, routed := outboundName(service), m.routing.mayRoute(service)
	return m.absent.make(assignmentKey{name, fmt.Sprint(mode, routed)}, func() (*resource, error) {
		info := infoOf(service)
		made, err := m.builders.clusters(options(info.Namespace, services{info.ServiceKey: info}, core.TrafficDirection_OUTBOUND), mode, routed)
		return made[name], err
	})
}

// infoOf returns what there is to say of a name that the registry does not have.
func infoOf(name route.Service) *xdsresource.ServiceInfo {
	return &xdsresource.ServiceInfo{
		Name: name.Name, Namespace: name.Namespace, ServiceKey: model.ServiceKey{Namespace: name.Namespace, Name: name.Name},
	}
}

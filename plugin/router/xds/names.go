package xds

import (
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// The directions in names of clusters.
var (
	inbound  = core.TrafficDirection_INBOUND.String()
	outbound = core.TrafficDirection_OUTBOUND.String()
)

// outboundName returns the name of the cluster of a service, as the stock listener has it.
func outboundName(service route.Service) string {
	return outbound + "|" + service.Namespace + "|" + service.Name
}

// calledService returns the service that a cluster is for. ok is false for clusters that
// lead to no service, as those of a sidecar to its own program.
func calledService(cluster string) (service route.Service, ok bool) {
	direction, rest, _ := strings.Cut(cluster, "|")
	namespace, name, ok := strings.Cut(rest, "|")
	return route.Service{Namespace: namespace, Name: name}, ok && direction == outbound
}

// namedService returns the service that a gRPC client names as xds:///name.namespace or
// as xds:///namespace/name. Names of services have dots, so that the last dot counts.
// Without a dot and a slash the namespace is empty, and there is no such service.
func namedService(listener string) route.Service {
	if namespace, name, ok := strings.Cut(listener, "/"); ok {
		return route.Service{Namespace: namespace, Name: name}
	}
	dot := strings.LastIndex(listener, ".")
	if dot < 0 {
		return route.Service{Name: listener}
	}
	return route.Service{Namespace: listener[dot+1:], Name: listener[:dot]}
}

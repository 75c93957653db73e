package xds

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// How a sidecar checks the programs beside it, as the stock listener tells it to.
const (
	defaultTTL           = 10 // seconds between heartbeats, at most
	checkTimeout         = time.Second
	checkInterval        = 5 * time.Second
	checksUntilHealthy   = 1
	checksUntilUnhealthy = 2
)

// program is a port of a service beside a sidecar.
type program struct {
	service  *xdsresource.RegisterService
	protocol string
	port     uint32
}

// programsOf returns what a sidecar says of the programs beside it, in a fixed order. It
// fails for a port that is none.
func programsOf(client *xdsresource.XDSClient) ([]program, error) {
	var out []program
	for _, s := range client.GetRegisterServices() {
		if s == nil {
			continue
		}
		for _, protocol := range slices.Sorted(maps.Keys(s.Ports)) {
			for _, port := range s.Ports[protocol] {
				if port < 1 || port > 65535 {
					return nil, status.Errorf(codes.InvalidArgument, "service %.100q has port %d, expected 1 to 65535", s.Name, port)
				}
				out = append(out, program{s, protocol, uint32(port)})
			}
		}
	}
	return out, nil
}

// newInstance returns what Polaris knows an instance by.
func newInstance(space, name, host string, port uint32) *apiservice.Instance {
	return &apiservice.Instance{
		Namespace: wrapperspb.String(space), Service: wrapperspb.String(name), Host: wrapperspb.String(host), Port: wrapperspb.UInt32(port),
	}
}

// instancesOf returns the instances that a sidecar registers, as the stock listener makes
// them.
func instancesOf(client *xdsresource.XDSClient) ([]*apiservice.Instance, error) {
	programs, err := programsOf(client)
	if err != nil {
		return nil, err
	}
	var out []*apiservice.Instance
	for _, p := range programs {
		i := newInstance(client.GetSelfNamespace(), p.service.Name, client.IPAddr, p.port)
		if l := client.Node.GetLocality(); l != nil {
			i.Location = &apimodel.Location{Region: wrapperspb.String(l.Region), Zone: wrapperspb.String(l.Zone), Campus: wrapperspb.String(l.SubZone)}
		}
		if client.Version != "" {
			i.Version = wrapperspb.String(client.Version)
		}
		if p.protocol != "" {
			i.Protocol = wrapperspb.String(p.protocol)
		}
		ttl := p.service.HealthCheckTtl
		if ttl == 0 {
			ttl = defaultTTL
		}
		i.EnableHealthCheck = wrapperspb.Bool(true)
		i.HealthCheck = &apiservice.HealthCheck{
			Type: apiservice.HealthCheck_HEARTBEAT, Heartbeat: &apiservice.HeartbeatHealthCheck{Ttl: wrapperspb.UInt32(uint32(ttl))},
		}
		i.Metadata = p.metadata(client)
		out = append(out, i)
	}
	return out, nil
}

// metadata returns the metadata of a program's instance.
func (p program) metadata(client *xdsresource.XDSClient) map[string]string {
	out := map[string]string{model.MetadataRegisterFrom: protocol}
	if p.service.HealthCheckPath != "" {
		out[model.MetadataInternalMetaHealthCheckPath] = p.service.HealthCheckPath
	}
	if p.service.TracingSampling > 0 {
		out[model.MetadataInternalMetaTraceSampling] = strconv.Itoa(int(p.service.TracingSampling))
	}
	maps.Copy(out, client.Metadata)
	return out
}

// healthChecks returns how a sidecar checks the programs beside it, and how often it
// reports.
func healthChecks(client *xdsresource.XDSClient) *healthservice.HealthCheckSpecifier {
	programs, _ := programsOf(client) // what a sidecar may not say was refused before
	out := &healthservice.HealthCheckSpecifier{}
	interval := defaultTTL
	for _, p := range programs {
		if ttl := p.service.HealthCheckTtl; ttl > 0 {
			interval = min(interval, ttl)
		}
		out.ClusterHealthChecks = append(out.ClusterHealthChecks, &healthservice.ClusterHealthCheck{
			ClusterName:  checkedCluster(p),
			HealthChecks: []*core.HealthCheck{p.check()},
			LocalityEndpoints: []*healthservice.LocalityEndpoints{{Endpoints: []*endpoint.Endpoint{{
				Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
					Address: client.IPAddr, PortSpecifier: &core.SocketAddress_PortValue{PortValue: p.port},
				}}},
			}}}},
		})
	}
	if len(programs) > 0 {
		out.Interval = durationpb.New(time.Duration(interval) * time.Second)
	}
	return out
}

// check returns the check of a program: by HTTP if the program has a path for it.
func (p program) check() *core.HealthCheck {
	out := &core.HealthCheck{
		Timeout: durationpb.New(checkTimeout), Interval: durationpb.New(checkInterval),
		HealthyThreshold: wrapperspb.UInt32(checksUntilHealthy), UnhealthyThreshold: wrapperspb.UInt32(checksUntilUnhealthy),
		HealthChecker: &core.HealthCheck_TcpHealthCheck_{TcpHealthCheck: &core.HealthCheck_TcpHealthCheck{}},
	}
	if path := p.service.HealthCheckPath; path != "" {
		out.HealthChecker = &core.HealthCheck_HttpHealthCheck_{HttpHealthCheck: &core.HealthCheck_HttpHealthCheck{Path: path}}
	}
	return out
}

// checkedCluster returns the name of the cluster in which a sidecar checks a program:
// INBOUND|PORT|SERVICE.
func checkedCluster(p program) string {
	name := inbound + "|" + strconv.Itoa(int(p.port))
	if p.service.Name != "" {
		name += "|" + p.service.Name
	}
	return name
}

// reportedService returns the name of the service that a report about a cluster is about. A
// node that says nothing of its services has one.
func reportedService(client *xdsresource.XDSClient, cluster string) string {
	if parts := strings.SplitN(cluster, "|", 3); len(parts) == 3 && parts[2] != "" {
		return parts[2]
	}
	return client.GetSelfService()
}

package xds

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// services are the services of a namespace.
type services map[model.ServiceKey]*xdsresource.ServiceInfo

// registry reads the services of the Polaris server, as the stock listener does.
type registry struct {
	naming service.DiscoverServer // without auth, which xDS has not
}

// read returns the services of each namespace. What has not changed since the catalog
// before is taken from it.
func (r registry) read(before *catalog) (map[string]services, error) {
	out := map[string]services{}
	for _, n := range r.naming.Cache().Namespace().GetNamespaceList() {
		out[n.Name] = services{}
	}
	var all []*model.Service
	err := r.naming.Cache().Service().IteratorServices(func(_ string, s *model.Service) (bool, error) {
		all = append(all, s)
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("the services: %w", err)
	}
	for _, s := range all {
		if out[s.Namespace] == nil {
			out[s.Namespace] = services{}
		}
		info, err := r.info(s, before)
		if err != nil {
			return nil, fmt.Errorf("service %s/%s: %w", s.Namespace, s.Name, err)
		}
		if info != nil {
			out[s.Namespace][info.ServiceKey] = info
		}
	}
	return out, nil
}

// info returns what is known of a service, nil where the service is gone again.
func (r registry) info(s *model.Service, before *catalog) (*xdsresource.ServiceInfo, error) {
	old := &xdsresource.ServiceInfo{}
	if known := before.service(route.Service{Namespace: s.Namespace, Name: s.Name}); known != nil {
		old = known.info
	}
	caches := r.naming.Cache()
	info := *old
	info.ID, info.Name, info.Namespace = s.ID, s.Name, s.Namespace
	info.ServiceKey = model.ServiceKey{Namespace: s.Namespace, Name: s.Name}
	info.AliasFor = caches.Service().GetAliasFor(s.Name, s.Namespace)
	id := s.ID
	if info.AliasFor != nil {
		id = info.AliasFor.ID
	}
	info.Ports = slices.SortedFunc(slices.Values(caches.Instance().GetServicePorts(id)), func(a, b *model.ServicePort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	rules, err := caches.RoutingConfig().GetRouterConfigV2("", s.Name, s.Namespace)
	if err != nil {
		return nil, fmt.Errorf("its routing rules: %w", err)
	}
	info.Routing, info.SvcRoutingRevision = rules, rules.GetRevision().GetValue()
	if gone, err := r.addInstances(&info); gone || err != nil {
		return nil, err
	}
	return &info, r.addRules(&info)
}

// ask asks the discovery interface about a service, of which a revision is known. It
// returns nil where nothing has changed.
func ask(info *xdsresource.ServiceInfo, revision string, discover func(context.Context, *apiservice.Service) *apiservice.DiscoverResponse) (*apiservice.DiscoverResponse, error) {
	resp := discover(context.Background(), &apiservice.Service{
		Name: wrapperspb.String(info.Name), Namespace: wrapperspb.String(info.Namespace), Revision: wrapperspb.String(cmp.Or(revision, "-1")),
	})
	switch apimodel.Code(resp.GetCode().GetValue()) {
	case apimodel.Code_DataNoChange:
		return nil, nil
	case apimodel.Code_ExecuteSuccess:
		return resp, nil
	}
	return resp, fmt.Errorf("the server answers with code %d: %s", resp.GetCode().GetValue(), resp.GetInfo().GetValue())
}

// addInstances adds the instances of a service. It reports whether the service is gone.
func (r registry) addInstances(info *xdsresource.ServiceInfo) (gone bool, err error) {
	resp, err := ask(info, info.SvcInsRevision, func(ctx context.Context, s *apiservice.Service) *apiservice.DiscoverResponse {
		return r.naming.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, s)
	})
	switch {
	case resp == nil:
		return false, err
	case apimodel.Code(resp.GetCode().GetValue()) == apimodel.Code_NotFoundResource:
		return true, nil
	case err != nil:
		return false, fmt.Errorf("its instances: %w", err)
	}
	if len(resp.Instances) == 0 && len(info.Instances) == 0 && info.SvcInsRevision != "" {
		return false, nil // a service that never had instances has another revision each time
	}
	info.Instances, info.SvcInsRevision = sorted(resp.Instances), resp.GetService().GetRevision().GetValue()
	return false, nil
}

// sorted sorts instances by their ids: the server has them in no order.
func sorted(list []*apiservice.Instance) []*apiservice.Instance {
	slices.SortFunc(list, func(a, b *apiservice.Instance) int { return cmp.Compare(a.GetId().GetValue(), b.GetId().GetValue()) })
	return list
}

// addRules adds what the stock listener makes clusters of: rate limits, circuit breakers
// and fault detection.
func (r registry) addRules(info *xdsresource.ServiceInfo) error {
	limits, err := ask(info, info.SvcRateLimitRevision, r.naming.GetRateLimitWithCache)
	if err != nil {
		return fmt.Errorf("its rate limits: %w", err)
	}
	if limits != nil {
		info.RateLimit, info.SvcRateLimitRevision = limits.RateLimit, limits.GetRateLimit().GetRevision().GetValue()
	}
	breakers, err := ask(info, info.CircuitBreakerRevision, r.naming.GetCircuitBreakerWithCache)
	if err != nil {
		return fmt.Errorf("its circuit breakers: %w", err)
	}
	if breakers != nil {
		info.CircuitBreaker, info.CircuitBreakerRevision = breakers.CircuitBreaker, breakers.GetCircuitBreaker().GetRevision().GetValue()
	}
	detection, err := ask(info, info.FaultDetectRevision, r.naming.GetFaultDetectWithCache)
	if err != nil {
		return fmt.Errorf("its fault detection: %w", err)
	}
	if detection != nil {
		info.FaultDetect, info.FaultDetectRevision = detection.FaultDetector, detection.GetFaultDetector().GetRevision()
	}
	return nil
}

package eureka

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// routing is what the front asks of the server.
type routing interface {
	// AddressOf returns the address of the caller of a request. The address is invalid
	// where the caller cannot be told.
	AddressOf(*http.Request) netip.Addr
	// CallerOf is AddressOf for a request whose answer has instances.
	CallerOf(*http.Request) netip.Addr
	// Routed returns the list of a caller. The list is nil where the stock list
	// stands. An error says that the caller gets no list.
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error)
	// MayRouteIn reports whether some caller may get another list than the stock one of
	// some service in a namespace.
	MayRouteIn(namespace string) bool
	// Fault counts and logs a fault. Fault returns nil where the stock answer is to
	// be sent.
	Fault(what string, err error) error
	services() cachetypes.ServiceCache
	instances() cachetypes.InstanceCache
}

// serverRouting is the routing of a running server.
type serverRouting struct{ *router.Server }

func (s serverRouting) services() cachetypes.ServiceCache   { return s.Caches().Service() }
func (s serverRouting) instances() cachetypes.InstanceCache { return s.Caches().Instance() }

// application is an application with the instances of which a caller is shown those that
// are healthy. The instances are shared: read only.
type application struct {
	name      string
	instances []*apiservice.Instance
	// revision names the lists that were made for the caller: equal lists have an equal
	// revision.
	revision string
	// isRegistered is true where instances has all that is registered of a service.
	isRegistered bool
}

// applications returns the applications of services as the caller of a query should see
// them, in the order of their names.
func (f *front) applications(q query, byApp map[string][]*model.Service) (apps []application, err error) {
	defer observe.Recovered(&err)
	apps = make([]application, 0, len(byApp))
	for _, name := range slices.Sorted(maps.Keys(byApp)) {
		app := application{name: name}
		for _, s := range byApp[name] {
			list, err := f.routing.Routed(q.caller, serviceName(s))
			switch {
			case err != nil:
				return nil, err
			case list == nil:
				app.add(f.registered(s))
				app.isRegistered = true
			default:
				app.add(list.Instances)
				app.revision += list.GetService().GetRevision().GetValue()
			}
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// add adds instances of a service. The first ones are not copied.
func (a *application) add(instances []*apiservice.Instance) {
	if a.instances == nil {
		a.instances = instances[:len(instances):len(instances)]
		return
	}
	a.instances = append(a.instances, instances...)
}

// registered returns the instances of a service.
func (f *front) registered(s *model.Service) []*apiservice.Instance {
	all := f.routing.instances().GetInstancesByServiceID(s.ID)
	out := make([]*apiservice.Instance, 0, len(all))
	for _, i := range all {
		out = append(out, i.Proto)
	}
	return out
}

// servicesByApp returns the services of a namespace that have instances, by the
// name of their application in Eureka: the service's name in upper case. An
// application has several services where names differ in case only; the stock
// listener then shows one of them. Where the query names an application, the others
// are left out.
func (f *front) servicesByApp(q query) map[string][]*model.Service {
	byApp := map[string][]*model.Service{}
	_ = f.routing.services().IteratorServices(func(_ string, s *model.Service) (bool, error) {
		if s.Namespace != q.namespace {
			return true, nil
		}
		if app := strings.ToUpper(s.Name); (q.app == "" || q.app == app) && f.instanceCount(s) > 0 {
			byApp[app] = append(byApp[app], s)
		}
		return true, nil
	})
	return byApp
}

func (f *front) instanceCount(s *model.Service) int {
	return int(f.routing.instances().GetInstancesCountByServiceID(s.ID).TotalInstanceCount)
}

// ownInstance returns the instance that a query names, where the instance is at the
// caller's own address and healthy. A client that is not in its own view learns its
// status from this.
func (f *front) ownInstance(q query, byApp map[string][]*model.Service) []block {
	if q.instance == "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(byApp)) {
		for _, s := range byApp[name] {
			for _, i := range f.registered(s) {
				host, err := netip.ParseAddr(strings.Trim(i.GetHost().GetValue(), "[]"))
				if err == nil && host.Unmap() == q.caller && isShown(i) && q.asksFor(i, name) {
					return []block{{name: name, instances: []*apiservice.Instance{i}, action: eurekaserver.ActionAdded}}
				}
			}
		}
	}
	return nil
}

func serviceName(s *model.Service) route.Service {
	return route.Service{Namespace: s.Namespace, Name: s.Name}
}

// modified returns when an instance changed last, which its record does not tell; the
// zero time where the instance is not registered any more.
func (f *front) modified(i *apiservice.Instance) (t time.Time) {
	if registered := f.routing.instances().GetInstance(i.GetId().GetValue()); registered != nil {
		t = registered.ModifyTime
	}
	return t
}

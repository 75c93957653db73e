package eureka

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// routing is what the filter asks of the server.
type routing interface {
	// CallerOf returns the address of the caller of a request.
	CallerOf(*http.Request) netip.Addr
	// Routed returns the list of a caller. It is not ok where the stock list
	// stands.
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, ok bool)
	services() cachetypes.ServiceCache
	instances() cachetypes.InstanceCache
}

// serverRouting is the routing of a running server.
type serverRouting struct{ *router.Server }

func (s serverRouting) services() cachetypes.ServiceCache   { return s.Caches().Service() }
func (s serverRouting) instances() cachetypes.InstanceCache { return s.Caches().Instance() }

// filter keeps of a document what a caller should use.
type filter struct{ routing routing }

// document returns the document for the caller of a query, and reports whether
// it differs from the stock document.
func (f filter) document(stock *document, q query) (filtered document, changed bool, err error) {
	onlyApp := ""
	if stock.kind != kindApplications {
		onlyApp = stock.apps[0].name
	}
	services := f.servicesByApp(q.namespace, onlyApp)
	filtered = *stock
	filtered.apps = make([]application, 0, len(stock.apps))
	for _, app := range stock.apps {
		if list := f.callerList(services[app.name], q.caller); list != nil {
			var appChanged bool
			if app.instances, appChanged, err = f.choose(stock, app, list, q); err != nil {
				return filtered, false, err
			}
			changed = changed || appChanged
		}
		if len(app.instances) > 0 {
			filtered.apps = append(filtered.apps, app)
		}
	}
	if changed {
		filtered.hashcode = hashcode(filtered.apps)
	}
	return filtered, changed, nil
}

// choose returns the instances of an application that the caller should use, in
// the form of the document, and reports whether they differ from the stock ones.
// An instance stays as the stock listener shows it. Where the stock listener does
// not show an instance yet, or shows it in another status, the instance is
// written anew.
func (f filter) choose(stock *document, app application, list callerList, q query) (chosen []instance, changed bool, err error) {
	shown := make(map[string]bool, len(app.instances))
	var stale []*apiservice.Instance
	for _, i := range app.instances {
		shown[i.id] = true
		wanted, ok := list[i.id]
		switch {
		case !ok:
			changed = true
		case wanted != nil && i.isUp() == wanted.GetIsolate().GetValue():
			stale = append(stale, wanted)
		default:
			chosen = append(chosen, i)
		}
	}
	if stock.kind != kindInstance {
		for id, wanted := range list {
			if wanted.GetHealthy().GetValue() && !shown[id] {
				stale = append(stale, wanted)
			}
		}
	}
	written, err := f.writeAnew(stale, app.name, stock.isXML, q)
	return append(chosen, written...), changed || len(stale) > 0, err
}

// writeAnew returns instances as the registry has them now. It leaves out those
// that are not healthy, as the stock listener does, and those that the query does
// not ask for.
func (f filter) writeAnew(stale []*apiservice.Instance, appName string, isXML bool, q query) ([]instance, error) {
	var written []instance
	for _, i := range stale {
		registered := f.routing.instances().GetInstance(i.GetId().GetValue())
		if registered == nil || !registered.Healthy() {
			continue
		}
		info := newInstanceInfo(appName, registered)
		if !q.asksFor(info) {
			continue
		}
		anew, err := newInstance(info, isXML)
		if err != nil {
			return nil, err
		}
		written = append(written, anew)
	}
	return written, nil
}

// callerList has the instances of an application that a caller should use, by
// the id that Eureka has for them. A nil instance belongs to a service that is not
// routed: the application has another service that is. A nil list says that the
// stock instances stand.
type callerList map[string]*apiservice.Instance

// callerList returns the list of a caller for the services of one application.
func (f filter) callerList(services []*model.Service, caller netip.Addr) callerList {
	var list callerList
	var notRouted []*model.Service
	for _, s := range services {
		resp, ok := f.routing.Routed(caller, serviceName(s))
		if !ok {
			notRouted = append(notRouted, s)
			continue
		}
		if list == nil {
			list = make(callerList, len(resp.Instances))
		}
		for _, i := range resp.Instances {
			list[eurekaID(i)] = i
		}
	}
	if list == nil {
		return nil
	}
	for _, s := range notRouted {
		for _, i := range f.routing.instances().GetInstancesByServiceID(s.ID) {
			list[eurekaID(i.Proto)] = nil
		}
	}
	return list
}

// servicesByApp returns the services of a namespace that have instances, by the
// name of their application in Eureka: the service's name in upper case. An
// application has several services where names differ in case only; the stock
// listener then shows one of them. Where onlyApp is not empty, the other
// applications are left out.
func (f filter) servicesByApp(namespace, onlyApp string) map[string][]*model.Service {
	byApp := map[string][]*model.Service{}
	_ = f.routing.services().IteratorServices(func(_ string, s *model.Service) (bool, error) {
		if s.Namespace == namespace && (onlyApp == "" || strings.EqualFold(onlyApp, s.Name)) && f.instanceCount(s) > 0 {
			app := strings.ToUpper(s.Name)
			byApp[app] = append(byApp[app], s)
		}
		return true, nil
	})
	return byApp
}

// narrowsAny reports whether the caller's list of some application is not the
// whole application.
func (f filter) narrowsAny(q query) bool {
	for _, services := range f.servicesByApp(q.namespace, "") {
		for _, s := range services {
			resp, ok := f.routing.Routed(q.caller, serviceName(s))
			if ok && !f.isWhole(resp.Instances, s) {
				return true
			}
		}
	}
	return false
}

// isWhole reports whether a list has all instances of a service and no others.
// The list of a lane address has the instances of another service.
func (f filter) isWhole(list []*apiservice.Instance, s *model.Service) bool {
	return len(list) == f.instanceCount(s) && !slices.ContainsFunc(list, func(i *apiservice.Instance) bool {
		registered := f.routing.instances().GetInstance(i.GetId().GetValue())
		return registered == nil || registered.ServiceID != s.ID
	})
}

func (f filter) instanceCount(s *model.Service) int {
	return int(f.routing.instances().GetInstancesCountByServiceID(s.ID).TotalInstanceCount)
}

func serviceName(s *model.Service) route.Service {
	return route.Service{Namespace: s.Namespace, Name: s.Name}
}

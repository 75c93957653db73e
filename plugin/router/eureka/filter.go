package eureka

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// routing is what the filter asks of the server.
type routing interface {
	CallerOf(*http.Request) netip.Addr
	// Routed is the list of a caller, not ok where the stock one stands.
	Routed(netip.Addr, route.Service) (*apiservice.DiscoverResponse, bool)
	services() cachetypes.ServiceCache
	instances() cachetypes.InstanceCache
}

// live is the routing of a running server.
type live struct{ *router.Server }

func (l live) services() cachetypes.ServiceCache   { return l.Caches().Service() }
func (l live) instances() cachetypes.InstanceCache { return l.Caches().Instance() }

type filter struct{ routing }

// applications are the services with instances of a namespace, by the name
// that Eureka has for them: that in upper case. There are several under one
// name where services differ in case only; the stock listener then shows one
// of them. A name asked for is the only one in the result.
func (f filter) applications(namespace, name string) map[string][]*model.Service {
	out := map[string][]*model.Service{}
	_ = f.services().IteratorServices(func(_ string, s *model.Service) (bool, error) {
		if s.Namespace == namespace && (name == "" || strings.EqualFold(name, s.Name)) &&
			f.instances().GetInstancesCountByServiceID(s.ID).TotalInstanceCount > 0 {
			app := strings.ToUpper(s.Name)
			out[app] = append(out[app], s)
		}
		return true, nil
	})
	return out
}

// narrows tells whether the caller's list of any application is another than
// all of its instances.
func (f filter) narrows(q query) bool {
	for _, services := range f.applications(q.namespace, "") {
		for _, s := range services {
			resp, ok := f.Routed(q.caller, route.Service{Namespace: s.Namespace, Name: s.Name})
			if ok && !f.isWhole(resp.Instances, s) {
				return true
			}
		}
	}
	return false
}

// isWhole tells whether a list is all instances of a service; that of a lane
// address has those of another one.
func (f filter) isWhole(list []*apiservice.Instance, s *model.Service) bool {
	return len(list) == int(f.instances().GetInstancesCountByServiceID(s.ID).TotalInstanceCount) &&
		!slices.ContainsFunc(list, func(i *apiservice.Instance) bool {
			now := f.instances().GetInstance(i.GetId().GetValue())
			return now == nil || now.ServiceID != s.ID
		})
}

// apply is the document for the caller, and whether it is another one.
func (f filter) apply(d *document, q query) (out document, changed bool, err error) {
	name := ""
	if d.kind != kindApplications {
		name = d.apps[0].name
	}
	services := f.applications(q.namespace, name)
	out = *d
	out.apps = make([]application, 0, len(d.apps))
	for _, a := range d.apps {
		list := f.list(services[a.name], q.caller)
		if list != nil {
			kept, err := f.keep(d, a, list, q)
			if err != nil {
				return out, false, err
			}
			changed = changed || kept.changed
			a.instances = kept.instances
		}
		if len(a.instances) > 0 {
			out.apps = append(out.apps, a)
		}
	}
	if changed {
		out.hash = hashcode(out.apps)
	}
	return out, changed, nil
}

// list is what the caller should use of an application, by the id that Eureka
// has for it; nil: what the stock listener shows. An instance without a value
// is one of a service that is not routed, beside one that is.
func (f filter) list(services []*model.Service, caller netip.Addr) map[string]*apiservice.Instance {
	var out map[string]*apiservice.Instance
	var others []*model.Service
	for _, s := range services {
		resp, ok := f.Routed(caller, route.Service{Namespace: s.Namespace, Name: s.Name})
		if !ok {
			others = append(others, s)
			continue
		}
		if out == nil {
			out = make(map[string]*apiservice.Instance, len(resp.Instances))
		}
		for _, i := range resp.Instances {
			out[idOf(i)] = i
		}
	}
	if out == nil {
		return nil
	}
	for _, s := range others {
		for _, i := range f.instances().GetInstancesByServiceID(s.ID) {
			out[idOf(i.Proto)] = nil
		}
	}
	return out
}

// idOf is the id that Eureka has for an instance.
func idOf(i *apiservice.Instance) string {
	if id, ok := i.GetMetadata()[eurekaserver.MetadataInstanceId]; ok {
		return id
	}
	return i.GetId().GetValue()
}

type kept struct {
	instances []instance
	changed   bool
}

// keep is the list in the form of the document: what the stock listener shows
// of it, and anew what it does not show yet, or shows in another status.
func (f filter) keep(d *document, a application, list map[string]*apiservice.Instance, q query) (kept, error) {
	var out kept
	shown := make(map[string]bool, len(a.instances))
	var missing []*apiservice.Instance
	for _, i := range a.instances {
		shown[i.id] = true
		want, ok := list[i.id]
		switch {
		case !ok:
			out.changed = true
		case want != nil && (i.status == eurekaserver.StatusUp) == want.GetIsolate().GetValue():
			missing = append(missing, want)
		default:
			out.instances = append(out.instances, i)
		}
	}
	if d.kind != kindInstance {
		for id, want := range list {
			if want.GetHealthy().GetValue() && !shown[id] {
				missing = append(missing, want)
			}
		}
	}
	for _, want := range missing {
		now := f.instances().GetInstance(want.GetId().GetValue())
		if now == nil || !now.Healthy() { // the stock listener shows healthy ones
			continue
		}
		info := describe(a.name, now)
		if !q.asksFor(info) {
			continue
		}
		i, err := newInstance(info, d.isXML)
		if err != nil {
			return out, err
		}
		out.instances = append(out.instances, i)
	}
	out.changed = out.changed || len(missing) > 0
	return out, nil
}

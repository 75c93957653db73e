package router

import (
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// names knows which services the server has.
type names struct {
	services func() cachetypes.ServiceCache
	// revision returns the stock revision of the instances of a service, by its
	// id. It is nil in tests that do without.
	revision func(serviceID string) string
}

// find returns what the server has under a name. Names are found as the stock
// server finds them: a service, an alias, or else services that other namespaces
// export.
func (n names) find(asked route.Service) route.Name {
	name, _ := n.findWithID(asked)
	return name
}

// findWithID is find. The id is that of the service, or of the service of the alias; it is
// empty where there is none.
func (n names) findWithID(asked route.Service) (route.Name, string) {
	services := n.services()
	found := services.GetServiceByName(asked.Name, asked.Namespace)
	if found == nil {
		exported := services.GetVisibleServicesInOtherNamespace(asked.Name, asked.Namespace)
		name := route.Name{Service: asked, Read: serviceNames(exported...)}
		if len(exported) > 0 {
			name.Metadata = exported[0].Meta
		}
		return name, ""
	}
	name := route.Name{Service: asked, Exists: true, Metadata: found.Meta}
	if found.IsAlias() {
		if source := services.GetServiceByID(found.Reference); source != nil {
			name.Read, name.Metadata = serviceNames(source), source.Meta
		}
		return name, found.Reference
	}
	return name, found.ID
}

// revisionOf returns the revision that the stock server has of a service now. It
// is empty where the stock server has no revision yet.
func (n names) revisionOf(source route.Service) string {
	if n.revision == nil {
		return ""
	}
	found := n.services().GetServiceByName(source.Name, source.Namespace)
	switch {
	case found == nil:
		return ""
	case found.IsAlias():
		return n.revision(found.Reference)
	}
	return n.revision(found.ID)
}

func serviceNames(services ...*model.Service) []route.Service {
	var out []route.Service
	for _, s := range services {
		out = append(out, route.Service{Namespace: s.Namespace, Name: s.Name})
	}
	return out
}

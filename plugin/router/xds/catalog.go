package xds

import (
	"maps"
	"slices"

	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// catalog has the resources of all services that are the same for every caller, as the
// stock listener makes them. It is immutable: refreshed returns the next one.
type catalog struct {
	namespaces map[string]*namespaceResources
	services   int
	isRead     bool // false before the registry has been read
}

// resources are resources by their names.
type resources map[string]*resource

// namespaceResources are the resources that the nodes of a namespace see.
type namespaceResources struct {
	services map[model.ServiceKey]*serviceResources
	byType   map[string]resources // but clusters
	clusters map[xdsresource.TLSMode]resources
}

// serviceResources are the resources of a service.
type serviceResources struct {
	info    *xdsresource.ServiceInfo
	routed  bool // some caller may get another list than the stock one
	byType  map[string]resources
	cluster map[xdsresource.TLSMode]resources
}

var tlsModes = []xdsresource.TLSMode{xdsresource.TLSModeNone, xdsresource.TLSModeStrict, xdsresource.TLSModePermissive}

// forNode returns the resources of a type that a node sees. It is nil where the node's
// namespace does not exist.
func (c *catalog) forNode(client *xdsresource.XDSClient, typeURL string) resources {
	n := c.namespaces[client.GetSelfNamespace()]
	switch {
	case n == nil:
		return nil
	case typeURL == typeCluster:
		return n.clusters[client.TLSMode]
	}
	return n.byType[typeURL]
}

// service returns the resources of a service, nil where there is none.
func (c *catalog) service(name route.Service) *serviceResources {
	n := c.namespaces[name.Namespace]
	if n == nil {
		return nil
	}
	return n.services[model.ServiceKey{Namespace: name.Namespace, Name: name.Name}]
}

// refreshed returns the catalog of namespaces as they are now. It shares with c what has not
// changed. MayRoute reports whether some caller may get another list of a service than the
// stock one.
func (c *catalog) refreshed(b builders, mayRoute func(route.Service) bool, namespaces map[string]services) (*catalog, error) {
	next := &catalog{namespaces: map[string]*namespaceResources{}, isRead: true}
	for namespace, infos := range namespaces {
		made, err := c.namespaces[namespace].refreshed(b, mayRoute, namespace, infos)
		if err != nil {
			return nil, err
		}
		next.namespaces[namespace] = made
		next.services += len(infos)
	}
	return next, nil
}

// refreshed returns the resources of a namespace with services; n is nil where the
// namespace is new.
func (n *namespaceResources) refreshed(b builders, mayRoute func(route.Service) bool, namespace string, infos services) (*namespaceResources, error) {
	next := &namespaceResources{services: make(map[model.ServiceKey]*serviceResources, len(infos))}
	changed, reroute := n == nil || len(n.services) != len(infos), n == nil || len(n.services) != len(infos)
	for key, info := range infos {
		var before *serviceResources
		if n != nil {
			before = n.services[key]
		}
		routed := mayRoute(route.Service{Namespace: key.Namespace, Name: key.Name})
		if before != nil && before.routed == routed && before.info.Equal(info) && routesAlike(before.info, info) {
			next.services[key] = before
			continue
		}
		changed = true
		reroute = reroute || before == nil || !routesAlike(before.info, info)
		made, err := b.service(info, routed)
		if err != nil {
			return nil, err
		}
		next.services[key] = made
	}
	if !changed {
		return n, nil
	}
	var routes resources
	if !reroute {
		routes = n.routes()
	} else {
		var err error
		if routes, err = b.routes(namespace, infos); err != nil {
			return nil, err
		}
	}
	next.gather(routes, b.passthrough)
	return next, nil
}

// routesAlike reports whether the routes to a service are the same.
func routesAlike(a, b *xdsresource.ServiceInfo) bool {
	samePort := func(a, b *model.ServicePort) bool { return *a == *b }
	sameSource := (a.AliasFor == nil) == (b.AliasFor == nil) && (a.AliasFor == nil || a.AliasFor.ID == b.AliasFor.ID)
	return a.SvcRoutingRevision == b.SvcRoutingRevision && sameSource && slices.EqualFunc(a.Ports, b.Ports, samePort)
}

// routes returns the routes to all services of a namespace, without those of a single one.
func (n *namespaceResources) routes() resources {
	out := maps.Clone(n.byType[typeRoute])
	for _, s := range n.services {
		for name := range s.byType[typeRoute] {
			delete(out, name)
		}
	}
	return out
}

// gather puts the resources of the services together. Routes are those to all services.
func (n *namespaceResources) gather(routes, passthrough resources) {
	n.byType, n.clusters = map[string]resources{typeRoute: maps.Clone(routes)}, map[xdsresource.TLSMode]resources{}
	for _, typeURL := range []string{typeEndpoint, typeHost} {
		n.byType[typeURL] = resources{}
	}
	for _, mode := range tlsModes {
		n.clusters[mode] = maps.Clone(passthrough)
	}
	for _, s := range n.services {
		for typeURL, made := range s.byType {
			maps.Copy(n.byType[typeURL], made)
		}
		for mode, made := range s.cluster {
			maps.Copy(n.clusters[mode], made)
		}
	}
}

package xds

import (
	"iter"
	"net/netip"
	"sync"
	"sync/atomic"

	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"github.com/polarismesh/polaris/service"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// world is what clients can ask for. It is safe for concurrent use.
type world struct {
	routing  routing
	builders builders
	read     func(before *catalog) (map[string]services, error) // the registry
	catalog  atomic.Pointer[catalog]
	updating sync.Mutex
	made     assignments
	absent   assignments // clusters of names that are no service
}

// mostAbsent bounds the clusters of names that are no service, which are kept for all clients
// together. A cluster has some hundred bytes.
const mostAbsent = 20_000

// newWorld returns the world of a routing and a registry, which read reads.
func newWorld(r routing, naming service.DiscoverServer, read func(before *catalog) (map[string]services, error)) (*world, error) {
	b, err := newBuilders(naming)
	w := &world{routing: r, builders: b, read: read, absent: assignments{most: mostAbsent}}
	w.catalog.Store(&catalog{})
	return w, err
}

// update reads the registry.
func (w *world) update() error {
	w.updating.Lock()
	defer w.updating.Unlock()
	before := w.catalog.Load()
	namespaces, err := w.read(before)
	if err != nil {
		return err
	}
	next, err := before.refreshed(w.builders, w.routing.mayRoute, namespaces)
	if err != nil {
		return err
	}
	w.catalog.Store(next)
	return nil
}

// now returns the world at this moment. The registry is read before anybody is answered;
// while that fails, there is no moment, and clients keep what they have.
func (w *world) now() (*moment, error) {
	if !w.catalog.Load().isRead {
		if err := w.update(); err != nil {
			return nil, err
		}
	}
	return &moment{world: w, catalog: w.catalog.Load()}, nil
}

// glance is now for a look at many callers, with one decision for each kind of caller and
// service.
func (w *world) glance() *moment {
	return &moment{world: w, catalog: w.catalog.Load(), look: w.routing.look(), elsewhere: map[string]state{}}
}

// moment is the world at a moment. It belongs to one goroutine.
type moment struct {
	*world
	catalog *catalog
	look    lookout // nil: each caller is decided by itself, and counts as one that asks
	// elsewhere are the stock assignments of names that the catalog does not have, where
	// many callers are looked at.
	elsewhere map[string]state
}

// decide returns what a caller gets of a service.
func (m *moment) decide(caller netip.Addr, service route.Service) (*view.Roads, error) {
	if m.look != nil {
		return m.look.Roads(caller, service)
	}
	return m.routing.roads(caller, service)
}

// find returns what a client should have under a name.
func (m *moment) find(s *subscription, name string) state {
	switch s.typeURL {
	case typeEndpoint:
		return m.endpoints(s.stream, name)
	case typeCluster:
		return m.cluster(s, name)
	case typeListener:
		return m.listener(s, name)
	}
	for seen := range m.seen(s) {
		if r := seen[name]; r != nil {
			return state{resource: r}
		}
	}
	return state{}
}

// seen returns all resources of a type that a node sees.
func (m *moment) seen(s *subscription) iter.Seq[resources] {
	return func(yield func(resources) bool) {
		if s.typeURL == typeListener {
			yield(s.stream.listeners)
			return
		}
		if !yield(m.catalog.forNode(s.stream.client, s.typeURL)) || s.typeURL != typeRoute {
			return
		}
		routes, err := m.builders.gatewayRoutes(s.stream.client)
		if err != nil {
			logRegistry(err)
		}
		yield(routes)
	}
}

// namesFor returns the names of all resources of a type that a node sees.
func (m *moment) namesFor(s *subscription) iter.Seq[string] {
	return func(yield func(string) bool) {
		for seen := range m.seen(s) {
			for name := range seen {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// hasName reports whether a node sees a resource among all of a type.
func (m *moment) hasName(s *subscription, name string) bool {
	for seen := range m.seen(s) {
		if seen[name] != nil {
			return true
		}
	}
	return false
}

// isKnown reports whether a name stands for something that is there.
func (m *moment) isKnown(s *subscription, name string) bool {
	switch s.typeURL {
	case typeEndpoint, typeCluster:
		service, ok := calledService(name)
		return m.hasName(s, name) || ok && m.exists(service)
	case typeListener:
		return m.exists(namedService(name))
	}
	return m.hasName(s, name)
}

// exists reports whether there is a service, or a lane address, of a name.
func (m *moment) exists(name route.Service) bool {
	return m.catalog.service(name) != nil || m.routing.exists(name)
}

// endpoints returns the assignment of a cluster for a caller (docs/design.md, 6.1).
func (m *moment) endpoints(client *stream, name string) state {
	stock := m.stockEndpoints
	if isGRPC(client.node) {
		stock = m.stockList
	}
	service, ok := calledService(name)
	if !ok {
		return stock(name)
	}
	roads, err := m.decide(client.caller.addr, service)
	if roads == nil && err == nil {
		return stock(name)
	}
	var made *resource
	if err == nil {
		if made, err = m.made.of(name, roads); err != nil {
			err = m.routing.fault(name, err)
		}
	}
	switch {
	case err != nil:
		return state{keep: true}
	case made == nil:
		return stock(name)
	}
	return state{resource: made, roads: roads}
}

// stockEndpoints returns the assignment that is the same for every caller. A name that is no
// service has an empty one, so that its clients fail at once.
func (m *moment) stockEndpoints(name string) state {
	if n := m.catalog.namespaces[namespaceIn(name)]; n != nil && n.byType[typeEndpoint][name] != nil {
		return state{resource: n.byType[typeEndpoint][name]}
	}
	if found, ok := m.elsewhere[name]; ok {
		return found
	}
	made, err := m.endpointsElsewhere(name)
	if err != nil {
		logRegistry(err)
	}
	found := state{resource: made, keep: err != nil}
	if m.elsewhere != nil {
		m.elsewhere[name] = found
	}
	return found
}

// endpointsElsewhere returns the stock assignment of a name that the catalog does not have:
// of a lane address, of a service that another namespace exports or that came just now, and
// an empty one of a name that is no service.
func (m *moment) endpointsElsewhere(name string) (*resource, error) {
	service, ok := calledService(name)
	if !ok || !m.routing.exists(service) {
		return newResource(&endpoint.ClusterLoadAssignment{ClusterName: name})
	}
	info := infoOf(service)
	info.Instances = sorted(m.routing.stockInstances(service))
	made, err := m.builders.service(info, true)
	if err != nil {
		return nil, err
	}
	return made.byType[typeEndpoint][name], nil
}

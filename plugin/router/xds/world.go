package xds

import (
	"errors"
	"iter"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/polarismesh/polaris/service"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// world is what clients can ask for. It is safe for concurrent use.
type world struct {
	routing  routing
	registry registry
	catalog  atomic.Pointer[catalog]
	first    sync.Once
	made     assignments
}

func newWorld(r routing, naming service.DiscoverServer) (*world, error) {
	b, err := newBuilders(naming)
	w := &world{routing: r, registry: registry{naming: naming, builders: b, mayRoute: r.mayRoute}}
	w.catalog.Store(&catalog{})
	return w, err
}

// update reads the registry. One goroutine calls it at a time.
func (w *world) update() error {
	r := w.registry
	r.before = w.catalog.Load()
	next, err := r.before.refreshed(r)
	if err != nil {
		return err
	}
	w.catalog.Store(next)
	return nil
}

// now returns the world at this moment. The registry is read before anybody is answered.
func (w *world) now() *moment {
	w.first.Do(func() {
		if err := w.update(); err != nil {
			logRegistry(err)
		}
	})
	return &moment{world: w, catalog: w.catalog.Load()}
}

// glance is now for a look at many callers: each question is decided once.
func (w *world) glance() *moment {
	return &moment{world: w, catalog: w.catalog.Load(), decisions: map[question]decided{}}
}

// moment is the world at a moment. It belongs to one goroutine.
type moment struct {
	*world
	catalog *catalog
	// decisions are those of this moment, where many callers are looked at.
	decisions map[question]decided
}

// question is one caller and one service.
type question struct {
	caller  netip.Addr
	service route.Service
}

// decided is what a caller gets of a service.
type decided struct {
	roads *view.Roads // nil: the stock list
	err   error       // no list
}

// decide returns what a caller gets of a service.
func (m *moment) decide(caller netip.Addr, service route.Service) decided {
	q := question{caller, service}
	if d, ok := m.decisions[q]; ok {
		return d
	}
	var d decided
	d.roads, d.err = m.routing.roads(caller, service)
	if m.decisions != nil {
		m.decisions[q] = d
	}
	return d
}

// find returns what a client should have under a name.
func (m *moment) find(s *subscription, name string) state {
	switch s.typeURL {
	case typeEndpoint:
		return m.endpoints(s.stream.caller.addr, name)
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
		routes, err := m.registry.builders.gatewayRoutes(s.stream.client)
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
func (m *moment) endpoints(caller netip.Addr, name string) state {
	service, ok := calledService(name)
	if ok && m.routing.mayRoute(service) {
		d := m.decide(caller, service)
		switch {
		case d.err != nil:
			return state{keep: true}
		case d.roads != nil:
			made, err := m.made.of(name, d.roads)
			if err == nil {
				return state{resource: made, roads: d.roads}
			}
			if errors.Is(m.routing.fault(name, err), router.ErrNoList) {
				return state{keep: true}
			}
		}
	}
	return m.stockEndpoints(name, service)
}

// stockEndpoints returns the assignment that is the same for every caller. A name that is no
// service has an empty one, so that its clients fail at once.
func (m *moment) stockEndpoints(name string, service route.Service) state {
	if n := m.catalog.namespaces[namespaceIn(name)]; n != nil && n.byType[typeEndpoint][name] != nil {
		return state{resource: n.byType[typeEndpoint][name]}
	}
	made, err := m.made.empty(name)
	return state{resource: made, keep: err != nil}
}

package caller

import (
	"context"
	"net/netip"
	"time"

	"github.com/polarismesh/polaris/cache"
	"github.com/polarismesh/polaris/common/eventhub"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Where facts of the server's own records come from.
var (
	registryOrigin = &location.Origin{Source: location.SourceRegistry}
	reportOrigin   = &location.Origin{Source: location.SourceReport}
)

// sweepInterval bounds how long a lost event can leave an index wrong.
const sweepInterval = time.Minute

// Records are what the server's own records say of their hosts: what instances
// registered, and what SDK clients reported. Both are identity sources.
type Records struct {
	instances, clients *hostIndex
}

// NewRecords returns Records that know nothing until Follow.
func NewRecords() *Records { return &Records{newHostIndex(registryOrigin), newHostIndex(reportOrigin)} }

// Registry returns the source `registry`.
func (r *Records) Registry() location.Source { return r.instances }

// Report returns the source `report`.
func (r *Records) Report() location.Source { return r.clients }

// InstancesAt returns what the instances at a normalised address registered, by the
// ids of the instances. The map is the caller's own.
func (r *Records) InstancesAt(addr netip.Addr) map[string]location.Record {
	return r.instances.at(addr)
}

// WithSeveralSETs returns the addresses at which instances that count registered
// different SETs, in no order.
func (r *Records) WithSeveralSETs() []netip.Addr { return r.instances.withSeveralSETs() }

// Follow keeps the records in step with the server's caches, for as long as the
// process lives. Polaris publishes an event after the cache has changed, in no
// certain order and several times: each event is a hint to look the record up.
func (r *Records) Follow(caches *cache.CacheManager) error {
	err := subscribe(eventhub.CacheInstanceEventTopic, func(e *eventhub.CacheInstanceEvent) {
		r.putInstance(e.Instance.ID(), caches.Instance().GetInstance(e.Instance.ID()))
	})
	if err != nil {
		return err
	}
	err = subscribe(eventhub.CacheClientEventTopic, func(e *eventhub.CacheClientEvent) {
		id := e.Client.Proto().GetId().GetValue()
		r.putClient(id, caches.Client().GetClient(id))
	})
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(sweepInterval) {
			observe.Safely("a sweep of hosts", func() { r.sweep(caches) })
		}
	}()
	return nil
}

// subscribe calls handle for each event of a type.
func subscribe[E any](topic string, handle func(E)) error {
	_, err := eventhub.SubscribeWithFunc(topic, func(_ context.Context, event any) error {
		if e, ok := event.(E); ok {
			observe.Safely("an event of "+topic, func() { handle(e) })
		}
		return nil
	})
	return err
}

// sweep makes the records equal to the caches.
func (r *Records) sweep(caches *cache.CacheManager) {
	for _, id := range r.instances.ids() {
		r.putInstance(id, caches.Instance().GetInstance(id))
	}
	_ = caches.Instance().IteratorInstances(func(id string, i *model.Instance) (bool, error) {
		r.putInstance(id, i)
		return true, nil
	})
	for _, id := range r.clients.ids() {
		r.putClient(id, caches.Client().GetClient(id))
	}
	caches.Client().IteratorClients(func(id string, c *model.Client) bool {
		r.putClient(id, c)
		return true
	})
}

func (r *Records) putInstance(id string, i *model.Instance) {
	if i == nil {
		r.instances.remove(id)
		return
	}
	facts, _ := location.Registered(wire.FromProto(i.Location()), i.Metadata())
	r.instances.put(id, i.Host(), location.Record{Location: facts.Location, SET: facts.SET, Healthy: i.Healthy()})
}

func (r *Records) putClient(id string, c *model.Client) {
	if c == nil {
		r.clients.remove(id)
		return
	}
	r.clients.put(id, c.Proto().GetHost().GetValue(), location.Record{Location: wire.FromProto(c.Proto().GetLocation()), Healthy: true})
}

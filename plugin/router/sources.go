package router

import (
	"context"
	"time"

	"github.com/polarismesh/polaris/cache"
	"github.com/polarismesh/polaris/common/eventhub"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Where facts of the server's own records come from.
var (
	registryPlace = &location.Origin{Source: location.SourceRegistry}
	reportPlace   = &location.Origin{Source: location.SourceReport}
)

// sweepInterval bounds how long a lost event can leave an index wrong.
const sweepInterval = time.Minute

// follow keeps the indexes by host beside the server's caches. Events come
// after the cache has changed, in no certain order and several times: each is a
// hint to look the record up.
func follow(caches *cache.CacheManager, instances, clients *hostIndex) error {
	err := on(eventhub.CacheInstanceEventTopic, func(e *eventhub.CacheInstanceEvent) {
		putInstance(instances, e.Instance.ID(), caches.Instance().GetInstance(e.Instance.ID()))
	})
	if err != nil {
		return err
	}
	err = on(eventhub.CacheClientEventTopic, func(e *eventhub.CacheClientEvent) {
		id := e.Client.Proto().GetId().GetValue()
		putClient(clients, id, caches.Client().GetClient(id))
	})
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(sweepInterval) {
			observe.Safely("a sweep of hosts", func() { sweep(caches, instances, clients) })
		}
	}()
	return nil
}

// on has f called for each event of a type.
func on[E any](topic string, f func(E)) error {
	_, err := eventhub.SubscribeWithFunc(topic, func(_ context.Context, event any) error {
		if e, ok := event.(E); ok {
			observe.Safely("an event of "+topic, func() { f(e) })
		}
		return nil
	})
	return err
}

// sweep makes the indexes equal to the caches.
func sweep(caches *cache.CacheManager, instances, clients *hostIndex) {
	for _, id := range instances.ids() {
		putInstance(instances, id, caches.Instance().GetInstance(id))
	}
	_ = caches.Instance().IteratorInstances(func(id string, i *model.Instance) (bool, error) {
		putInstance(instances, id, i)
		return true, nil
	})
	for _, id := range clients.ids() {
		putClient(clients, id, caches.Client().GetClient(id))
	}
	caches.Client().IteratorClients(func(id string, c *model.Client) bool {
		putClient(clients, id, c)
		return true
	})
}

func putInstance(x *hostIndex, id string, i *model.Instance) {
	if i == nil {
		x.remove(id)
		return
	}
	facts, _ := location.Registered(fromProto(i.Location()), i.Metadata())
	putFacts(x, id, i.Host(), facts, registryPlace)
}

func putClient(x *hostIndex, id string, c *model.Client) {
	if c == nil {
		x.remove(id)
		return
	}
	facts := location.Facts{Identity: location.Identity{Location: fromProto(c.Proto().GetLocation())}}
	putFacts(x, id, c.Proto().GetHost().GetValue(), facts, reportPlace)
}

func putFacts(x *hostIndex, id, host string, facts location.Facts, from *location.Origin) {
	addr, ok := hostAddr(host)
	if !ok {
		x.remove(id)
		return
	}
	facts.From(from)
	x.put(id, addr, facts)
}

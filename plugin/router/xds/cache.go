package xds

import (
	"context"
	"sync"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/pkg/server/stream/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// cache answers the requests of streams, when there is something to say. It is safe for
// concurrent use.
//
// A request that has no answer yet is a watch. Refresh looks at all watches.
type cache struct {
	streams *streams
	world   *world

	mu      sync.Mutex
	watches map[*watch]struct{}
}

var _ cachev3.Cache = (*cache)(nil)

// watch is an open request.
type watch struct {
	*subscription
	// offer offers an answer to the stream, and reports whether the stream takes it. A
	// stream whose client does not read has no room.
	offer func(found) bool
	due   bool // for an answer, even if nothing has changed
}

func newCache(s *streams, w *world) *cache {
	return &cache{streams: s, world: w, watches: map[*watch]struct{}{}}
}

// CreateWatch implements cachev3.ConfigWatcher.
func (c *cache) CreateWatch(r *discovery.DiscoveryRequest, _ streamv3.StreamState, answers chan cachev3.Response) func() {
	sub, m := c.subscription(r)
	if sub == nil {
		return nil
	}
	due := sub.update(r, func(name string) bool { return m.isKnown(sub, name) })
	if r.VersionInfo != "" && r.ResponseNonce == "" {
		due = due && !sub.resume(m, r.VersionInfo)
	}
	return c.add(m, &watch{subscription: sub, due: due, offer: func(f found) bool {
		answer := &response{request: r, answer: f.answer(sub), sent: func() { sub.versions = f.versions(); f.countSent() }}
		select {
		case answers <- answer:
			return true
		default:
			return false
		}
	}})
}

// CreateDeltaWatch implements cachev3.ConfigWatcher.
func (c *cache) CreateDeltaWatch(r *discovery.DeltaDiscoveryRequest, state streamv3.StreamState, answers chan cachev3.DeltaResponse) func() {
	sub, m := c.subscription(r)
	if sub == nil {
		return nil
	}
	sub.delta = true
	sub.all, sub.versions, sub.count = state.IsWildcard(), state.GetResourceVersions(), len(state.GetSubscribedResourceNames())
	sub.names = state.GetSubscribedResourceNames()
	if !state.IsFirst() { // a client that subscribes once more waits for an answer
		for _, name := range r.ResourceNamesSubscribe {
			delete(sub.versions, name)
		}
	}
	return c.add(m, &watch{subscription: sub, due: state.IsWildcard() && state.IsFirst(), offer: func(f found) bool {
		answer := &deltaResponse{request: r, answer: f.deltaAnswer(sub), versions: f.versions(), sent: f.countSent}
		select {
		case answers <- answer:
			return true
		default:
			return false
		}
	}})
}

// Fetch implements cachev3.ConfigFetcher.
func (c *cache) Fetch(context.Context, *discovery.DiscoveryRequest) (cachev3.Response, error) {
	return nil, status.Error(codes.Unimplemented, "resources are sent on streams")
}

// subscription returns the subscription of a request, and the moment of its answer. It
// returns nil for a type that the listener has not: nothing is ever sent for these, as by
// the stock listener.
func (c *cache) subscription(r interface {
	GetNode() *core.Node
	GetTypeUrl() string
}) (*subscription, *moment) {
	stream := c.streams.of(r.GetNode())
	if stream == nil || !isServed(r.GetTypeUrl()) {
		return nil, nil
	}
	m, err := c.world.now()
	if err != nil {
		logRegistry(err)
		m = &moment{world: c.world, catalog: c.world.catalog.Load()}
	}
	return stream.subscriptions[r.GetTypeUrl()], m
}

// add answers a request, or opens a watch. It returns what cancels the watch. Until the watch
// is there the request is the stream's alone: nobody waits for an answer to somebody else.
func (c *cache) add(m *moment, w *watch) func() {
	if m.serve(w) {
		return nil
	}
	c.mu.Lock()
	c.watches[w] = struct{}{}
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watches, w)
	}
}

// serve answers a request, if there is something to say.
func (m *moment) serve(w *watch) bool {
	if !m.canAnswer(w.subscription) {
		return false
	}
	if !w.due && !m.hasNews(w.subscription) {
		return false
	}
	return w.offer(m.collect(w.subscription))
}

// canAnswer reports whether it is known what there is. Until then clients keep what they
// have. A node that asks for everything in a namespace that does not exist gets no
// answer, as from the stock listener.
func (m *moment) canAnswer(s *subscription) bool {
	return m.catalog.isRead && (!s.all || m.catalog.namespaces[s.stream.client.GetSelfNamespace()] != nil)
}

// refresh answers the requests to which there is something new to say. A client hears of new
// clusters before it hears of routes to them: those come with the next call.
func (c *cache) refresh(m *moment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clusters := map[*stream]bool{}
	for _, early := range []bool{true, false} {
		for w := range c.watches {
			if (w.typeURL == typeCluster) != early || !early && w.typeURL != typeEndpoint && clusters[w.stream] {
				continue
			}
			if m.serve(w) {
				delete(c.watches, w)
				if early {
					clusters[w.stream] = true
				}
			}
		}
	}
}

// resume reports whether a client that comes back has all that it asks for: the version
// that it says is the present one. Resume notes what the client has.
func (s *subscription) resume(m *moment, version string) bool {
	if !m.canAnswer(s) {
		return false
	}
	f := m.collect(s)
	versions := f.versions()
	if versionOf(versions) != version {
		return false
	}
	s.versions = versions
	return true
}

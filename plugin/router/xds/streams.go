package xds

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	serverv3 "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Bounds of what one stream may make the server keep.
const (
	maxNode  = 256 << 10 // bytes of a node. Envoy's has some 40 KB, most of them extensions
	maxTypes = 16        // of resources
	// maxAbsent is how many names that are no service a stream may have of a type. A
	// sidecar names every service that exists, so that only the others are bounded.
	maxAbsent = 1000
)

// stream is what the listener knows of a client's stream.
type stream struct {
	typeURL string // of a stream for one type; empty for all types
	asker   asker
	// node is what the client said first, without what nobody reads. The server hands
	// this node to the cache with each request, by which the cache finds the stream.
	node   *core.Node
	client *xdsresource.XDSClient // node, as Polaris reads it
	caller caller

	listeners resources // of the node

	subscriptions map[string]*subscription // by type
}

// streamKey is a stream of the server, which counts both variants by themselves.
type streamKey struct {
	delta bool
	id    int64
}

// streams are the open streams. They are safe for concurrent use. What is in a stream
// belongs to the goroutine of the stream, which makes all calls for it.
type streams struct {
	world *world

	mu     sync.RWMutex
	byKey  map[streamKey]*stream
	byNode map[*core.Node]*stream
}

var _ serverv3.Callbacks = (*streams)(nil)

func newStreams(w *world) *streams {
	return &streams{world: w, byKey: map[streamKey]*stream{}, byNode: map[*core.Node]*stream{}}
}

// any reports whether a stream is open.
func (s *streams) any() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byKey) > 0
}

// of returns the stream of a node that the server has from next.
func (s *streams) of(node *core.Node) *stream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byNode[node]
}

func (s *streams) open(ctx context.Context, key streamKey, typeURL string) {
	str := &stream{typeURL: typeURL, asker: s.world.routing.asker(ctx), subscriptions: map[string]*subscription{}}
	s.mu.Lock()
	s.byKey[key] = str
	s.mu.Unlock()
	observe.XDSStreams.Inc()
}

func (s *streams) closed(key streamKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if str := s.byKey[key]; str != nil {
		delete(s.byKey, key)
		delete(s.byNode, str.node)
		observe.XDSStreams.Dec()
	}
}

// next returns the stream of a request, and its subscription to the type of the request. It
// refuses what no client sends that is in order.
func (s *streams) next(key streamKey, node *core.Node, typeURL string) (*stream, *subscription, error) {
	s.mu.RLock()
	str := s.byKey[key]
	s.mu.RUnlock()
	switch {
	case str == nil:
		return nil, nil, status.Error(codes.Internal, "there is no such stream")
	case str.node == nil:
		if err := s.begin(str, node); err != nil {
			return nil, nil, err
		}
	case node != nil && node != str.node && node.GetId() != str.node.GetId():
		return nil, nil, status.Errorf(codes.InvalidArgument, "the node id is %.100q, expected that of the first request, %.100q", node.GetId(), str.node.GetId())
	}
	sub, err := str.subscription(cmp.Or(typeURL, str.typeURL))
	return str, sub, err
}

// subscription returns the subscription of a stream to a type.
func (s *stream) subscription(typeURL string) (*subscription, error) {
	sub := s.subscriptions[typeURL]
	if sub == nil {
		if len(s.subscriptions) >= maxTypes {
			return nil, status.Errorf(codes.ResourceExhausted, "the stream asks for more than %d types of resources", maxTypes)
		}
		sub = &subscription{typeURL: typeURL, stream: s}
		s.subscriptions[typeURL] = sub
	}
	return sub, nil
}

// begin notes who is at the other end of a stream.
func (s *streams) begin(str *stream, node *core.Node) error {
	if size := proto.Size(node); size > maxNode {
		return status.Errorf(codes.InvalidArgument, "the node has %d bytes, expected at most %d", size, maxNode)
	}
	if node == nil {
		node = &core.Node{}
	}
	node.Extensions, node.ClientFeatures, node.UserAgentVersionType = nil, nil, nil
	str.node, str.client = node, xdsresource.ParseXDSClient(node)
	str.caller = str.asker.callerOf(str.client)
	if str.caller.disowned {
		s.world.routing.countOther(str.asker, str.client.IPAddr)
	}
	listeners, err := s.world.builders.listeners(str.client)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	str.listeners = listeners
	s.mu.Lock()
	s.byNode[node] = str
	s.mu.Unlock()
	return nil
}

// longestName is how many bytes a name may have. Polaris takes services with names of at
// most 128.
const longestName = 1024

// checkNames refuses names that no resource has: the server keeps the names of a stream.
func checkNames(lists ...[]string) error {
	for _, list := range lists {
		for _, name := range list {
			if len(name) > longestName {
				return status.Errorf(codes.InvalidArgument, "the name %.100q... has %d bytes, expected at most %d", name, len(name), longestName)
			}
		}
	}
	return nil
}

// OnStreamOpen implements serverv3.Callbacks.
func (s *streams) OnStreamOpen(ctx context.Context, id int64, typeURL string) error {
	s.open(ctx, streamKey{false, id}, typeURL)
	return nil
}

// OnStreamClosed implements serverv3.Callbacks.
func (s *streams) OnStreamClosed(id int64, _ *core.Node) { s.closed(streamKey{false, id}) }

// OnStreamRequest implements serverv3.Callbacks.
func (s *streams) OnStreamRequest(id int64, r *discovery.DiscoveryRequest) error {
	str, sub, err := s.next(streamKey{false, id}, r.Node, r.TypeUrl)
	if err != nil {
		return err
	}
	if err := checkNames(r.ResourceNames); err != nil {
		return err
	}
	if r.ErrorDetail != nil {
		countRejected(str, sub.typeURL, r.ErrorDetail.GetMessage())
	}
	r.Node = str.node
	return nil
}

// OnStreamResponse implements serverv3.Callbacks.
func (s *streams) OnStreamResponse(context.Context, int64, *discovery.DiscoveryRequest, *discovery.DiscoveryResponse) {
}

// OnDeltaStreamOpen implements serverv3.Callbacks.
func (s *streams) OnDeltaStreamOpen(ctx context.Context, id int64, typeURL string) error {
	s.open(ctx, streamKey{true, id}, typeURL)
	return nil
}

// OnDeltaStreamClosed implements serverv3.Callbacks.
func (s *streams) OnDeltaStreamClosed(id int64, _ *core.Node) { s.closed(streamKey{true, id}) }

// OnStreamDeltaRequest implements serverv3.Callbacks. The server keeps each name that a
// client subscribes to, so that their number is bounded here.
func (s *streams) OnStreamDeltaRequest(id int64, r *discovery.DeltaDiscoveryRequest) error {
	str, sub, err := s.next(streamKey{true, id}, r.Node, r.TypeUrl)
	if err != nil {
		return err
	}
	if !isServed(sub.typeURL) { // nothing is ever sent for it: its names need not be kept
		r.ResourceNamesSubscribe, r.InitialResourceVersions = nil, nil
	}
	if err := checkNames(r.ResourceNamesSubscribe, slices.Collect(maps.Keys(r.InitialResourceVersions)), slices.Collect(maps.Values(r.InitialResourceVersions))); err != nil {
		return err
	}
	m, err := s.world.now()
	if err != nil { // nobody can say how many services there are
		logRegistry(err)
		return status.Error(codes.Unavailable, "the services cannot be read at this moment")
	}
	most := 2*m.catalog.services + 5*maxAbsent // names of both directions; and some that went just now
	if n := sub.count + len(r.ResourceNamesSubscribe) + len(r.InitialResourceVersions); n > most {
		return status.Errorf(codes.ResourceExhausted, "the stream names %d resources, expected at most %d", n, most)
	}
	if r.ErrorDetail != nil {
		countRejected(str, sub.typeURL, r.ErrorDetail.GetMessage())
	}
	r.Node = str.node
	return nil
}

// OnStreamDeltaResponse implements serverv3.Callbacks.
func (s *streams) OnStreamDeltaResponse(int64, *discovery.DeltaDiscoveryRequest, *discovery.DeltaDiscoveryResponse) {
}

// OnFetchRequest implements serverv3.Callbacks.
func (s *streams) OnFetchRequest(context.Context, *discovery.DiscoveryRequest) error {
	return status.Error(codes.Unimplemented, "resources are sent on streams")
}

// OnFetchResponse implements serverv3.Callbacks.
func (s *streams) OnFetchResponse(*discovery.DiscoveryRequest, *discovery.DiscoveryResponse) {}

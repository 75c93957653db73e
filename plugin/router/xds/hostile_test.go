package xds

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// hostileStreams opens a stream in each variant, by which a test sends what it likes.
type hostileStream struct {
	send    func(node *core.Node, typeURL, nonce string, names ...string) error
	receive func() (resources int, err error)
	close   func()
}

func openHostile(t testing.TB, conn *grpc.ClientConn, delta bool) hostileStream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ads := discovery.NewAggregatedDiscoveryServiceClient(conn)
	if delta {
		s, err := ads.DeltaAggregatedResources(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return hostileStream{func(node *core.Node, typeURL, nonce string, names ...string) error {
			return s.Send(&discovery.DeltaDiscoveryRequest{Node: node, TypeUrl: typeURL, ResponseNonce: nonce, ResourceNamesSubscribe: names})
		}, func() (int, error) {
			r, err := s.Recv()
			return len(r.GetResources()), err
		}, cancel}
	}
	s, err := ads.StreamAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return hostileStream{func(node *core.Node, typeURL, nonce string, names ...string) error {
		return s.Send(&discovery.DiscoveryRequest{Node: node, TypeUrl: typeURL, ResponseNonce: nonce, ResourceNames: names})
	}, func() (int, error) {
		r, err := s.Recv()
		return len(r.GetResources()), err
	}, cancel}
}

func dialHostile(t testing.TB, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := polaristest.DialXDSConn(addr, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// manyNames returns names of services that do not exist.
func manyNames(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("OUTBOUND|default|absent-%d", i)
	}
	return out
}

// What no client sends that is in order ends the stream with an error that says why. The
// server goes on.
func TestHostileRequests(t *testing.T) {
	big, err := structpb.NewStruct(map[string]any{"a": strings.Repeat("x", maxNode)})
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		node    *core.Node
		typeURL string
		names   []string
	}
	var types []request
	for n := range maxTypes + 1 {
		types = append(types, request{sidecar, fmt.Sprintf("type.googleapis.com/unknown.%d", n), nil})
	}
	for _, tt := range []struct {
		name     string
		requests []request
		code     codes.Code
		want     string
		delta    bool // in this variant alone
	}{
		{name: "no type", requests: []request{{node: sidecar}}, code: codes.InvalidArgument, want: "type URL is required for ADS"},
		{name: "another node", requests: []request{{sidecar, typeCluster, nil}, {&core.Node{Id: "sidecar~default/b~10.1.0.1"}, typeCluster, nil}}, code: codes.InvalidArgument,
			want: `the node id is "sidecar~default/b~10.1.0.1", expected that of the first request, "sidecar~default/a~127.0.0.1"`},
		{name: "a node after none", requests: []request{{nil, typeCluster, nil}, {sidecar, typeCluster, nil}}, code: codes.InvalidArgument,
			want: `the node id is "sidecar~default/a~127.0.0.1", expected that of the first request, ""`},
		{name: "a large node", requests: []request{{&core.Node{Metadata: big}, typeCluster, nil}}, code: codes.InvalidArgument, want: "the node has 262163 bytes, expected at most 262144"},
		{name: "many types", requests: types, code: codes.ResourceExhausted, want: "the stream asks for more than 16 types of resources"},
		{name: "a long name", requests: []request{{sidecar, typeEndpoint, []string{strings.Repeat("x", longestName+1)}}}, code: codes.InvalidArgument,
			want: "the name \"" + strings.Repeat("x", 100) + "\"... has 1025 bytes, expected at most 1024"},
		{name: "many names", requests: []request{{sidecar, typeEndpoint, manyNames(5*maxAbsent + 3)}}, code: codes.ResourceExhausted, want: "the stream names 5003 resources, expected at most 5002", delta: true},
		{name: "many names, in turn", requests: []request{{sidecar, typeEndpoint, manyNames(5000)}, {nil, typeEndpoint, manyNames(5000)[:3]}}, code: codes.ResourceExhausted,
			want: "the stream names 5003 resources, expected at most 5002", delta: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inVariants(t, func(t *testing.T, delta bool) {
				if tt.delta && !delta {
					return // the server keeps no names of this variant
				}
				_, addr := startFake(t, newFake("plain"))
				conn := dialHostile(t, addr)
				s := openHostile(t, conn, delta)
				for _, r := range tt.requests {
					_ = s.send(r.node, r.typeURL, "", r.names...)
				}
				var err error
				for err == nil {
					_, err = s.receive()
				}
				if got := status.Convert(err); got.Code() != tt.code || got.Message() != tt.want {
					t.Errorf("%s: %s\nwant %s: %s", got.Code(), got.Message(), tt.code, tt.want)
				}
				checkServes(t, conn, delta)
			})
		})
	}
}

// checkServes wants the server to serve a client in order.
func checkServes(t testing.TB, conn *grpc.ClientConn, delta bool) {
	t.Helper()
	s := openHostile(t, conn, delta)
	defer s.close()
	if err := s.send(sidecar, typeEndpoint, "", "OUTBOUND|default|plain"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.receive(); n != 1 || err != nil {
		t.Errorf("the next client gets %d resources, %v", n, err)
	}
}

// What is no fault of the protocol is served, or waits: nodes without anything, types that
// nobody has, names beyond the bound, names of any form.
func TestOddRequests(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		_, addr := startFake(t, newFake("plain"))
		conn := dialHostile(t, addr)
		s := openHostile(t, conn, delta)
		odd := []string{"", "|", "||", "|||", "OUTBOUND", "OUTBOUND|", "OUTBOUND||", "OUTBOUND|default", "INBOUND|default|absent", "OUTBOUND|default|plain", "\u2028", strings.Repeat("x", longestName)}
		for _, typeURL := range []string{"type.googleapis.com/envoy.config.unknown", typeHost, typeRoute, typeListener, typeCluster, typeEndpoint} {
			if err := s.send(nil, typeURL, "", odd...); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []int{len(odd), 6, len(odd)} { // listeners, clusters with a service, endpoints
			if n, err := s.receive(); err != nil || n > len(odd) {
				t.Errorf("%d resources, %v, want %d", n, err, want)
			}
		}
		s.close()
		if delta {
			return
		}
		many := openHostile(t, conn, delta)
		if err := many.send(sidecar, typeEndpoint, "", append(manyNames(50_000), "OUTBOUND|default|plain")...); err != nil {
			t.Fatal(err)
		}
		if n, err := many.receive(); n != maxAbsent+1 || err != nil {
			t.Errorf("%d resources, %v, want the bound and one", n, err)
		}
		many.close()
		checkServes(t, conn, delta)
	})
}

// Clients that never acknowledge hear nothing more, and those that come and go leave
// nothing.
func TestClientsThatNeverAcknowledge(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain", "routed-a")
		server, addr := startFake(t, f)
		conn := dialHostile(t, addr)
		silent := openHostile(t, conn, delta)
		if err := silent.send(sidecar, typeEndpoint, "", "OUTBOUND|default|routed-a"); err != nil {
			t.Fatal(err)
		}
		if n, err := silent.receive(); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		for range 200 {
			s := openHostile(t, conn, delta)
			_ = s.send(sidecar, typeEndpoint, "", "OUTBOUND|default|routed-a", "OUTBOUND|default|absent")
			_ = s.send(sidecar, typeCluster, "7")
			s.close()
		}
		polaristest.Wait(t, func() error {
			server.streams.mu.RLock()
			defer server.streams.mu.RUnlock()
			server.cache.mu.Lock()
			defer server.cache.mu.Unlock()
			if len(server.streams.byKey) != 1 || len(server.streams.byNode) != 1 || len(server.cache.watches) != 0 {
				return fmt.Errorf("%d streams, %d nodes and %d watches are left, want the one that is open", len(server.streams.byKey), len(server.streams.byNode), len(server.cache.watches))
			}
			return nil
		})
		checkServes(t, conn, delta)
	})
}

// A message that is cut at any byte ends its stream, or is a shorter message.
func TestCutMessages(t *testing.T) {
	_, addr := startFake(t, newFake("plain"))
	conn := dialHostile(t, addr)
	messages := map[string]proto.Message{
		"/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources": &discovery.DiscoveryRequest{Node: sidecar, TypeUrl: typeCluster, ResourceNames: []string{"a", "b"}},
		"/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources":  &discovery.DeltaDiscoveryRequest{Node: sidecar, TypeUrl: typeCluster, InitialResourceVersions: map[string]string{"a": "b"}},
		"/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints":              &discovery.DiscoveryRequest{Node: sidecar, ResourceNames: []string{"OUTBOUND|default|plain"}},
	}
	for method, m := range messages {
		whole, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(whole) {
			s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodec(rawCodec{}))
			if err != nil {
				t.Fatal(err)
			}
			_ = s.SendMsg(whole[:n])
			_ = s.CloseSend()
			for err == nil {
				err = s.RecvMsg(new([]byte))
			}
			if code := status.Code(err); err != io.EOF && code != codes.InvalidArgument && code != codes.Internal && code != codes.Unavailable {
				t.Errorf("%s cut at %d: %v", method, n, err)
			}
		}
	}
	checkServes(t, conn, false)
	checkServes(t, conn, true)
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (rawCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = b
	return nil
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// Names that are no service cost one cluster for all who name them, and are bounded over
// all clients.
func TestAbsentClustersAreBounded(t *testing.T) {
	a, built := assignments{most: 10}, 0
	for range 3 {
		for n := range 25 {
			made, err := a.make(assignmentKey{fmt.Sprint("c", n), ""}, func() (*resource, error) { built++; return &resource{version: fmt.Sprint(n)}, nil })
			if err != nil || made.version != fmt.Sprint(n) {
				t.Fatalf("name %d: %v, %v", n, made, err)
			}
		}
		if kept := len(a.used) + len(a.old); kept > 20 {
			t.Fatalf("%d are kept", kept)
		}
	}
	a, built = assignments{most: 10}, 0
	for range 100 {
		for n := range 9 {
			_, _ = a.make(assignmentKey{fmt.Sprint("c", n), ""}, func() (*resource, error) { built++; return &resource{}, nil })
		}
	}
	if built != 9 {
		t.Errorf("%d clusters were made for 9 names", built)
	}
}

// Of a type that is not served, the server is given no name to keep.
func TestNamesOfUnservedTypes(t *testing.T) {
	s, _ := startFake(t, newFake("plain"))
	ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}})
	for typeURL, want := range map[string]int{"type.googleapis.com/unknown.x": 0, typeEndpoint: 1} {
		const id = 1 << 40 // no stream of the server has that
		if err := s.streams.OnDeltaStreamOpen(ctx, id, ""); err != nil {
			t.Fatal(err)
		}
		r := &discovery.DeltaDiscoveryRequest{TypeUrl: typeURL, ResourceNamesSubscribe: []string{"OUTBOUND|default|plain"}, InitialResourceVersions: map[string]string{"a": "b"}}
		if err := s.streams.OnStreamDeltaRequest(id, r); err != nil || len(r.ResourceNamesSubscribe) != want || len(r.InitialResourceVersions) != want {
			t.Errorf("%s: %d names and %d versions are kept, want %d, %v", typeURL, len(r.ResourceNamesSubscribe), len(r.InitialResourceVersions), want, err)
		}
		s.streams.OnDeltaStreamClosed(id, nil)
	}
}

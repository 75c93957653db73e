package polaristest

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"
)

// XDSOptions say how a client of xDS speaks.
type XDSOptions struct {
	Delta  bool
	Source netip.Addr // of the connection; invalid: any
	Node   *core.Node
	// RepeatNode is whether each request has the node. The stock listener panics if a later
	// request of the delta variant has none.
	RepeatNode bool
	Header     metadata.MD // of the stream
}

// XDSClient is a client of xDS on an aggregated stream. It takes what it is sent. Its methods
// can be called concurrently.
type XDSClient struct {
	stream  xdsStream
	sending sync.Mutex // held while a request is made and sent

	mu      sync.Mutex
	names   map[string][]string              // asked for, by type
	have    map[string]map[string]*anypb.Any // by type and name
	answers map[string]int                   // by type
	last    map[string]*discovery.DiscoveryResponse
	err     error
}

// xdsStream is a stream of either variant.
type xdsStream interface {
	ask(typeURL string, names, more []string, last *discovery.DiscoveryResponse) error
	// replaces reports whether an answer of a type has all that there is.
	replaces(typeURL string) bool
	// receive returns what an answer has, in the form of the state of the world, and the
	// names of what is gone. Resources without a name have one in named.
	receive() (answer *discovery.DiscoveryResponse, named map[string]*anypb.Any, gone []string, err error)
}

// DialXDS opens a stream, which ends with the context.
func DialXDS(ctx context.Context, addr string, o XDSOptions) (*XDSClient, error) {
	conn, err := DialXDSConn(addr, o.Source)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	ctx = metadata.NewOutgoingContext(ctx, o.Header)
	c := &XDSClient{names: map[string][]string{}, have: map[string]map[string]*anypb.Any{}, answers: map[string]int{}, last: map[string]*discovery.DiscoveryResponse{}}
	ads := discovery.NewAggregatedDiscoveryServiceClient(conn)
	if o.Delta {
		stream, err := ads.DeltaAggregatedResources(ctx)
		if err != nil {
			return nil, err
		}
		c.stream = &deltaStream{node: o.Node, repeat: o.RepeatNode, stream: stream}
	} else {
		stream, err := ads.StreamAggregatedResources(ctx)
		if err != nil {
			return nil, err
		}
		c.stream = &worldStream{node: o.Node, repeat: o.RepeatNode, stream: stream}
	}
	go c.read()
	return c, nil
}

// DialXDSConn opens a connection from an address, which is the caller's to close.
func DialXDSConn(addr string, source netip.Addr) (*grpc.ClientConn, error) {
	d := dialer(source)
	return grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }))
}

// Ask asks for more resources of a type, without a name for all.
func (c *XDSClient) Ask(typeURL string, names ...string) error {
	c.mu.Lock()
	c.names[typeURL] = append(c.names[typeURL], names...)
	c.mu.Unlock()
	return c.send(typeURL, names)
}

// send sends a request with all names of a type, of which more are new.
func (c *XDSClient) send(typeURL string, more []string) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	last, names := c.last[typeURL], slices.Clone(c.names[typeURL])
	c.mu.Unlock()
	return c.stream.ask(typeURL, names, more, last)
}

// Has returns the resources that the client has of a type, by name.
func (c *XDSClient) Has(typeURL string) map[string]*anypb.Any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.have[typeURL])
}

// Answers returns how many answers of a type came.
func (c *XDSClient) Answers(typeURL string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers[typeURL]
}

// Err returns why the stream has ended, nil while it has not.
func (c *XDSClient) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *XDSClient) read() {
	for {
		answer, named, gone, err := c.stream.receive()
		if err == nil {
			err = c.take(answer, named, gone)
		}
		if err != nil {
			c.mu.Lock()
			c.err = errors.Join(c.err, err)
			c.mu.Unlock()
			return
		}
	}
}

func (c *XDSClient) take(answer *discovery.DiscoveryResponse, named map[string]*anypb.Any, gone []string) error {
	c.mu.Lock()
	c.answers[answer.TypeUrl]++
	c.last[answer.TypeUrl] = answer
	if c.have[answer.TypeUrl] == nil || c.stream.replaces(answer.TypeUrl) {
		c.have[answer.TypeUrl] = map[string]*anypb.Any{}
	}
	maps.Copy(c.have[answer.TypeUrl], named)
	for _, name := range gone {
		delete(c.have[answer.TypeUrl], name)
	}
	c.mu.Unlock()
	return c.send(answer.TypeUrl, nil)
}

package polaristest

import (
	"context"
	"io"
	"net"
	"net/netip"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Conn is one caller's connection over gRPC. It is safe for concurrent use.
type Conn struct{ conn *grpc.ClientConn }

// Connect makes a connection from a source address, with further options of gRPC.
func Connect(ctx context.Context, addr string, source netip.Addr, options ...grpc.DialOption) (*Conn, error) {
	conn, err := grpc.DialContext(ctx, addr, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer(source).DialContext(ctx, "tcp", addr)
		}),
	}, options...)...)
	return &Conn{conn}, err
}

// Open opens a discovery stream, with metadata as pairs of key and value.
func (c *Conn) Open(ctx context.Context, pairs ...string) (*Stream, error) {
	stream, err := apiservice.NewPolarisGRPCClient(c.conn).Discover(metadata.AppendToOutgoingContext(ctx, pairs...))
	return &Stream{c, stream}, err
}

// Raw sends bytes in the place of a discovery request, on a stream of its own, and
// returns the answer. The connection's codec must take *[]byte.
func (c *Conn) Raw(ctx context.Context, request []byte) (*apiservice.DiscoverResponse, error) {
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/v1.PolarisGRPC/Discover")
	if err == nil {
		err = stream.SendMsg(&request)
	}
	if err != nil {
		return nil, err
	}
	var resp apiservice.DiscoverResponse
	return &resp, stream.RecvMsg(&resp)
}

// Close ends the connection and its streams.
func (c *Conn) Close() error { return c.conn.Close() }

// Stream is a caller's discovery stream over gRPC. It is for one goroutine, or for
// one that sends and one that receives.
type Stream struct {
	conn   *Conn
	stream apiservice.PolarisGRPC_DiscoverClient
}

// Dial opens a stream over a connection of its own.
func Dial(ctx context.Context, addr string, source netip.Addr, pairs ...string) (*Stream, error) {
	conn, err := Connect(ctx, addr, source)
	if err != nil {
		return nil, err
	}
	stream, err := conn.Open(ctx, pairs...)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return stream, nil
}

// Instances asks for the instances of a service.
func (s *Stream) Instances(namespace, service, revision string) (*apiservice.DiscoverResponse, error) {
	return s.Ask(apiservice.DiscoverRequest_INSTANCE, namespace, service, revision)
}

// Ask asks for a service's data of one type.
func (s *Stream) Ask(dataType apiservice.DiscoverRequest_DiscoverRequestType, namespace, service, revision string) (*apiservice.DiscoverResponse, error) {
	if err := s.Send(dataType, namespace, service, revision); err != nil && err != io.EOF { // the stream has ended: Recv says why
		return nil, err
	}
	return s.stream.Recv()
}

// Send asks, and does not wait for the answer. It waits for flow control.
func (s *Stream) Send(dataType apiservice.DiscoverRequest_DiscoverRequestType, namespace, service, revision string) error {
	return s.stream.Send(&apiservice.DiscoverRequest{
		Type: dataType,
		Service: &apiservice.Service{
			Namespace: wrapperspb.String(namespace),
			Name:      wrapperspb.String(service),
			Revision:  wrapperspb.String(revision),
		},
	})
}

// Close ends the stream's connection.
func (s *Stream) Close() error { return s.conn.Close() }

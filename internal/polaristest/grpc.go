package polaristest

import (
	"context"
	"net"
	"net/netip"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Stream is a caller's discovery stream over gRPC. It is for one goroutine.
type Stream struct {
	conn   *grpc.ClientConn
	stream apiservice.PolarisGRPC_DiscoverClient
}

// Dial opens a stream from a source address, with metadata as pairs of key and
// value.
func Dial(ctx context.Context, addr string, source netip.Addr, pairs ...string) (*Stream, error) {
	conn, err := grpc.DialContext(ctx, addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer(source).DialContext(ctx, "tcp", addr)
		}))
	if err != nil {
		return nil, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, pairs...)
	stream, err := apiservice.NewPolarisGRPCClient(conn).Discover(ctx)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Stream{conn, stream}, nil
}

// Instances asks for the instances of a service.
func (s *Stream) Instances(namespace, service, revision string) (*apiservice.DiscoverResponse, error) {
	return s.Ask(apiservice.DiscoverRequest_INSTANCE, namespace, service, revision)
}

// Ask asks for anything of a service.
func (s *Stream) Ask(of apiservice.DiscoverRequest_DiscoverRequestType, namespace, service, revision string) (*apiservice.DiscoverResponse, error) {
	err := s.stream.Send(&apiservice.DiscoverRequest{
		Type: of,
		Service: &apiservice.Service{
			Namespace: wrapperspb.String(namespace),
			Name:      wrapperspb.String(service),
			Revision:  wrapperspb.String(revision),
		},
	})
	if err != nil {
		return nil, err
	}
	return s.stream.Recv()
}

// Close ends the stream and its connection.
func (s *Stream) Close() error { return s.conn.Close() }

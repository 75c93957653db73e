package rig

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Caller is a discovery stream from an address of its own. It reads only what it
// needs of an answer, so that the servers have the machine's time. It is for one
// goroutine.
type Caller struct {
	conn      *grpc.ClientConn
	stream    grpc.ClientStream
	revisions map[string]string // by service
}

// Answer is what a Caller reads of a DiscoverResponse.
type Answer struct {
	Code     uint64
	Revision string
	Size     int // bytes
}

// Codes of discovery.
const (
	CodeChanged   = 200000
	CodeUnchanged = 200001
)

// lazy is a codec that encodes requests as usual, and decodes of an answer only
// what the benchmark needs.
type lazy struct{}

func (lazy) Name() string { return "proto" }

func (lazy) Marshal(v any) ([]byte, error) {
	return proto.Marshal(protoadapt.MessageV2Of(v.(protoadapt.MessageV1)))
}

func (lazy) Unmarshal(data []byte, v any) error {
	a := v.(*Answer)
	*a = Answer{Size: len(data)}
	return fields(data, func(n protowire.Number, value []byte) error {
		switch n {
		case 1: // DiscoverResponse.code, a UInt32Value
			a.Code, _ = protowire.ConsumeVarint(value[min(1, len(value)):])
		case 4: // DiscoverResponse.service
			return fields(value, func(n protowire.Number, value []byte) error {
				if n == 15 { // Service.revision, a StringValue
					a.Revision = string(value[min(2, len(value)):])
				}
				return nil
			})
		}
		return nil
	})
}

// fields calls f for each field of a message that has a length.
func fields(data []byte, f func(protowire.Number, []byte) error) error {
	for len(data) > 0 {
		n, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		if kind != protowire.BytesType {
			if size = protowire.ConsumeFieldValue(n, kind, data); size < 0 {
				return protowire.ParseError(size)
			}
			data = data[size:]
			continue
		}
		value, size := protowire.ConsumeBytes(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		if err := f(n, value); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// bufferSize is how much a connection buffers, in bytes: there are many connections.
const bufferSize = 4 << 10

// Dial opens a discovery stream to a server from an address.
func Dial(ctx context.Context, server string, source netip.Addr) (*Caller, error) {
	conn, err := grpc.DialContext(ctx, server,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithReadBufferSize(bufferSize), grpc.WithWriteBufferSize(bufferSize),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(lazy{}), grpc.MaxCallRecvMsgSize(1<<30)),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}
			return d.DialContext(ctx, "tcp", addr)
		}))
	if err != nil {
		return nil, err
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Discover", ServerStreams: true, ClientStreams: true}, "/v1.PolarisGRPC/Discover")
	return &Caller{conn: conn, stream: stream, revisions: map[string]string{}}, err
}

// Close ends the stream and its connection.
func (c *Caller) Close() error { return c.conn.Close() }

// Revision returns the revision that the caller has of a service, empty if it has none.
func (c *Caller) Revision(service string) string { return c.revisions[service] }

// Ask asks for a service of the namespace default with the revision that the caller has, or
// anew: without a revision. It returns how long the answer took.
func (c *Caller) Ask(service string, anew bool) (a Answer, took time.Duration, err error) {
	req := &apiservice.DiscoverRequest{Type: apiservice.DiscoverRequest_INSTANCE, Service: &apiservice.Service{
		Namespace: wrapperspb.String("default"), Name: wrapperspb.String(service), Revision: wrapperspb.String(c.revisions[service]),
	}}
	if anew {
		req.Service.Revision = nil
	}
	start := time.Now()
	if err := c.stream.SendMsg(req); err != nil {
		return a, 0, err
	}
	if err := c.stream.RecvMsg(&a); err != nil {
		return a, 0, err
	}
	took = time.Since(start)
	switch a.Code {
	case CodeChanged:
		c.revisions[service] = a.Revision
	case CodeUnchanged:
	default:
		err = fmt.Errorf("the server answers with code %d", a.Code)
	}
	return a, took, err
}

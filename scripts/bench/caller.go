package main

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

// caller is a discovery stream from an address of its own. It reads only what it
// needs of an answer, so that the servers have the machine's time.
type caller struct {
	kind     int // its SET and campus
	conn     *grpc.ClientConn
	stream   grpc.ClientStream
	revision string
}

// answer is the code, the revision and the size of a DiscoverResponse.
type answer struct {
	code     uint64
	revision string
	size     int
}

// Codes of discovery.
const (
	codeChanged   = 200000
	codeUnchanged = 200001
)

// lazy is a codec that encodes requests as usual, and decodes of an answer only
// what the benchmark needs.
type lazy struct{}

func (lazy) Name() string { return "proto" }

func (lazy) Marshal(v any) ([]byte, error) {
	return proto.Marshal(protoadapt.MessageV2Of(v.(protoadapt.MessageV1)))
}

func (lazy) Unmarshal(data []byte, v any) error {
	a := v.(*answer)
	*a = answer{size: len(data)}
	return fields(data, func(n protowire.Number, value []byte) error {
		switch n {
		case 1: // DiscoverResponse.code, a UInt32Value
			a.code, _ = protowire.ConsumeVarint(value[min(1, len(value)):])
		case 4: // DiscoverResponse.service
			return fields(value, func(n protowire.Number, value []byte) error {
				if n == 15 { // Service.revision, a StringValue
					a.revision = string(value[min(2, len(value)):])
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

func dial(ctx context.Context, kind int, server string, source netip.Addr) (*caller, error) {
	conn, err := grpc.DialContext(ctx, server,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(lazy{}), grpc.MaxCallRecvMsgSize(1<<30)),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}
			return d.DialContext(ctx, "tcp", addr)
		}))
	if err != nil {
		return nil, err
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Discover", ServerStreams: true, ClientStreams: true}, "/v1.PolarisGRPC/Discover")
	return &caller{kind: kind, conn: conn, stream: stream}, err
}

// ask asks with the revision that the caller has, or anew: without a revision.
func (c *caller) ask(anew bool) (a answer, took time.Duration, err error) {
	req := &apiservice.DiscoverRequest{Type: apiservice.DiscoverRequest_INSTANCE, Service: &apiservice.Service{
		Namespace: wrapperspb.String("default"), Name: wrapperspb.String(service), Revision: wrapperspb.String(c.revision),
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
	switch a.code {
	case codeChanged:
		c.revision = a.revision
	case codeUnchanged:
	default:
		err = fmt.Errorf("the server answers with code %d", a.code)
	}
	return a, took, err
}

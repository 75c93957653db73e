package router

import (
	"context"
	"net/netip"

	"github.com/polarismesh/polaris/common/utils"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Headers by which a trusted proxy names the caller: HTTP headers and gRPC
// metadata keys alike, in the lower case of the latter.
const (
	headerForwardedFor = "x-forwarded-for"
	headerRealIP       = "x-real-ip"
)

// callerAddr is the address of the caller: the peer of the connection, or what
// a trusted proxy says. It is invalid where the server does not tell the peer.
// The server's own "client-ip" is empty for IPv6 peers; the address is whole.
func callerAddr(ctx context.Context, trusted []netip.Prefix) netip.Addr {
	peer, _ := ctx.Value(utils.ContextClientAddress).(string)
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Addr{}
	}
	header, _ := ctx.Value(utils.ContextGrpcHeader).(metadata.MD)
	return location.CallerAddr(at.Addr(), trusted, header.Get(headerForwardedFor), last(header.Get(headerRealIP)))
}

// knowsPeer tells whether the listener tells who asks, whatever that is.
func knowsPeer(ctx context.Context) bool {
	peer, _ := ctx.Value(utils.ContextClientAddress).(string)
	return peer != ""
}

// last is what the nearest proxy said, where it adds to what it was sent.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// withAddr gives a context a caller whose address is known.
func withAddr(ctx context.Context, addr netip.Addr) context.Context {
	return context.WithValue(ctx, utils.ContextClientAddress, netip.AddrPortFrom(addr, 0).String())
}

// withCaller gives a context what callerAddr reads, in the place where the
// gRPC listener puts it.
func withCaller(ctx context.Context, peer string, header metadata.MD) context.Context {
	ctx = context.WithValue(ctx, utils.ContextClientAddress, peer)
	return context.WithValue(ctx, utils.ContextGrpcHeader, header)
}

package caller

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/polarismesh/polaris/common/utils"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Headers by which a trusted proxy names the caller. HTTP headers and gRPC
// metadata have the same names, in the lower case of gRPC metadata.
const (
	headerForwardedFor = "x-forwarded-for"
	headerRealIP       = "x-real-ip"
)

// ForwardedHeaders are the headers that Address reads.
var ForwardedHeaders = []string{headerForwardedFor, headerRealIP}

// Address returns the address of the caller of a discovery request: the peer of
// the connection, or what a trusted proxy says. The address is invalid where
// the listener does not tell the peer. Polaris's own "client-ip" is empty for
// IPv6 peers; the client address is always whole.
func Address(ctx context.Context, trusted []netip.Prefix) netip.Addr {
	peer, _ := ctx.Value(utils.ContextClientAddress).(string)
	header, _ := ctx.Value(utils.ContextGrpcHeader).(metadata.MD)
	return address(peer, trusted, header.Get(headerForwardedFor), header.Get(headerRealIP))
}

// AddressHTTP returns the address of the caller of an HTTP request, as Address
// does.
func AddressHTTP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	return address(r.RemoteAddr, trusted, r.Header.Values(headerForwardedFor), r.Header.Values(headerRealIP))
}

func address(peer string, trusted []netip.Prefix, forwardedFor, realIP []string) netip.Addr {
	addrPort, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Addr{}
	}
	return location.CallerAddr(addrPort.Addr(), trusted, forwardedFor, last(realIP))
}

// HasPeer reports whether the listener says who asks, whatever it says.
func HasPeer(ctx context.Context) bool {
	peer, _ := ctx.Value(utils.ContextClientAddress).(string)
	return peer != ""
}

// WithPeer returns a context that has the peer ("address:port") and the headers
// of a connection, where the gRPC listener of Polaris puts them.
func WithPeer(ctx context.Context, peer string, header metadata.MD) context.Context {
	ctx = context.WithValue(ctx, utils.ContextClientAddress, peer)
	return context.WithValue(ctx, utils.ContextGrpcHeader, header)
}

// WithAddress returns a context for a caller whose address is known.
func WithAddress(ctx context.Context, addr netip.Addr) context.Context {
	return context.WithValue(ctx, utils.ContextClientAddress, netip.AddrPortFrom(addr, 0).String())
}

// last returns what the nearest proxy said: a proxy adds its value after those
// that it was sent.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

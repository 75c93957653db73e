package caller

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/polarismesh/polaris/common/utils"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Address returns the address of the caller of a discovery request: the peer of
// the connection, or what a trusted proxy says. Where the caller cannot be told, the
// address is invalid, and why says why. Polaris's own "client-ip" is empty for
// IPv6 peers; the client address is always whole.
func Address(ctx context.Context, proxies location.Proxies) (addr netip.Addr, why location.Untold) {
	return address(peerOf(ctx), proxies, func(name string) []string { return Header(ctx, name) })
}

// AddressHTTP returns the address of the caller of an HTTP request, as Address
// does.
func AddressHTTP(r *http.Request, proxies location.Proxies) (addr netip.Addr, why location.Untold) {
	return address(r.RemoteAddr, proxies, r.Header.Values)
}

func address(peer string, proxies location.Proxies, values func(header string) []string) (netip.Addr, location.Untold) {
	addr, why := location.ParsePeer(peer)
	if why != "" {
		return netip.Addr{}, why
	}
	return proxies.Caller(addr, values)
}

// Peer returns the address of whoever has connected, normalised; it is invalid where
// the listener does not tell.
func Peer(ctx context.Context) netip.Addr {
	peer, _ := location.ParsePeer(peerOf(ctx))
	return peer
}

// Header returns the lines of a header of a discovery request.
func Header(ctx context.Context, name string) []string {
	header, _ := ctx.Value(utils.ContextGrpcHeader).(metadata.MD)
	return header.Get(name)
}

func peerOf(ctx context.Context) string {
	peer, _ := ctx.Value(utils.ContextClientAddress).(string)
	return peer
}

// WithPeer returns a context that has the peer ("address:port") and the headers
// of a connection, where the gRPC listener of Polaris puts them.
func WithPeer(ctx context.Context, peer string, header metadata.MD) context.Context {
	ctx = context.WithValue(ctx, utils.ContextClientAddress, peer)
	return context.WithValue(ctx, utils.ContextGrpcHeader, header)
}

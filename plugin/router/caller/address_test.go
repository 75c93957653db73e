package caller

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Where a proxy adds its value to the values that its client sent, the value of
// the proxy counts, by each protocol alike.
func TestLastHeaderCounts(t *testing.T) {
	for _, name := range location.ForwardedHeaders {
		proxies := location.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")}, Header: name}
		header := metadata.Pairs(name, "10.2.0.1", name, "10.1.0.1")
		if got, why := Address(WithPeer(context.Background(), "10.8.0.1:5000", header), proxies); got.String() != "10.1.0.1" || why != "" {
			t.Errorf("%s, discovery: %s %s", name, got, why)
		}
		req := &http.Request{RemoteAddr: "10.8.0.1:5000", Header: http.Header{}}
		for _, v := range header.Get(name) {
			req.Header.Add(name, v)
		}
		if got, why := AddressHTTP(req, proxies); got.String() != "10.1.0.1" || why != "" {
			t.Errorf("%s, HTTP: %s %s", name, got, why)
		}
	}
	for _, peer := range []string{"", "10.8.0.1"} {
		if got, why := Address(WithPeer(context.Background(), peer, nil), location.Proxies{}); got.IsValid() || why != location.UntoldNoPeer {
			t.Errorf("peer %q: %s %s", peer, got, why)
		}
	}
}

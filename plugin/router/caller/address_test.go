package caller

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"google.golang.org/grpc/metadata"
)

// Where a proxy adds its value to the values that its client sent, the value of
// the proxy counts, by each protocol alike.
func TestLastHeaderCounts(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")}
	for _, name := range ForwardedHeaders {
		header := metadata.Pairs(name, "10.2.0.1", name, "10.1.0.1")
		if got := Address(WithPeer(context.Background(), "10.8.0.1:5000", header), trusted); got.String() != "10.1.0.1" {
			t.Errorf("%s, discovery: %s", name, got)
		}
		req := &http.Request{RemoteAddr: "10.8.0.1:5000", Header: http.Header{}}
		for _, v := range header.Get(name) {
			req.Header.Add(name, v)
		}
		if got := AddressHTTP(req, trusted); got.String() != "10.1.0.1" {
			t.Errorf("%s, HTTP: %s", name, got)
		}
	}
}

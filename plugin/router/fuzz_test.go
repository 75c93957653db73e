package router

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
)

// FuzzViews changes instances, pods and files in an order that the fuzzer
// chooses.
func FuzzViews(f *testing.F) {
	fuzztest.AddNoise(f, 16000)
	f.Fuzz(func(t *testing.T, input []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) { viewsAreThoseOfAFreshServer(t, rt) })(t, input)
	})
}

// FuzzExplain compares what is sent with what is explained.
func FuzzExplain(f *testing.F) {
	fuzztest.AddNoise(f, 8000)
	f.Fuzz(func(t *testing.T, input []byte) { rapid.MakeFuzz(explainAgreesWithDiscovery(t))(t, input) })
}

// FuzzRequest sends requests as an untrusted peer and as one of a proxy: what a
// request says of itself changes nothing but whom the proxy names.
func FuzzRequest(f *testing.F) {
	f.Add("10.1.0.1:5000", "10.2.0.1", "10.2.0.1", "s", "default", "1", "a.b.d")
	f.Add("[::ffff:10.1.0.1]:5000", "", "x", "lane", "default", "", "")
	f.Add("10.9.0.1", "10.1.0.1, 10.2.0.1:80", "", "made-up-1", "", "", "x.y.z")
	f.Fuzz(func(t *testing.T, peer, forwarded, realIP, name, namespace, revision, claim string) {
		s, _ := newTestServer(t)
		s.config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}
		ask := func(header metadata.MD, meta map[string]string) *apiservice.DiscoverResponse {
			return s.instances(caller.WithPeer(context.Background(), peer, header), &apiservice.DiscoverFilter{}, &apiservice.Service{
				Name: wrapperspb.String(name), Namespace: wrapperspb.String(namespace), Revision: wrapperspb.String(revision), Metadata: meta,
			})
		}
		list := func(resp *apiservice.DiscoverResponse) string {
			var ids []string // the stock server has no order
			for _, i := range resp.Instances {
				ids = append(ids, i.Id.GetValue())
			}
			slices.Sort(ids)
			return strings.Join(ids, " ") + " " + resp.GetService().GetRevision().GetValue()
		}
		header := metadata.MD{"x-forwarded-for": {forwarded}, "x-real-ip": {realIP}}
		resp := ask(header, map[string]string{location.MetaSetName: claim, location.MetaSetGroup: claim})
		plain := ask(header, nil)
		if list(resp) != list(plain) || resp.Code.GetValue() != plain.Code.GetValue() {
			t.Fatalf("claims %q: %s, without %s", claim, list(resp), list(plain))
		}
		addr, why := caller.Address(caller.WithPeer(context.Background(), peer, header), s.config.Proxies())
		at, err := netip.ParseAddrPort(peer)
		trusted := err == nil && s.config.TrustedProxies[0].Contains(location.Normalize(at.Addr()))
		if addr.IsValid() != (why == "") || err != nil && addr.IsValid() || err == nil && !trusted && addr != location.Normalize(at.Addr()) {
			t.Fatalf("peer %q is taken for %s %s", peer, addr, why)
		}
		if name == "s" && namespace == "default" && why != "" && len(resp.Instances) > 0 {
			t.Fatalf("a caller that cannot be told (%s) gets %s", why, list(resp))
		}
		if again := ask(header, nil); list(again) != list(plain) {
			t.Fatalf("once %s, then %s", list(plain), list(again))
		}
		// The test server's callers in 10.1.0.0/16 are of a.b.c: 1, and 3 in the pool.
		if name == "s" && namespace == "default" && strings.HasPrefix(addr.String(), "10.1.") && len(resp.Instances) > 0 && !strings.HasPrefix(list(resp), "1 ") {
			t.Fatalf("%s gets %s", addr, list(resp))
		}
	})
}

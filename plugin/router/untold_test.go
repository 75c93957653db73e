package router

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// A caller that cannot be told gets no list where a rule may give some caller a list of
// its own. Where every caller gets the stock answer, so does it.
func TestUntoldCallersGetNoList(t *testing.T) {
	const noList, stock = "500000 0", "200000 4"
	for _, tt := range []struct{ name, rules, want string }{
		{"a rule", `{name: r, service: default/s, set: {}}`, noList},
		{"a rule for some callers", `{name: r, service: default/s, when: {region: east}, set: {}}`, noList},
		{"a rule in a rollout", `{name: r, service: default/s, nearby: {}, rollout: {percent: 1}}`, noList},
		{"a rule after an exception", `{name: x, service: default/s, when: {ip: 10.7.0.0/16}}, {name: r, service: default/s, set: {}}`, noList},
		{"shadow", `{name: r, service: default/s, set: {}, mode: shadow}`, stock},
		{"a rule that is rolled back", `{name: r, service: default/s, set: {}, rollout: {percent: 0}}`, stock},
		{"a rule behind one without stages for all", `{name: x, service: default/s}, {name: r, service: default/s, set: {}}`, stock},
		{"a rule for another service", `{name: r, service: default/t, set: {}}`, stock},
	} {
		s, _ := newTestServer(t)
		var problems strict.Problems
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("{version: 1, rules: [" + tt.rules + "]}")}}, time.Now(), &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		s.rules = func() *route.Rules { return rules }
		s.config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")}
		for name, ctx := range map[string]context.Context{
			"no peer": context.Background(), "an unreadable header": caller.WithPeer(context.Background(), "10.8.0.1:5000", metadata.Pairs("x-forwarded-for", "unknown")),
		} {
			resp := s.instances(ctx, &apiservice.DiscoverFilter{}, &apiservice.Service{Name: wrapperspb.String("s"), Namespace: wrapperspb.String("default")})
			if got := fmt.Sprint(resp.Code.GetValue(), " ", len(resp.Instances)); got != tt.want {
				t.Errorf("%s, %s: %s, want %s", tt.name, name, got, tt.want)
			}
		}
		list, err := s.Routed(netip.Addr{}, route.Service{Namespace: "default", Name: "s"})
		if list != nil || (err == ErrNoList) != (tt.want == noList) {
			t.Errorf("%s, another listener: %v %v", tt.name, list, err)
		}
		roads, err := s.Roads(netip.Addr{}, route.Service{Namespace: "default", Name: "s"})
		if roads != nil || (err == ErrNoList) != (tt.want == noList) {
			t.Errorf("%s, a listener of roads: %v %v", tt.name, roads, err)
		}
	}
}

// Operators see that there are callers that cannot be told, and why.
func TestUntoldCallersAreShown(t *testing.T) {
	s, _ := newTestServer(t)
	s.config.TrustedProxies, s.config.ForwardedHeader = []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")}, location.HeaderRealIP
	before := testutil.ToFloat64(observe.Untold.WithLabelValues("unreadable"))
	for peer, header := range map[string]metadata.MD{
		"10.8.0.1:5000": metadata.Pairs("x-real-ip", "unknown\n"), "10.8.0.2:5000": metadata.Pairs("x-forwarded-for", "10.1.0.1"),
		"": nil, "[::ffff:10.8.0.3]:1": metadata.Pairs("x-real-ip", "10.1.0.1"), "10.9.0.1:1": metadata.Pairs("x-real-ip", "unknown"),
	} {
		for range len(peer) {
			s.instances(caller.WithPeer(context.Background(), peer, header), &apiservice.DiscoverFilter{}, &apiservice.Service{Name: wrapperspb.String("s")})
		}
	}
	want := []explain.Untold{
		{Peer: "10.8.0.1", Reason: "unreadable", Why: `x-real-ip is "unknown\n", expected addresses`, Requests: 13},
		{Peer: "10.8.0.2", Reason: "other-header", Why: "there is no x-real-ip, and another header that names a caller: forwardedHeader says which of them is believed", Requests: 13},
	}
	if diff := cmp.Diff(want, s.Untold(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
	if got := testutil.ToFloat64(observe.Untold.WithLabelValues("unreadable")) - before; got != 13 {
		t.Errorf("%g in the metric", got)
	}
	// Peers that are not trusted are the callers, whatever they say; trusted ones are not meant.
	if diff := cmp.Diff([]api.Forwarded{{Peer: "10.9.0.1", Requests: 10}}, s.forwardedBy(netip.Addr{})); diff != "" {
		t.Errorf("peers whose header is not read:\n%s", diff)
	}
	addr := netip.MustParseAddr("10.8.0.1")
	if diff := cmp.Diff(&explain.Proxy{Header: "x-real-ip", Untold: want[:1]}, s.Caller(addr).Proxy); diff != "" {
		t.Error(diff)
	}
	if p := s.Caller(netip.MustParseAddr("10.9.0.1")).Proxy; p != nil {
		t.Errorf("%+v", p)
	}
}

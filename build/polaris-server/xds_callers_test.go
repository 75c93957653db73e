package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	grpcmetadata "google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Who asks on a stream of xDS is the peer; from a trusted one the header, and without one
// the address in the node id.
func TestXDSCallers(t *testing.T) {
	server, console, addr := startXDS(t, polaristest.Options{TrustedProxies: []string{proxy.String()}})
	registerNovel(t, console, "novel")
	register(t, console, instance("other", "10.11.0.1", ""))
	inShanghai, inShenzhen := [][]string{{"10.11.0.1"}, {"10.13.0.1"}}, [][]string{{"10.12.0.1"}, {"10.13.0.1"}}
	for _, tt := range []struct {
		name   string
		source netip.Addr
		node   string
		header grpcmetadata.MD
		want   [][]string // nil: no list
	}{
		{name: "a peer without a node id", source: shanghai, want: inShanghai},
		{name: "a peer whose node id names it", source: shanghai, node: "sidecar~default/a~127.1.0.1", want: inShanghai},
		{name: "a peer whose node id names every machine", source: shanghai, node: "sidecar~default/a~0.0.0.0", want: inShanghai},
		{name: "a peer whose node id names a host", source: shanghai, node: "sidecar~default/a~pod-7", want: inShanghai},
		{name: "a peer whose node id names another", source: shanghai, node: "sidecar~default/a~10.1.0.7"},
		{name: "a peer with a header, which is not read", source: shenzhen, header: grpcmetadata.Pairs("x-forwarded-for", "127.1.0.1"), want: inShenzhen},
		{name: "a proxy with a header", source: proxy, header: grpcmetadata.Pairs("x-forwarded-for", "10.21.0.1, 127.2.0.1"), want: inShenzhen},
		{name: "a proxy with a header and a node id", source: proxy, node: "sidecar~default/a~127.1.0.1", header: grpcmetadata.Pairs("x-forwarded-for", "127.2.0.1"), want: inShenzhen},
		{name: "a proxy with a header that cannot be read", source: proxy, node: "sidecar~default/a~127.1.0.1", header: grpcmetadata.Pairs("x-forwarded-for", "unknown")},
		{name: "a proxy without a header", source: proxy, node: "sidecar~default/a~10.1.0.1", want: [][]string{{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}}},
	} {
		for variant, delta := range xdsVariants {
			t.Run(tt.name+", "+variant, func(t *testing.T) {
				c, err := polaristest.DialXDS(t.Context(), addr, polaristest.XDSOptions{Delta: delta, Source: tt.source, Node: &core.Node{Id: tt.node}, Header: tt.header})
				if err != nil {
					t.Fatal(err)
				}
				askXDS(t, c, resourcev3.EndpointType, novelCluster, "OUTBOUND|default|other")
				hasPriorities(t, c, "OUTBOUND|default|other", []string{"10.11.0.1"})
				if tt.want != nil {
					hasPriorities(t, c, novelCluster, tt.want...)
				} else if _, ok := c.Has(resourcev3.EndpointType)[novelCluster]; ok {
					t.Error("there is a list, want none")
				}
			})
		}
	}
	_, out := setctl(t, server, "status")
	if want := `the node id of an xDS client ends with "10.1.0.7", which is not the address of its connection: somebody stands between, who is none of trustedProxies`; !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
		t.Errorf("status:\n%s\nwant in it: %s", out, want)
	}
}

// The pages of the stock listener that show every endpoint are not there.
func TestXDSDebugPages(t *testing.T) {
	server, console, addr := startXDS(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	c := dialADS(t, addr, false, shanghai, "sidecar~default/a~127.1.0.1")
	askXDS(t, c, resourcev3.EndpointType)
	hasPriorities(t, c, novelCluster, []string{"10.11.0.1"}, []string{"10.13.0.1"})
	for _, path := range []string{"/debug/apiserver/xds/resources?type=eds", "/debug/apiserver/xds/envoy_nodes?type=sidecar", "/debug/endpoints"} {
		resp, err := http.Get(fmt.Sprintf("http://%s%s", server.HTTPAddr, path))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text := new(strings.Builder)
		_ = resp.Write(text)
		if strings.Contains(text.String(), "10.1") || strings.Contains(text.String(), "xds") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

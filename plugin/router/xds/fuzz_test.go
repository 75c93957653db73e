package xds

import (
	"net/netip"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// FuzzNames reads names of clusters and of gRPC targets. What is written is read again.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"OUTBOUND|default|a.b", "INBOUND|default|a", "OUTBOUND||", "|", "a.default", "default/a.b", "a", ".", "/", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if service, ok := calledService(name); ok && outboundName(service) != name {
			t.Errorf("cluster %q is of %q", name, service)
		}
		service := namedService(name)
		if len(service.Namespace)+len(service.Name) > len(name) {
			t.Errorf("target %q is of %q", name, service)
		}
		if strings.Contains(service.Namespace, "|") {
			return // the namespace of a cluster ends there
		}
		if again, ok := calledService(outboundName(service)); !ok || again != (route.Service{Namespace: service.Namespace, Name: service.Name}) {
			t.Errorf("cluster %q is of %q", outboundName(service), again)
		}
	})
}

// FuzzNode reads node ids. Nobody becomes another caller by one, unless a trusted proxy
// sends it.
func FuzzNode(f *testing.F) {
	for _, id := range []string{"sidecar~default/a~10.1.0.1", "sidecar~default/a~::1", "gateway~d~", "~~", "10.1.0.1", "sidecar~default/a~127.2.0.1~x", ""} {
		f.Add(id)
	}
	peer := netip.MustParseAddr("10.1.0.1")
	f.Fuzz(func(t *testing.T, id string) {
		client := xdsresource.ParseXDSClient(&core.Node{Id: id})
		if client == nil {
			return
		}
		for _, trusted := range []trust{trustPeer, trustHeader} {
			if got := (asker{peer: peer, addr: peer, trust: trusted}).callerOf(client); got.addr.IsValid() && got.addr != peer {
				t.Errorf("%q makes %s of %s", id, got.addr, peer)
			}
		}
		if got := (asker{peer: peer, trust: trustHeader}).callerOf(client); got.addr.IsValid() {
			t.Errorf("%q makes %s of a caller that cannot be told", id, got.addr)
		}
	})
}

package xds

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"go.uber.org/goleak"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// variants are the variants of the protocol.
var variants = map[string]bool{"state of the world": false, "delta": true}

// inVariants runs a test in both variants, each with a server of its own. No goroutine
// stays.
func inVariants(t *testing.T, test func(t *testing.T, delta bool)) {
	t.Helper()
	for name, delta := range variants {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Run("", func(t *testing.T) { test(t, delta) })
			goleak.VerifyNone(t, before)
		})
	}
}

// hosts returns the hosts of a cluster as a client has them, priority by priority.
func hosts(c *polaristest.XDSClient, cluster string) string {
	packed := c.Has(typeEndpoint)[cluster]
	if packed == nil {
		return "nothing"
	}
	var a endpoint.ClusterLoadAssignment
	if err := packed.UnmarshalTo(&a); err != nil {
		return err.Error()
	}
	var out []string
	for _, l := range a.Endpoints {
		for _, e := range l.LbEndpoints {
			out = append(out, fmt.Sprint(l.Priority, ":", e.GetEndpoint().GetAddress().GetSocketAddress().GetAddress()))
		}
	}
	return strings.Join(out, " ")
}

func waitHosts(t *testing.T, c *polaristest.XDSClient, cluster, want string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		if got := hosts(c, cluster); got != want {
			return fmt.Errorf("%s has %q, want %q; the stream: %v", cluster, got, want, c.Err())
		}
		return nil
	})
}

func waitNames(t *testing.T, c *polaristest.XDSClient, typeURL string, want ...string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		if got := slices.Sorted(maps.Keys(c.Has(typeURL))); !slices.Equal(got, want) {
			return fmt.Errorf("%s: %q, want %q; the stream: %v", shortType(typeURL), got, want, c.Err())
		}
		return nil
	})
}

func mustAsk(t *testing.T, c *polaristest.XDSClient, typeURL string, names ...string) {
	t.Helper()
	if err := c.Ask(typeURL, names...); err != nil {
		t.Fatal(err, c.Err())
	}
}

// A sidecar gets all resources of its namespace, and hears of services that come and go.
func TestSidecar(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain", "routed-a")
		_, addr := startFake(t, f)
		c := dialFake(t, addr, delta, "127.0.0.1", sidecar)
		for _, typeURL := range []string{typeCluster, typeEndpoint, typeListener, typeRoute, typeHost} {
			mustAsk(t, c, typeURL)
		}
		waitNames(t, c, typeCluster, "INBOUND|default|plain", "INBOUND|default|routed-a", "OUTBOUND|default|plain", "OUTBOUND|default|routed-a", "PassthroughCluster")
		waitNames(t, c, typeEndpoint, "INBOUND|default|plain", "INBOUND|default|routed-a", "OUTBOUND|default|plain", "OUTBOUND|default|routed-a")
		waitNames(t, c, typeListener, ".default_INBOUND_15006", "OUTBOUND_15001")
		waitNames(t, c, typeHost, "polaris-outbound-router/plain.default", "polaris-outbound-router/routed-a.default")
		waitNames(t, c, typeRoute, "polaris-inbound-cluster|plain.default", "polaris-inbound-cluster|plain.default|DEMAND",
			"polaris-inbound-cluster|routed-a.default", "polaris-inbound-cluster|routed-a.default|DEMAND", "polaris-outbound-router", "polaris-outbound-router|default|demand")
		waitHosts(t, c, "OUTBOUND|default|plain", "0:10.0.0.1")
		waitHosts(t, c, "OUTBOUND|default|routed-a", "0:127.0.0.1 1:10.9.9.1")
		f.set("new", "1", "10.0.0.7")
		waitHosts(t, c, "OUTBOUND|default|new", "0:10.0.0.7")
		f.set("new", "2", "10.0.0.7", "10.0.0.8")
		waitHosts(t, c, "OUTBOUND|default|new", "0:10.0.0.7 0:10.0.0.8")
		f.remove("new")
		waitNames(t, c, typeCluster, "INBOUND|default|plain", "INBOUND|default|routed-a", "OUTBOUND|default|plain", "OUTBOUND|default|routed-a", "PassthroughCluster")
	})
}

// A node of a namespace that does not exist gets nothing, as from the stock listener, and
// waits for it.
func TestNamespaceThatComes(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain")
		_, addr := startFake(t, f)
		c := dialFake(t, addr, delta, "127.0.0.1", &core.Node{Id: "sidecar~late/a~127.0.0.1"})
		mustAsk(t, c, typeRoute, "polaris-outbound-router")
		mustAsk(t, c, typeCluster)
		mustAsk(t, c, typeEndpoint, "OUTBOUND|default|plain")
		waitHosts(t, c, "OUTBOUND|default|plain", "0:10.0.0.1") // a name says its namespace
		waitNames(t, c, typeRoute)
		f.mu.Lock()
		f.services = map[string]services{"default": f.services["default"], "late": {}}
		f.mu.Unlock()
		waitNames(t, c, typeRoute, "polaris-outbound-router")
		waitNames(t, c, typeCluster, "PassthroughCluster")
		if got := c.Answers(typeCluster); got != 1 {
			t.Errorf("%d answers, want none before the namespace is there", got)
		}
	})
}

// gRPC clients name a listener, and find the cluster and the endpoints by it.
func TestProxyless(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		_, addr := startFake(t, newFake("a.b.c", "routed-a"))
		for _, c := range []struct{ name, cluster, want string }{
			{"a.b.c.default", "OUTBOUND|default|a.b.c", "0:10.0.0.1"},
			{"default/a.b.c", "OUTBOUND|default|a.b.c", "0:10.0.0.1"},
			{"routed-a.default", "OUTBOUND|default|routed-a", "0:127.0.0.2 1:10.9.9.1"},
			{"absent.default", "OUTBOUND|default|absent", ""},
			{"nowhere", "OUTBOUND||nowhere", ""},
			{"default/", "OUTBOUND|default|", ""},
		} {
			client := dialFake(t, addr, delta, "127.0.0.2", &core.Node{Id: "b5", UserAgentName: "gRPC Go"})
			mustAsk(t, client, typeListener, c.name)
			waitNames(t, client, typeListener, c.name)
			if got := clusterOf(t, client, c.name); got != c.cluster {
				t.Errorf("%s leads to %s, want %s", c.name, got, c.cluster)
			}
			mustAsk(t, client, typeCluster, c.cluster)
			waitNames(t, client, typeCluster, c.cluster)
			mustAsk(t, client, typeEndpoint, c.cluster)
			waitNames(t, client, typeEndpoint, c.cluster)
			waitHosts(t, client, c.cluster, c.want)
		}
	})
}

// clusterOf returns where the route of a listener for gRPC leads.
func clusterOf(t *testing.T, c *polaristest.XDSClient, name string) string {
	t.Helper()
	var l listener.Listener
	var manager hcm.HttpConnectionManager
	if err := errors.Join(c.Has(typeListener)[name].UnmarshalTo(&l), l.GetApiListener().GetApiListener().UnmarshalTo(&manager)); err != nil {
		t.Fatal(err)
	}
	return manager.GetRouteConfig().GetVirtualHosts()[0].GetRoutes()[0].GetRoute().GetCluster()
}

// A client hears of what changed and of nothing else.
func TestOnlyNewsAreSent(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain", "routed-a", "routed-b")
		_, addr := startFake(t, f)
		c := dialFake(t, addr, delta, "127.0.0.1", sidecar)
		mustAsk(t, c, typeEndpoint, "OUTBOUND|default|plain", "OUTBOUND|default|routed-a")
		waitHosts(t, c, "OUTBOUND|default|routed-a", "0:127.0.0.1 1:10.9.9.1")
		for revision := 2; revision < 5; revision++ {
			f.set("routed-b", fmt.Sprint(revision), "10.0.0.1") // nobody asks for it
			f.set("routed-a", fmt.Sprint(revision), "10.0.0.1")
			waitHosts(t, c, "OUTBOUND|default|routed-a", fmt.Sprint("0:127.0.0.1 1:10.9.9.", revision))
		}
		if got := c.Answers(typeEndpoint); got != 4 {
			t.Errorf("%d answers, want one at first and one for each change", got)
		}
	})
}

// With a fault in routing, and where the caller cannot be told, a client keeps what it has
// of a routed service, and has nothing if it had nothing. Other services are served.
func TestNoListKeepsTheList(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain", "routed-a")
		_, addr := startFake(t, f)
		c := dialFake(t, addr, delta, "127.0.0.1", sidecar)
		names := []string{"OUTBOUND|default|plain", "OUTBOUND|default|routed-a"}
		mustAsk(t, c, typeEndpoint, names...)
		waitHosts(t, c, names[1], "0:127.0.0.1 1:10.9.9.1")
		f.fail(errors.New("a fault"))
		f.set("routed-a", "2", "10.0.0.1")
		f.set("plain", "2", "10.0.0.2")
		waitHosts(t, c, names[0], "0:10.0.0.2")
		waitHosts(t, c, names[1], "0:127.0.0.1 1:10.9.9.1")
		other := dialFake(t, addr, delta, "127.0.0.2", sidecar)
		mustAsk(t, other, typeEndpoint, names...)
		waitHosts(t, other, names[0], "0:10.0.0.2")
		waitNames(t, other, typeEndpoint, names[0])
		f.fail(nil)
		waitHosts(t, c, names[1], "0:127.0.0.1 1:10.9.9.2")
		waitHosts(t, other, names[1], "0:127.0.0.2 1:10.9.9.2")

		untold := dialFake(t, addr, delta, "127.0.0.3", &core.Node{Id: "sidecar~default/a~10.1.0.9"})
		mustAsk(t, untold, typeEndpoint, names...)
		waitHosts(t, untold, names[0], "0:10.0.0.2")
		waitNames(t, untold, typeEndpoint, names[0])
		if !slices.Equal(f.disowned, []string{"10.1.0.9"}) {
			t.Errorf("counted %q as callers that cannot be told", f.disowned)
		}
	})
}

// Nobody is told what there is while the registry cannot be read. Streams wait, or end with
// an error after which clients come again.
func TestRegistryThatCannotBeRead(t *testing.T) {
	inVariants(t, func(t *testing.T, delta bool) {
		f := newFake("plain")
		f.broken = errors.New("away")
		_, addr := startFake(t, f)
		c := dialFake(t, addr, delta, "127.0.0.1", sidecar)
		_ = c.Ask(typeEndpoint, "OUTBOUND|default|plain")
		if delta {
			polaristest.Wait(t, func() error {
				if got := fmt.Sprint(c.Err()); !strings.Contains(got, "the services cannot be read at this moment") {
					return errors.New(got)
				}
				return nil
			})
		}
		other := dialFake(t, addr, false, "127.0.0.1", sidecar)
		mustAsk(t, other, typeCluster)
		mustAsk(t, other, typeListener, "plain.default")
		mustAsk(t, other, "type.googleapis.com/none") // when this is read, the others were
		f.mu.Lock()
		f.broken = nil
		f.mu.Unlock()
		waitNames(t, other, typeCluster, "INBOUND|default|plain", "OUTBOUND|default|plain", "PassthroughCluster")
		waitNames(t, other, typeListener, "plain.default")
		if got := other.Answers(typeCluster) + other.Answers(typeListener); got != 2 {
			t.Errorf("%d answers, want no empty one before the two", got)
		}
	})
}

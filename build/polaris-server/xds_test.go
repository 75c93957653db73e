package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// withXDS adds the xDS listener to a configuration, and returns its address.
func withXDS(config string) (changed, addr string) {
	port := strconv.Itoa(polaristest.FreePort())
	changed = strings.Replace(config, "  - name: set-admin", "  - {name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: "+port+"}}\n  - name: set-admin", 1)
	return changed, "127.0.0.1:" + port
}

// startXDS starts a server with the xDS listener, at the address.
func startXDS(t *testing.T, o polaristest.Options) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	if o.Config == "" {
		o.Config = polaristest.Config()
	}
	config, addr := withXDS(o.Config)
	o.Config = config
	server, console := startBinary(t, serverBinary, o)
	return server, console, addr
}

// xdsVariants are the variants of the protocol.
var xdsVariants = map[string]bool{"state of the world": false, "delta": true}

// dialADS opens a stream of xDS from an address.
func dialADS(t *testing.T, addr string, delta bool, source netip.Addr, node string) *polaristest.XDSClient {
	t.Helper()
	c, err := polaristest.DialXDS(t.Context(), addr, polaristest.XDSOptions{Delta: delta, Source: source, Node: &core.Node{Id: node}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// askXDS asks for resources.
func askXDS(t *testing.T, c *polaristest.XDSClient, typeURL string, names ...string) {
	t.Helper()
	if err := c.Ask(typeURL, names...); err != nil {
		t.Fatal(err, c.Err())
	}
}

// prioritiesOf returns the addresses of a cluster as a client has them, by priority.
func prioritiesOf(c *polaristest.XDSClient, cluster string) ([][]string, error) {
	packed := c.Has(resourcev3.EndpointType)[cluster]
	if packed == nil {
		return nil, fmt.Errorf("the client has no %s; its stream: %v", cluster, c.Err())
	}
	var a endpoint.ClusterLoadAssignment
	if err := packed.UnmarshalTo(&a); err != nil {
		return nil, err
	}
	out := [][]string{}
	for _, l := range a.Endpoints {
		for len(out) <= int(l.Priority) {
			out = append(out, nil)
		}
		for _, e := range l.LbEndpoints {
			out[l.Priority] = append(out[l.Priority], e.GetEndpoint().GetAddress().GetSocketAddress().GetAddress())
		}
		slices.Sort(out[l.Priority])
	}
	return out, nil
}

// hasPriorities waits until a client has the addresses of a cluster, by priority.
func hasPriorities(t *testing.T, c *polaristest.XDSClient, cluster string, want ...[]string) {
	t.Helper()
	wait(t, func() error {
		got, err := prioritiesOf(c, cluster)
		if err == nil && !slices.EqualFunc(got, want, slices.Equal) {
			err = fmt.Errorf("%s has %v, want %v", cluster, got, want)
		}
		return err
	})
}

const novelCluster = "OUTBOUND|default|novel"

// A caller has the roads of its rule, in both variants, and hears of changes.
func TestXDS(t *testing.T) {
	_, console, addr := startXDS(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, instance("other", "10.11.0.1", ""))
	for name, delta := range xdsVariants {
		t.Run(name, func(t *testing.T) {
			a := dialADS(t, addr, delta, shanghai, "sidecar~default/a~127.1.0.1")
			askXDS(t, a, resourcev3.EndpointType, novelCluster, "OUTBOUND|default|other", "OUTBOUND|default|absent")
			hasPriorities(t, a, novelCluster, []string{"10.11.0.1"}, []string{"10.13.0.1"})
			hasPriorities(t, a, "OUTBOUND|default|other", []string{"10.11.0.1"})
			hasPriorities(t, a, "OUTBOUND|default|absent")
			b := dialADS(t, addr, delta, shenzhen, "")
			askXDS(t, b, resourcev3.EndpointType, novelCluster)
			hasPriorities(t, b, novelCluster, []string{"10.12.0.1"}, []string{"10.13.0.1"})
			for _, isolate := range []bool{true, false} {
				if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", isolate); err != nil {
					t.Fatal(err)
				}
				want := [][]string{{"10.11.0.1"}, {"10.13.0.1"}}
				if isolate {
					want = want[1:]
				}
				hasPriorities(t, a, novelCluster, want...)
			}
		})
	}
}

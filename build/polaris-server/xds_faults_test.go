package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// In a fault of routing clients keep what they have, and after it they have what changed.
// With failOpen: true they have the stock assignment meanwhile.
func TestXDSFaults(t *testing.T) {
	for _, failClosed := range []bool{true, false} {
		t.Run(fmt.Sprintf("failOpen %t", !failClosed), func(t *testing.T) {
			t.Parallel()
			config, addr := withXDS(replacedConfig(t, "sources: [mapping, registry, report]", "sources: [kubernetes, mapping], kubernetes: {}"))
			server, console := startBinary(t, built(t, faultyBinary), polaristest.Options{Config: config, FailClosed: failClosed, Files: map[string]string{
				"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n",
			}})
			registerNovel(t, console, "novel")
			f := &faulty{server, console}
			c := dialADS(t, addr, true, shanghai, "")
			askXDS(t, c, resourcev3.EndpointType, novelCluster)
			hasPriorities(t, c, novelCluster, groupList, poolList)
			f.fault(t, true)
			f.isolate(t, "novel", true)
			if failClosed {
				enough := f.faults(t) + 4
				wait(t, func() error {
					if got := f.faults(t); got < enough {
						return errorf("%v faults, want %v", got, enough)
					}
					return nil
				})
				hasPriorities(t, c, novelCluster, groupList, poolList)
			} else {
				hasPriorities(t, c, novelCluster, []string{"10.12.0.1", "10.13.0.1", "10.14.0.1"})
			}
			f.fault(t, false)
			hasPriorities(t, c, novelCluster, poolList)
		})
	}
}

// Behind a balancer of TCP the caller is in the PROXY header of a trusted proxy.
func TestXDSBehindABalancer(t *testing.T) {
	config, addr := withXDS(polaristest.Config())
	config = strings.Replace(config, "xds-v3, option: {", "xds-v3, option: {proxyProtocol: true, ", 1)
	_, console := start(t, polaristest.Options{Config: config, TrustedProxies: []string{proxy.String()}})
	registerNovel(t, console, "novel")
	for caller, own := range map[netip.Addr]string{shanghai: "10.11.0.1", shenzhen: "10.12.0.1"} {
		c := dialADS(t, proxied(t, addr, caller), false, netip.Addr{}, "")
		askXDS(t, c, resourcev3.EndpointType, novelCluster)
		hasPriorities(t, c, novelCluster, []string{own}, poolList)
	}
}

// proxied returns the address of a balancer of TCP before a listener, which connects from
// proxy and writes a PROXY header for a caller.
func proxied(t *testing.T, target string, caller netip.Addr) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: proxy.AsSlice()}}
				out, err := dialer.Dial("tcp", target)
				if err != nil {
					return
				}
				defer out.Close()
				fmt.Fprintf(out, "PROXY TCP4 %s 127.0.0.1 4000 80\r\n", caller)
				go func() { _, _ = io.Copy(out, in) }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
	return listener.Addr().String()
}

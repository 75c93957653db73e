//go:build clients

package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const nacosSharesRouting = `
version: 1
rules:
  - {name: shares, service: default/shares, set: {}, degrade: {overprovision: 140}}
`

// The weighted choice of the Nacos SDKs for Go and Java follows the shares of
// degrade.overprovision: half of the SET is ill, and the pool takes 30%.
func TestClientsNacosShares(t *testing.T) {
	config, addr := polaristest.WithNacos(polaristest.Config())
	server, console := start(t, polaristest.Options{Config: config, Files: map[string]string{"conf/routing/routing.yaml": nacosSharesRouting}})
	usable := registerShares(t, console, "shares")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "shares"}, sharesView...)
	relay := relayNacos(t, shanghai, addr)
	for _, kind := range polaristest.NacosKinds() {
		if kind.Language != "go" && kind.Language != "java" {
			continue
		}
		t.Run(kind.String(), func(t *testing.T) {
			c := startNacos(t, kind, relay.Addr)
			c.queries(t, 0, "shares", slices.Sorted(slices.Values(sharesView)))
			const n = 100000
			c.do(t, fmt.Sprintf("select shares %d", n))
			var last polaristest.NacosNews
			wait(t, func() error {
				var count int
				if last, count = c.Last(0, "select", "shares"); count == 0 {
					return errorf("%s: no answer", kind)
				}
				return nil
			})
			if last.Error != "" {
				t.Error(last.Error)
			}
			t.Log(last.Times)
			checkShares(t, last.Times, n, func(host string) float64 { return usable[host] })
		})
	}
}

package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Polaris v1.18.1 stops a client without a token only with clientOpen and
// clientStrict. The server warns until both are set where Polaris reads them: such a
// client can publish the rules, and register instances at any address.
func TestClientsWithoutToken(t *testing.T) {
	for _, tt := range []struct {
		name, strategy, more string // in the place of clientOpen: false, and beside strategy
		refused              bool
	}{
		{"neither", "clientOpen: false", "", false},
		{"clientOpen alone", "clientOpen: true", "", false},
		{"clientStrict alone", "clientStrict: true", "", false},
		{"both in a section that Polaris does not read", "clientOpen: false", ", option: {clientOpen: true, clientStrict: true}", false},
		{"both", "clientOpen: true, clientStrict: true", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := polaristest.FreePort()
			config := strings.NewReplacer("clientOpen: false}}}", tt.strategy+"}}"+tt.more+"}",
				"\napiservers:", fmt.Sprintf("\napiservers:\n  - {name: config-grpc, option: {listenIP: 127.0.0.1, listenPort: %d}, api: {client: {enable: true}}}", port),
				"conf/routing/*.yaml", routingSource).Replace(polaristest.Config())
			config, xdsAddr := withXDS(config)
			server, console := start(t, polaristest.Options{Config: config})
			warning := "every client can publish " + routingSource + " by the listener config-grpc: set clientOpen: true and clientStrict: true under auth.strategy.option, or leave the listener out"
			if warned := strings.Contains(server.Log(), warning); warned == tt.refused {
				t.Errorf("warned: %t\n%s", warned, server.Log())
			}
			done(t, console.Publish(t.Context(), routingFile, "r1", routing))
			says(t, server, 0, "r1")
			for n, client := range []struct {
				token   string
				refused bool
			}{{"", tt.refused}, {"nonsense", tt.refused}, {console.Token(), false}} {
				release := fmt.Sprintf("by-client-%d", n)
				code, err := connect(t, fmt.Sprintf("127.0.0.1:%d", port), stranger).Publish(t.Context(), client.token, routingFile, release, routing, routing)
				wantRefused(t, "publishing with token "+client.token, code, err, client.refused)
				if !client.refused {
					says(t, server, 0, release)
				}
				fake := instance(fmt.Sprintf("fake-%d", n), "127.1.0.1", "ams.SH.1")
				code, err = connect(t, server.GRPCAddr, stranger).Register(t.Context(), client.token, fake)
				wantRefused(t, "registering with token "+client.token, code, err, client.refused)
				_, err = openHDS(t, xdsAddr, stranger, client.token).register(t, fake.Service+"-beside", stranger.String())
				if got := status.Code(err); got != codes.OK && !client.refused || got != codes.PermissionDenied && client.refused {
					t.Errorf("registering over HDS with token %q: %v", client.token, err)
				}
			}
		})
	}
}

// connect makes a connection over gRPC that ends with the test.
func connect(t *testing.T, addr string, source netip.Addr) *polaristest.Conn {
	t.Helper()
	conn, err := polaristest.Connect(t.Context(), addr, source)
	done(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// wantRefused compares Polaris's code with what auth should say.
func wantRefused(t *testing.T, what string, code uint32, err error, refused bool) {
	t.Helper()
	if err != nil || refused != (code/1000 == 401 || code/1000 == 403) || !refused && code != 200000 {
		t.Errorf("%s: code %d, %v, want to be refused: %t", what, code, err, refused)
	}
}

//go:build clients

package main

import (
	"fmt"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var grpcBinary = builder("grpc-go-client", "-C", "../../scripts/clients/grpc-go", ".")

// grpcRows are the rows for grpc-go-polaris in docs/compatibility.md.
var grpcRows = []clientRow{
	{"own", "A caller: its own group; the group is isolated, or unhealthy: the pool", grpcOwn},
	{"wildcard", "A caller with SET `a.b.*`: every group of the business", grpcWildcard},
	{"callee", "`WithDstMetadata` names a SET: the SDK's default routers do not read it, and the list decides (5)", grpcCallee},
	{"address", "The target is `host:port`, without `polaris://`: that address. Nobody asks Polaris, so no rule acts", grpcAddress},
	{"empty", "The list is empty: an open connection **goes on calling the instances that it had**, a new connection fails. Instances come back: both find them", grpcEmpty},
	{"mapping", "The mapping gives an instance another SET than the instance registered: the SET of the mapping counts", grpcMapping},
}

// Unmodified grpc-go-polaris calls the instances of its list.
// docs/compatibility.md has the rows.
func TestClientsGRPC(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/mapping.yaml": clientsMapping, "conf/routing/routing.yaml": clientsRouting,
	}})
	c := &clients{
		server: server, console: console,
		gateway: startClient(t, grpcBinary, server, gatewayAddr),
		novel:   startClient(t, grpcBinary, server, novelAddr),
		wild:    startClient(t, grpcBinary, server, wildAddr),
	}
	runRows(t, c, "grpc-go-polaris", grpcRows)
}

func grpcOwn(t *testing.T, c *clients) {
	own := c.register(t, "novel-own")
	call := command("novel-own")
	c.novel.reaches(t, call, novelHosts...)
	c.isolate(t, own, true)
	c.novel.reaches(t, call, novelPool)
	c.isolate(t, own, false)
	c.novel.reaches(t, call, novelHosts...)
	c.fall(t, own)
	c.novel.reaches(t, call, novelPool)
}

func grpcWildcard(t *testing.T, c *clients) {
	c.register(t, "novel-wild")
	c.wild.reaches(t, command("novel-wild"), append(novelHosts[:2:2], novelOther, novelPool)...)
}

func grpcCallee(t *testing.T, c *clients) {
	c.register(t, "novel-callee")
	c.novel.reaches(t, command("novel-callee", "calleeSET", "ams.SH.1"), novelHosts...)
}

func grpcAddress(t *testing.T, c *clients) {
	i := c.gateway.serve(t, "novel-address", amsHost, "qb.ams.h")
	c.novel.reaches(t, command("novel-address", "target", address(i)), amsHost)
}

func grpcEmpty(t *testing.T, c *clients) {
	i := c.gateway.serve(t, "novel-empty", novelHosts[0], "qb.novel.h")
	register(t, c.console, i, c.gateway.serve(t, "novel-empty", amsHost, "qb.ams.h"))
	call := command("novel-empty")
	c.novel.reaches(t, call, novelHosts[0])
	if err := c.console.Deregister(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	eventually(t, c.server, polaristest.Request{Source: novelAddr, Service: "novel-empty"})
	for n := 0; ; n++ {
		fresh := command("novel-empty", "calleeSET", fmt.Sprint("qb.novel.", n)) // has a connection of its own
		fresh["times"] = 1
		if got := c.novel.do(t, fresh); got.Failed == 1 {
			break // the SDK has the empty list
		}
	}
	c.novel.reaches(t, call, novelHosts[0])
	register(t, c.console, i)
	c.novel.reaches(t, call, novelHosts[0])
	c.novel.reaches(t, command("novel-empty", "calleeSET", "qb.novel.h"), novelHosts[0])
}

func grpcMapping(t *testing.T, c *clients) {
	register(t, c.console, c.gateway.serve(t, "novel-mapping", "127.55.0.1", "qb.old.x"), c.gateway.serve(t, "novel-mapping", amsHost, "qb.ams.h"))
	c.novel.reaches(t, command("novel-mapping"), "127.55.0.1")
}

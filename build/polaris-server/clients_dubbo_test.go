//go:build clients

package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var dubboBinary = builder("dubbo-go-client", "-C", "../../scripts/clients/dubbo-go", ".")

// dubboService is the interface that the program of dubbo-go calls, which is the
// name of the service in Polaris, too.
const dubboService = "test.Hello"

// dubboRows are the rows for dubbo-go in docs/compatibility.md. They share the
// service, so that one runs after the other.
var dubboRows = []clientRow{
	{"own", "A caller: its own group, of providers that registered themselves with `internal-set-name`; the group is isolated: the pool; the group is back: the group again", dubboOwn},
	{"empty", "The list is empty: calls fail. Instances come back: they are found", dubboEmpty},
	{"mapping", "The mapping gives a provider another SET than the provider registered: the SET of the mapping counts", dubboMapping},
}

// Unmodified dubbo-go calls the providers of its list. docs/compatibility.md has the
// rows.
func TestClientsDubbo(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/mapping.yaml": clientsMapping,
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: test, service: default/test.*, set: {}, degrade: {holdDown: 0s}}\n",
	}})
	for host, set := range map[string]string{novelHosts[0]: "qb.novel.h", novelPool: "qb.novel.*", amsHost: "qb.ams.h"} {
		startClient(t, dubboBinary, server, stranger, "-serve", host, "-set", set).answer(t)
	}
	eventually(t, server, polaristest.Request{Source: stranger, Service: dubboService}, novelHosts[0], novelPool, amsHost)
	runRows(t, &clients{server: server, console: console, novel: startClient(t, dubboBinary, server, novelAddr)}, "dubbo-go", dubboRows)
}

func dubboOwn(t *testing.T, c *clients) {
	group := []polaristest.Instance{instance(dubboService, novelHosts[0], "")}
	c.novel.reaches(t, command(dubboService), novelHosts[0])
	c.isolate(t, group, true)
	c.novel.reaches(t, command(dubboService), novelPool)
	c.isolate(t, group, false)
	c.novel.reaches(t, command(dubboService), novelHosts[0])
}

// The caller moves to a SET that has neither a group nor a pool.
func dubboEmpty(t *testing.T, c *clients) {
	write(t, c.server, "conf/mapping/mapping.yaml", strings.Replace(clientsMapping, "set: qb.novel.h}", "set: qb.other.h}", 1))
	c.novel.fails(t, command(dubboService))
	write(t, c.server, "conf/mapping/mapping.yaml", clientsMapping)
	c.novel.reaches(t, command(dubboService), novelHosts[0])
}

func dubboMapping(t *testing.T, c *clients) {
	write(t, c.server, "conf/mapping/mapping.yaml", clientsMapping+"  - {match: "+amsHost+", set: qb.novel.h}\n")
	c.novel.reaches(t, command(dubboService), novelHosts[0], amsHost)
}

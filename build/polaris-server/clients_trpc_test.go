package main

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The callers of the programs, and one instance whose SET the mapping decides.
const clientsMapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, region: east, zone: shanghai, set: set.SH.1}
  - {match: 127.3.0.0/16, region: east, zone: shanghai, set: qb.novel.h}
  - {match: 127.4.0.0/16, region: east, zone: shanghai, set: "qb.novel.*"}
  - {match: 127.55.0.1, set: qb.novel.h}
`

const clientsRouting = `
version: 1
aliases: {SH: h, SZ: z}
rules:
  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}
  - {name: one, service: default/one*, set: {caller: "qb.novel.{caller.set.2|alias}"}, degrade: {holdDown: 0s}}
`

// The addresses of the callers.
var (
	gatewayAddr = netip.MustParseAddr("127.1.0.1")
	novelAddr   = netip.MustParseAddr("127.3.0.1")
	wildAddr    = netip.MustParseAddr("127.4.0.1")
)

// The hosts of the instances that clientsWorld registers.
var (
	novelHosts = []string{"127.50.0.1", "127.50.0.2"} // qb.novel.h
	novelOther = "127.51.0.1"                         // qb.novel.z
	novelPool  = "127.52.0.1"                         // qb.novel.*
	amsHost    = "127.53.0.1"                         // qb.ams.h
	amsFixed   = "127.54.0.1"                         // ams.SH.1
)

// clients are programs of one framework, each a caller of another kind.
type clients struct {
	server               *polaristest.Server
	console              *polaristest.Console
	gateway, novel, wild *program
}

// register registers instances of two businesses, which the gateway's program
// serves.
func (c *clients) register(t *testing.T, service string) (novel []polaristest.Instance) {
	t.Helper()
	for _, host := range novelHosts {
		novel = append(novel, c.gateway.serve(t, service, host, "qb.novel.h"))
	}
	register(t, c.console, append(slices.Clone(novel),
		c.gateway.serve(t, service, novelOther, "qb.novel.z"),
		c.gateway.serve(t, service, novelPool, "qb.novel.*"),
		c.gateway.serve(t, service, amsHost, "qb.ams.h"),
		c.gateway.serve(t, service, amsFixed, "ams.SH.1"))...)
	return novel
}

// isolate takes the instances out, or back in.
func (c *clients) isolate(t *testing.T, instances []polaristest.Instance, isolate bool) {
	t.Helper()
	for _, i := range instances {
		if err := c.console.Isolate(t.Context(), i.Namespace, i.Service, i.Host, isolate); err != nil {
			t.Fatal(err)
		}
	}
}

// fall makes the instances unhealthy, though they go on serving.
func (c *clients) fall(t *testing.T, instances []polaristest.Instance) {
	t.Helper()
	instances = slices.Clone(instances)
	for i := range instances {
		instances[i].Healthy = false
	}
	if err := c.console.Update(t.Context(), instances...); err != nil {
		t.Fatal(err)
	}
}

// trpcRows are the rows for tRPC-Go in docs/compatibility.md.
var trpcRows = []clientRow{
	{"own", "A caller without a setting: its own group; the group is isolated, or unhealthy: the pool", trpcOwn},
	{"full-set-name", "`global.full_set_name` is the SET of the caller: the SDK's set router agrees, by own group and pool, also for calls inside of a request", trpcFullSetName},
	{"wildcard", "The same for `full_set_name: a.b.*`: every group of the business", trpcWildcard},
	{"request", "`WithCallerSetName` names another group of the business than the list is for: no instance. It names another business: **an instance of the list, so of the wrong business**", trpcRequest},
	{"callee", "`WithCalleeSetName` names a SET that the list does not have: no instance", trpcCallee},
	{"ip", "`WithTarget(\"ip://...\")`: the address that it says. Nobody asks Polaris, so no rule acts", trpcIP},
	{"selector", "`WithTarget(\"polarismesh://...\")`: an instance of the caller's list. The plugin's selector does not read the SET options", trpcSelector},
	{"empty", "The list is empty: calls fail at once. Instances come back: they are found", trpcEmpty},
	{"mapping", "The mapping gives an instance another SET than the instance registered: `full_set_name` finds the instance under the SET of the mapping", trpcMapping},
}

// Unmodified tRPC-Go calls the instances of its list. docs/compatibility.md has the
// rows.
func TestClientsTRPC(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/mapping.yaml": clientsMapping, "conf/routing/routing.yaml": clientsRouting,
	}})
	c := &clients{
		server: server, console: console,
		gateway: startClient(t, trpcBinary, server, gatewayAddr),
		novel:   startClient(t, trpcBinary, server, novelAddr, "-full-set-name", "qb.novel.h"),
		wild:    startClient(t, trpcBinary, server, wildAddr, "-full-set-name", "qb.novel.*"),
	}
	runRows(t, c, "tRPC-Go", trpcRows)
}

func trpcOwn(t *testing.T, c *clients) {
	own := c.register(t, "one-own")
	call := command("one-own")
	c.gateway.reaches(t, call, novelHosts...)
	c.isolate(t, own, true)
	c.gateway.reaches(t, call, novelPool)
	c.isolate(t, own, false)
	c.gateway.reaches(t, call, novelHosts...)
	c.fall(t, own)
	c.gateway.reaches(t, call, novelPool)
}

func trpcFullSetName(t *testing.T, c *clients) {
	own := c.register(t, "novel-full")
	call, inside := command("novel-full"), command("novel-full")
	inside["through"] = true
	both := func(hosts ...string) {
		t.Helper()
		c.novel.reaches(t, call, hosts...)
		c.novel.reaches(t, inside, hosts...)
	}
	both(novelHosts...)
	c.isolate(t, own, true)
	both(novelPool)
	c.isolate(t, own, false)
	both(novelHosts...)
	c.fall(t, own)
	both(novelPool)
}

func trpcWildcard(t *testing.T, c *clients) {
	c.register(t, "novel-wild")
	c.wild.reaches(t, command("novel-wild"), append(slices.Clone(novelHosts), novelOther, novelPool)...)
}

func trpcRequest(t *testing.T, c *clients) {
	c.register(t, "one-request")
	c.gateway.reaches(t, command("one-request", "callerSET", "qb.novel.h"), novelHosts...)
	c.gateway.fails(t, command("one-request", "callerSET", "qb.novel.z"))
	c.gateway.reaches(t, command("one-request", "callerSET", "ams.SH.1"), novelHosts...)
}

func trpcCallee(t *testing.T, c *clients) {
	c.register(t, "one-callee")
	c.gateway.reaches(t, command("one-callee", "calleeSET", "qb.novel.h"), novelHosts...)
	c.gateway.fails(t, command("one-callee", "calleeSET", "ams.SH.1"))
}

func trpcIP(t *testing.T, c *clients) {
	i := c.gateway.serve(t, "one-ip", amsHost, "qb.ams.h")
	register(t, c.console, i)
	c.gateway.reaches(t, command("one-ip", "target", "ip://"+address(i), "callerSET", "qb.novel.h"), amsHost)
}

func trpcSelector(t *testing.T, c *clients) {
	c.register(t, "one-selector")
	target := "polarismesh://one-selector"
	c.gateway.reaches(t, command("one-selector", "target", target), novelHosts...)
	c.gateway.reaches(t, command("one-selector", "target", target, "callerSET", "ams.SH.1"), novelHosts...)
	c.gateway.reaches(t, command("one-selector", "target", target, "calleeSET", "ams.SH.1"), novelHosts...)
}

func trpcEmpty(t *testing.T, c *clients) {
	i := c.gateway.serve(t, "novel-empty", novelHosts[0], "qb.novel.h")
	register(t, c.console, i, c.gateway.serve(t, "novel-empty", amsHost, "qb.ams.h"))
	c.novel.reaches(t, command("novel-empty"), novelHosts[0])
	if err := c.console.Deregister(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	c.novel.fails(t, command("novel-empty"))
	register(t, c.console, i)
	c.novel.reaches(t, command("novel-empty"), novelHosts[0])
}

func trpcMapping(t *testing.T, c *clients) {
	register(t, c.console, c.gateway.serve(t, "novel-mapping", "127.55.0.1", "qb.old.x"), c.gateway.serve(t, "novel-mapping", amsHost, "qb.ams.h"))
	c.novel.reaches(t, command("novel-mapping"), "127.55.0.1")
}

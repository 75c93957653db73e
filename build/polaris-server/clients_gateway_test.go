package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// recipe is a recipe of docs/tutorial-set.md for a gateway that names a SET in each
// request.
type recipe struct {
	key  string
	file string // the routing file of the page

	novel, ams, fixed map[string]any // how the gateway asks for each business

	fallen   []string // who serves novel when its group is unhealthy
	isolated []string // and when the group is isolated
}

// gatewayRecipes returns the recipes with the routing files of a page, in its order.
func gatewayRecipes(t *testing.T, page, heading string) []recipe {
	t.Helper()
	_, section, ok := strings.Cut(repoFile(t, page), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var files []string
	for i, part := range strings.Split(section, "\n```") {
		if file, ok := strings.CutPrefix(part, "yaml routing\n"); ok && i%2 == 1 {
			files = append(files, strings.ReplaceAll(file, "10.1.", "127.1."))
		}
	}
	if len(files) != 3 {
		t.Fatalf("%s has %d routing files under %q, want 3", page, len(files), heading)
	}
	novel, ams, fixed := command("server-b", "callerSET", "qb.novel.h"), command("server-b", "callerSET", "qb.ams.h"), command("server-b", "calleeSET", "ams.SH.1")
	pool := []string{novelPool}
	return []recipe{
		{"callers", files[0], novel, ams, fixed, pool, pool},
		{"addresses", files[1], command("server-b.novel"), command("server-b.ams"), command("server-b.fixed"), pool, pool},
		{"without-stages", files[2], novel, ams, fixed, novelHosts, pool},
	}
}

// Each recipe sends the requests of a gateway to the SETs that they name, with
// unmodified tRPC-Go. Whether the gateway leaves a group that is down is as the page
// says.
func TestClientsGateway(t *testing.T) {
	for _, r := range gatewayRecipes(t, "docs/tutorial-set.md", "A caller that names a SET in each request") {
		t.Run(r.key, func(t *testing.T) {
			t.Parallel()
			server, console := start(t, polaristest.Options{Files: map[string]string{
				"conf/mapping/mapping.yaml": clientsMapping, "conf/routing/routing.yaml": r.file,
			}})
			gateway := startClient(t, trpcBinary, server, gatewayAddr)
			c := &clients{server: server, console: console, gateway: gateway}
			group := c.register(t, "server-b")
			gateway.reaches(t, r.novel, novelHosts...)
			gateway.reaches(t, r.ams, amsHost)
			gateway.reaches(t, r.fixed, amsFixed)

			c.fall(t, group)
			r.check(t, c, r.fallen, func(i polaristest.Instance) bool { return !i.Healthy })
			c.isolate(t, group, true)
			r.check(t, c, r.isolated, func(i polaristest.Instance) bool { return i.Isolate })
		})
	}
}

// check waits until the group's instances are down for the server, and wants these
// hosts to serve. The gateway is a new one, whose first list has the change.
func (r recipe) check(t *testing.T, c *clients, hosts []string, down func(polaristest.Instance) bool) {
	t.Helper()
	wait(t, func() error {
		request := polaristest.Request{Source: novelAddr, Service: "server-b"}
		for _, i := range discover(t, c.server, request).Instances {
			if i.Host == novelHosts[0] || i.Host == novelHosts[1] {
				if !down(i) {
					return errorf("%+v is not down yet", i)
				}
			}
		}
		return nil
	})
	gateway := startClient(t, trpcBinary, c.server, gatewayAddr)
	gateway.reaches(t, r.novel, hosts...)
}

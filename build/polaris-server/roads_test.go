package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const roadsRouting = `
version: 1
aliases: {shanghai: h}
places:
  cities:
    south/shenzhen: [east/nanjing]
    "*": [region, all]
rules:
  - {name: lost, service: default/lost, nearby: {}, degrade: {unhealthyPercent: 50, holdDown: 0s}}
  - {name: gate, service: default/gate, set: {callers: ["qb.{each}.{caller.zone|alias}", ams.SH.1]}}
  - {name: gray, service: default/gray, set: {tiers: [own, unset], unknown: unset}}
  - {name: later, service: default/later, nearby: {}, degrade: {holdDown: 0s}}
  - {name: drawn, service: default/drawn, nearby: {places: cities}, degrade: {holdDown: 0s}}
  - {name: switch, service: "default/switch*", when: {serviceMetadata: {internal-enable-nearby: "true"}}, nearby: {}}
evacuate:
  - {zone: east/nanjing, from: %s, until: %s, reason: drill}
`

// A lost city of two, callers with several SETs, who has no SET, a map of places, the
// console's switch, and an evacuation that begins later: with a real server.
func TestRoads(t *testing.T) {
	begin := time.Now().Add(25 * time.Second).Truncate(time.Second)
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/routing/routing.yaml": fmt.Sprintf(roadsRouting, begin.Format(time.RFC3339), begin.Add(time.Hour).Format(time.RFC3339)),
	}})
	near := func(service, host string, healthy bool) polaristest.Instance {
		i := instance(service, host, "")
		i.Healthy = healthy
		return i
	}
	register(t, console,
		near("lost", "10.21.0.1", false), near("lost", "10.21.0.2", false), near("lost", "10.23.0.1", true), near("lost", "10.23.0.2", true))
	register(t, console, instance("gate", "10.11.0.1", "qb.novel.h"), instance("gate", "10.11.0.2", "qb.comic.h"), instance("gate", "10.12.0.1", "qb.comic.z"), instance("gate", "10.14.0.1", "ams.SH.1"))
	register(t, console, instance("gray", "10.31.0.1", "lane.gray.1"), instance("gray", "10.31.0.2", ""))
	register(t, console, near("drawn", "10.21.0.1", false), near("drawn", "10.23.0.1", true))
	register(t, console, near("later", "10.21.0.1", true), near("later", "10.23.0.1", true))
	register(t, console, near("switched", "10.21.0.1", true), near("switched", "10.23.0.1", true))

	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "lost"}, "10.21.0.1", "10.21.0.2", "10.23.0.1", "10.23.0.2")
	got := eventually(t, server, polaristest.Request{Source: shanghai, Service: "gate"}, "10.11.0.1", "10.11.0.2", "10.14.0.1")
	if e := explained(t, server, shanghai.String(), "gate"); e.Revision != got.Service.Revision || len(e.Choices) != 3 || e.Tier != "" {
		t.Errorf("explained %+v, sent revision %s", e, got.Service.Revision)
	}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "gray"}, "10.31.0.2")
	if time.Now().Before(begin) {
		eventually(t, server, polaristest.Request{Source: shanghai, Service: "later"}, "10.23.0.1")
	}
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "drawn"}, "10.23.0.1")
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "switched"}, "10.21.0.1", "10.23.0.1")

	// A new business is followed without an edit; the
	// console's switch puts the rule in force.
	register(t, console, instance("gate", "10.11.0.3", "qb.games.h"))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "gate"}, "10.11.0.1", "10.11.0.2", "10.11.0.3", "10.14.0.1")
	done(t, console.SetMetadata(t.Context(), "default", "switched", map[string]string{"internal-enable-nearby": "true"}))
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "switched"}, "10.21.0.1")

	// The evacuation begins by itself. On the roads from Shenzhen, Nanjing has the last
	// usable instance of drawn: it stays, and the status says so.
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "later"}, "10.21.0.1")
	if now := time.Now(); now.Before(begin) {
		t.Errorf("the evacuation began %s too early", begin.Sub(now))
	}
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "drawn"}, "10.23.0.1")
	if code, out := setctl(t, server, "status"); code != 0 || !strings.Contains(out, `rule "drawn": evacuations do not count for 1 kind of callers of "default/drawn"`) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

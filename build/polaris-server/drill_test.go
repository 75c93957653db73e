package main

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The load of twelve instances on two of the pool: a drill says it beforehand, and when
// the twelve are ill, status, metric and setctl say the same, until they are well again.
func TestDrillAndLoad(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/mapping/mapping.yaml": matrixMapping, "conf/routing/routing.yaml": matrixRouting}})
	var own []polaristest.Instance
	for n := range 12 {
		own = append(own, instance("novel", fmt.Sprintf("10.11.0.%d", n+1), ""))
	}
	register(t, console, own...)
	register(t, console, instance("novel", "10.13.0.1", ""), instance("novel", "10.13.0.2", ""))
	ask := func() {
		t.Helper()
		for n := range 6 {
			discover(t, server, polaristest.Request{Source: netip.AddrFrom4([4]byte{127, 1, 0, byte(n + 1)}), Service: "novel"})
		}
	}
	// load waits for a load in the metric of a road, and in the status.
	load := func(tier, level string, want float64) (status api.Status) {
		t.Helper()
		wait(t, func() error {
			ask()
			metric := fmt.Sprintf("setrouter_load{level=%q,rule=\"novel\",tier=%q} %g\n", level, tier, want)
			if text := httpGet(t, "http://"+server.HTTPAddr+"/metrics", ""); !strings.Contains(text, metric) {
				return errorf("the metrics have no %s", metric)
			}
			status = api.Status{}
			adminJSON(t, server, "status", &status)
			if known := status.State.Counts["first"] + status.State.Counts["widened"]; math.Abs(status.Load.Highest-want) > 1e-9 || known != 6 {
				return errorf("the status has %+v of %d callers, want %g of 6", status.Load, known, want)
			}
			return nil
		})
		return status
	}
	load("own", "zone", 1)

	var drill world.Drill
	adminJSON(t, server, "drill?each=set&place=qb.novel.h&service=default/novel", &drill)
	if len(drill.Losses) != 1 || len(drill.Losses[0].Roads) != 1 || drill.Losses[0].Nothing.Pairs != 0 {
		t.Fatalf("%+v", drill)
	}
	if road := drill.Losses[0].Roads[0]; drill.Callers != 6 || road.Seen != 6 || road.Tier != "pool" || math.Abs(road.Times-6) > 1e-9 || *road.Before != 0 {
		t.Errorf("%d callers, the pool would carry %+v", drill.Callers, road)
	}
	code, out := setctl(t, server, "drill", "--set", "qb.novel.h", "--fail-on", "unusable,load=3")
	const row = "load 6.0 times, now 0.0  default/novel  rule novel, tier pool at level all  6 callers  2 usable of qb.novel.* in south/shenzhen"
	if code != 1 || !strings.HasPrefix(out, "fails: load=3, for 1 of 1\n") || !strings.Contains(out, row) {
		t.Errorf("exit code %d: %s", code, out)
	}

	for n := range own {
		own[n].Healthy = false
	}
	done(t, console.Update(t.Context(), own...))
	status := load("pool", "all", 6)
	if status.Load.Over != 1 || status.Health.Colour != api.ColourAmber {
		t.Errorf("%+v, %+v", status.Load, status.Health)
	}
	if _, out := setctl(t, server, "status"); !strings.Contains(out, "AMBER  overloaded: default/novel, rule novel: 2 usable instances of qb.novel.* in south/shenzhen carry 6.0 times what the callers put on their first road when everything works\n") {
		t.Errorf("the status is\n%s", out)
	}
	for n := range own {
		own[n].Healthy = true
	}
	done(t, console.Update(t.Context(), own...))
	load("own", "zone", 1)
}

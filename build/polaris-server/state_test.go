package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// What callers have now: status, its exit code and the metric say who has nothing while
// it lasts, for the service that was asked for, and end when it is healed.
func TestStateFollowsCallers(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/mapping.yaml": "version: 1\nmappings:\n  - {match: 127.0.0.0/24, set: qb.novel.h}\n",
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel, set: {unknown: none}}\n  - {name: feed, service: default/feed, set: {}}\n",
	}})
	own, pool := instance("novel", "10.11.0.1", "qb.novel.h"), instance("novel", "10.13.0.1", "qb.novel.*")
	register(t, console, own, pool, instance("feed", "10.11.0.2", "qb.novel.h"))
	known, unknown := polaristest.Request{Source: addr("127.0.0.9"), Service: "novel"}, polaristest.Request{Source: addr("127.0.5.9"), Service: "novel"}
	says := func(step string, wantCode int, headline string, metrics map[string]float64) {
		t.Helper()
		wait(t, func() error {
			discover(t, server, known)
			discover(t, server, unknown)
			code, out := setctl(t, server, "status")
			first, _, _ := strings.Cut(out, "\n")
			if code != wantCode || first != headline {
				return errorf("%s: exit code %d, first line %q, want %d, %q", step, code, first, wantCode, headline)
			}
			for state, want := range metrics {
				if got := metric(t, server, "setrouter_callers", `rule="novel"`, `state="`+state+`"`); got != want {
					return errorf("%s: %v callers in state %s, want %v", step, got, state, want)
				}
			}
			if got := metric(t, server, "setrouter_callers", `rule="feed"`); got != 0 {
				return errorf("%s: %v callers of a service that nobody asked for", step, got)
			}
			return nil
		})
	}
	says("all lives", 0, "nobody is without a usable instance; of 2 callers 1 has nothing, as they are not known",
		map[string]float64{"first": 1, "unknown": 1, "widened": 0, "empty": 0})
	set := func(i polaristest.Instance, healthy bool) {
		t.Helper()
		i.Healthy = healthy
		if err := console.Update(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	set(own, false)
	says("own is down", 0, "nobody is without a usable instance; of 2 callers 1 has a later road than the first, 1 has nothing, as they are not known",
		map[string]float64{"first": 0, "widened": 1})
	set(pool, false)
	says("the pool is down, too", 1, "1 caller without a usable instance: default/novel for qb.novel.h in -, by rule novel, has 0 of 1 usable",
		map[string]float64{"unusable": 1, "widened": 0})
	if err := console.Deregister(t.Context(), own, pool); err != nil {
		t.Fatal(err)
	}
	register(t, console, instance("novel", "10.14.0.1", "ams.SH.1"))
	says("only another business", 1, "1 caller without a usable instance: default/novel for qb.novel.h in -, by rule novel, has 0 of 0 usable",
		map[string]float64{"empty": 1, "unusable": 0})
	register(t, console, own)
	says("healed", 0, "nobody is without a usable instance; of 2 callers 1 has nothing, as they are not known",
		map[string]float64{"first": 1, "empty": 0})
}

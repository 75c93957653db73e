package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// picks is how often the SDK's load balancer is asked for each percent.
const picks = 100_000

// The callers of an old service move to a core lane by weight, and back, with
// the unmodified SDK and no change of theirs: of the choices that the SDK makes,
// the lane gets its percent, within four standard deviations and what whole
// weights can do.
func TestMigrationByWeight(t *testing.T) {
	rules := func(percent string) string {
		return fmt.Sprintf("version: 1\naddresses:\n  - {service: default/old, target: default/new, set: {callee: epp.core.bj}, rollout: {percent: %s, by: weight}}\n", percent)
	}
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": rules("0")}})
	register(t, console,
		instance("old", "10.41.0.1", ""), instance("old", "10.41.0.2", ""), instance("old", "10.41.0.3", ""),
		instance("new", "10.42.0.1", "epp.core.bj"), instance("new", "10.42.0.2", "epp.core.bj"), instance("new", "10.43.0.1", "epp.query.bj"))
	old := []string{"10.41.0.1", "10.41.0.2", "10.41.0.3"}
	core := []string{"10.42.0.1", "10.42.0.2"}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "old"}, old...)
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "new"}, "10.42.0.1", "10.42.0.2", "10.43.0.1")

	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	if err := sdk.Add("caller", shanghai, server); err != nil {
		t.Fatal(err)
	}
	both := append(append([]string{}, old...), core...)
	for _, step := range []struct {
		percent string
		share   float64
		hosts   []string
	}{{"0", 0, old}, {"1", 0.01, both}, {"10", 0.1, both}, {"50", 0.5, both}, {"100", 1, core}, {"10", 0.1, both}, {"0", 0, old}} {
		write(t, server, "conf/routing/routing.yaml", rules(step.percent))
		inForce(t, server, "old", step.percent)
		eventually(t, server, polaristest.Request{Source: shanghai, Service: "old"}, step.hosts...)
		revision := discover(t, server, polaristest.Request{Source: shanghai, Service: "old"}).Service.Revision
		wait(t, func() error {
			got, err := sdk.Get("caller", "default", "old")
			if err != nil {
				t.Fatal(err)
			}
			if got.Revision != revision {
				return errorf("at %s%% the SDK has revision %s, the server %s", step.percent, got.Revision, revision)
			}
			return nil
		})
		got, err := sdk.Pick("caller", "default", "old", picks)
		if err != nil {
			t.Fatal(err)
		}
		lane := got.Times["10.42.0.1"] + got.Times["10.42.0.2"]
		all := lane
		for _, host := range old {
			all += got.Times[host]
		}
		if all != picks || got.Times["10.43.0.1"] != 0 {
			t.Errorf("at %s%%: %v", step.percent, got.Times)
		}
		slack := 4*math.Sqrt(step.share*(1-step.share)/picks) + step.share*0.01
		if share := float64(lane) / picks; math.Abs(share-step.share) > slack {
			t.Errorf("at %s%% the lane has %.4f of the choices, want %.4f +- %.4f", step.percent, share, step.share, slack)
		}
		t.Logf("%s%%: %d of %d choices for the lane", step.percent, lane, picks)
	}
}

// inForce waits until the rule of a service is enforced at a percent.
func inForce(t *testing.T, s *polaristest.Server, service, percent string) {
	t.Helper()
	wait(t, func() error {
		if e := explained(t, s, shanghai.String(), service); fmt.Sprint(e.Rule.Percent) != percent || e.Rule.Mode != "enforce" {
			return errorf("rule %+v, want %s%%", e.Rule, percent)
		}
		return nil
	})
}

// A rule is introduced as docs/rollout.md says: shadow, a share of the callers,
// all of them, and back.
func TestIntroducingARule(t *testing.T) {
	rule := func(s string) string {
		return "version: 1\nrules:\n  - {name: novel, service: default/novel, set: {}, " + s + "}\n"
	}
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": rule("mode: shadow")}})
	registerNovel(t, console, "novel")
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	eventually(t, server, caller, all...)

	// Shadow: the stock answer, bytes and revision, and the decision beside it.
	if e := explained(t, server, shanghai.String(), "novel"); e.Answer != "shadow" || e.Sent != 4 || e.Tier != "own" {
		t.Errorf("explained %+v", e)
	}
	// Polaris calculates a revision some time after the instances are there.
	stock := discover(t, server, caller).Service.Revision
	sent, decided := metric(t, server, "setrouter_shadow_sent_instances_total"), metric(t, server, "setrouter_shadow_decided_instances_total")
	if sent != 4*decided || metric(t, server, "setrouter_shadow_requests_total", `outcome="narrower"`) == 0 {
		t.Errorf("shadow: %v instances sent, %v decided, want 4 to 1", sent, decided)
	}

	// By caller: whoever is in at a percent is in at all higher ones.
	routed := func() (n int) {
		for i := range 100 {
			if e := explained(t, server, fmt.Sprintf("127.1.7.%d", i+1), "novel"); e.Answer == "routed" {
				n++
			}
		}
		return n
	}
	before := 0
	for _, percent := range []string{"10", "50", "100"} {
		write(t, server, "conf/routing/routing.yaml", rule("rollout: {percent: "+percent+"}"))
		inForce(t, server, "novel", percent)
		n := routed()
		if n <= before {
			t.Errorf("at %s%%: %d of 100 callers are routed, %d before", percent, n, before)
		}
		before = n
	}
	if before != 100 {
		t.Errorf("at 100%%: %d of 100 callers are routed", before)
	}
	eventually(t, server, caller, "10.11.0.1")
	write(t, server, "conf/routing/routing.yaml", rule("rollout: {percent: 0}"))
	if back := eventually(t, server, caller, all...).Service.Revision; back != stock {
		t.Errorf("rolled back to revision %s, was %s", back, stock)
	}
}

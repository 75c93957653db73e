package world_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// An evacuation says whom it does not reach, and who keeps evacuated instances.
func TestReach(t *testing.T) {
	const evacuate = "\nevacuate: [{zone: south/sz, until: 2026-11-24T10:00:00Z}]"
	for _, tt := range []struct{ name, routing, want string }{
		{"everybody", "rules: [{name: all, service: \"default/*\", nearby: {}, onEmpty: empty}]", ""},
		{"services without a rule, and in shadow", "rules: [{name: s, service: default/s, mode: shadow, set: {}}]",
			`  IT DOES NOT REACH these callers of 2 services with 2 instances there, who keep them in their lists:
    default/near  1 there  4 of 4 kinds of callers  2 asked lately  no rule matches
    default/s     1 there  4 of 4 kinds of callers  2 asked lately  rule s: mode: shadow
`},
		{"outside of a rollout, and an exception", "rules: [{name: ex, service: default/s, when: {ip: [10.1.0.0/16]}}, {name: s, service: default/s, nearby: {}}, {name: near, service: default/near, nearby: {}, rollout: {percent: 0}}]",
			`  IT DOES NOT REACH these callers of 2 services with 2 instances there, who keep them in their lists:
    default/near  1 there  4 of 4 kinds of callers  2 asked lately  rule near: the caller is outside of the rollout
    default/s     1 there  1 of 4 kinds of callers  1 asked lately  rule ex: the rule has no stages
`},
		{"who has no other", "rules: [{name: s, service: default/s, set: {tiers: [own], unknown: none}}, {name: near, service: default/near, nearby: {}}]",
			`  IT DOES NOT COUNT for 1 kind of callers, who keep evacuated instances, as no road has another usable one:
    LEFT  default/s  qb.novel.z in south/sz  as 10.1.0.9  rule s  1 of 1 usable  1 asked lately
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.routing+evacuate)
			var text bytes.Buffer
			reach := w.Reach(w.Rules.AllEvacuations())
			reach[0].Text(&text, "  ")
			if diff := cmp.Diff(tt.want, text.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Of some addresses of every kind a rollout by caller leaves a part outside.
func TestReachInRollout(t *testing.T) {
	w := newWorld(t, "rules: [{name: all, service: \"default/*\", nearby: {}, rollout: {percent: 99.99}}]\nevacuate: [{zone: south/sz, until: 2026-11-24T10:00:00Z}]")
	reach := w.Reach(w.Rules.AllEvacuations())[0]
	if reach.UnreachedServices != 2 || reach.Unreached[0].Why != string(route.WhyRolledOut) {
		t.Errorf("%+v", reach)
	}
	w = newWorld(t, "rules: [{name: all, service: \"default/*\", nearby: {}, rollout: {percent: 50, by: weight}}]\nevacuate: [{zone: south/sz, until: 2026-11-24T10:00:00Z}]")
	if reach := w.Reach(w.Rules.AllEvacuations())[0]; reach.UnreachedServices != 0 {
		t.Errorf("by weight: %+v", reach)
	}
}

// The reach is what World.Explain says of each kind of caller and each service.
func TestReachIsWhatIsExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		list := w.Rules.AllEvacuations()
		for n, reach := range w.Reach(list) {
			var unreached, left []string
			for _, service := range w.Services() {
				for _, k := range w.Kinds() {
					e := w.Explain(world.Request{Addr: k.Addr, Service: service})
					kept := 0
					for _, i := range e.Instances {
						if i.Sent && list[n].TakesOut(i.Location, location.SET(i.SET)) {
							kept++
						}
					}
					routed := e.Answer == "routed" || e.Answer == "blended"
					switch {
					case kept == 0 || !w.Now.Before(list[n].Until):
					case routed && list[n].InForce(w.Now):
						left = append(left, fmt.Sprint(service, " ", k.Addr, " ", kept))
					case !routed:
						unreached = append(unreached, service.String())
					}
				}
			}
			var gotLeft []string
			for _, l := range reach.Left {
				gotLeft = append(gotLeft, fmt.Sprint(l.Service, " ", l.Address, " ", l.Instances))
			}
			slices.Sort(left)
			slices.Sort(gotLeft)
			if diff := cmp.Diff(left, gotLeft); diff != "" && list[n].InForce(w.Now) {
				t.Errorf("left by %v (-want +got):\n%s", list[n], diff)
			}
			for _, service := range unreached {
				if !slices.ContainsFunc(reach.Unreached, func(u world.Unreached) bool { return u.Service == service }) {
					t.Errorf("%v does not reach %s, and says that it does: %+v", list[n], service, reach.Unreached)
				}
			}
			for _, u := range reach.Unreached {
				if !slices.Contains(unreached, u.Service) && u.Kinds > 0 {
					t.Errorf("%v reaches %s, and says that it does not: %+v", list[n], u.Service, u)
				}
			}
		}
	})
}

// A status asks for the reach of each evacuation.
func BenchmarkReach(b *testing.B) {
	w := large(b, asIs)
	var e route.Evacuation
	for _, id := range w.Table.Identities() {
		if id.Location.Depth() > 1 {
			e = route.Evacuation{Location: id.Location.Cut(2), Until: w.Now.Add(time.Hour)}
		}
	}
	for b.Loop() {
		b.ReportMetric(float64(len(w.Reach([]route.Evacuation{e})[0].Unreached)), "unreached")
	}
}

package explain_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// An answer by weight says when one side went out alone, and for want of what.
func TestWhyBlended(t *testing.T) {
	const byRule = "rules: [{name: r, service: d/s, set: {unknown: none}, rollout: {percent: 10, by: weight}}]"
	const byLane = "addresses: [{service: d/s, target: d/t, set: {callee: a.b.c}, rollout: {percent: 10, by: weight}}]"
	of := func(service, host, set string, weight uint32) world.Instance {
		return world.Instance{ID: host, Service: route.Service{Namespace: "d", Name: service}, Host: host, Port: 80, Healthy: true, Weight: weight, Metadata: map[string]string{"set-group": set}}
	}
	for _, tt := range []struct {
		name, routing, caller string
		instances             []world.Instance
		want                  string
	}{
		{"both sides", byRule, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "a.b.c", 100), of("s", "10.1.0.2", "x.y.z", 100)}, `
  so: the rule decides
  + 10.1.0.1:80  a.b.c  -  weight 10000  
  + 10.1.0.2:80  x.y.z  -  weight 8182   not the rule's choice: SET "x.y.z" is in no tier of "a.b.c"`},
		{"no choice", byRule, "10.0.0.9", []world.Instance{of("s", "10.1.0.1", "a.b.c", 100), of("s", "10.1.0.2", "x.y.z", 100)}, `
  so: by weight: the rule's choice has no usable weight, so the other instances of the stock answer go out alone
  + 10.1.0.1:80  a.b.c  -  weight 100  not the rule's choice: the caller's SET is not known, and unknown: none does not give it this instance
  + 10.1.0.2:80  x.y.z  -  weight 100  not the rule's choice: the caller's SET is not known, and unknown: none does not give it this instance`},
		{"a choice without weight", byRule, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "a.b.c", 0), of("s", "10.1.0.2", "x.y.z", 100)}, `
  so: by weight: the rule's choice has no usable weight, so the other instances of the stock answer go out alone
  - 10.1.0.1:80  a.b.c  -  weight 0    chosen, not sent
  + 10.1.0.2:80  x.y.z  -  weight 100  not the rule's choice: SET "x.y.z" is in no tier of "a.b.c"`},
		{"others without weight", byRule, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "a.b.c", 100), of("s", "10.1.0.2", "x.y.z", 0)}, `
  so: by weight: the other instances of the stock answer have no usable weight, so the rule's choice goes out alone
  + 10.1.0.1:80  a.b.c  -  weight 100  
  - 10.1.0.2:80  x.y.z  -  weight 0    SET "x.y.z" is in no tier of "a.b.c"`},
		{"nothing has weight", byRule, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "a.b.c", 0), of("s", "10.1.0.2", "x.y.z", 0)}, `
  so: by weight: neither the rule's choice nor another instance has usable weight, so the stock answer goes out
  + 10.1.0.1:80  a.b.c  -  weight 0  
  + 10.1.0.2:80  x.y.z  -  weight 0  not the rule's choice: SET "x.y.z" is in no tier of "a.b.c"`},
		{"no others", byRule, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "a.b.c", 100)}, `
  so: the rule decides
  + 10.1.0.1:80  a.b.c  -  weight 100  `},
		{"a lane without instances", byLane, "10.0.0.1", []world.Instance{of("s", "10.1.0.1", "x.y.z", 100), of("t", "10.1.0.2", "x.y.z", 100)}, `
  so: by weight: the rule's choice has no usable weight, so the other instances of the stock answer go out alone
  + 10.1.0.1:80  x.y.z  -  weight 100  not the rule's choice: it is of the lane address's own service
  - 10.1.0.2:80  x.y.z  -  weight 100  SET "x.y.z" is of another business`},
		{"an old service without instances", byLane, "10.0.0.1", []world.Instance{of("t", "10.1.0.2", "a.b.c", 100)}, `
  so: the rule decides
  + 10.1.0.2:80  a.b.c  -  weight 100  `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			w := &world.World{
				Table:     location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n10.0.0.1,a.b.c\n")}}, &problems),
				Rules:     route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + tt.routing)}}, time.Time{}, &problems),
				Names:     []route.Service{{Namespace: "d", Name: "s"}, {Namespace: "d", Name: "t"}},
				Instances: tt.instances,
			}
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			w.Explain(world.Request{Addr: netip.MustParseAddr(tt.caller), Service: route.Service{Namespace: "d", Name: "s"}}).Text(&text)
			got := ""
			for line := range strings.Lines(text.String()) {
				if strings.HasPrefix(line, "  so: ") || strings.HasPrefix(line, "  + ") || strings.HasPrefix(line, "  - ") {
					got += "\n" + strings.TrimSuffix(line, "\n")
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package explain_test

import (
	"bytes"
	"fmt"
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

// Explanations say which shares the roads take, and what weights make of them.
func TestShares(t *testing.T) {
	const routing = "version: 1\nrules: [{name: r, service: d/s, set: {}, degrade: {overprovision: 140}}]"
	for _, tt := range []struct {
		name             string
		own, ownOf, pool int
		want             string
	}{
		{"all works", 2, 2, 2, `
10.0.0.1 asks for "d/s": routed, 2 of 4 instances
  > tier own  2 of 2 usable  2 of 2 usable: it can take 100%; it takes 100%
widened: false`},
		{"half", 1, 2, 2, `
10.0.0.1 asks for "d/s": routed, 4 of 4 instances
  > tier own   1 of 2 usable  1 of 2 usable: it can take 70%; it takes 70%
  > tier pool  2 of 2 usable  2 of 2 usable: it can take 100%; it takes 30%
widened: true`},
		{"weights that cannot fit", 1, 2, 9000, `
10.0.0.1 asks for "d/s": routed, 9002 of 9002 instances
  > tier own   1 of 2 usable        1 of 2 usable: it can take 70%; it takes 70%, of which whole weights make 52.6%
  > tier pool  9000 of 9000 usable  9000 of 9000 usable: it can take 100%; it takes 30%, of which whole weights make 47.4%
widened: true`},
		{"nothing usable", 0, 2, 0, `
10.0.0.1 asks for "d/s": routed, 2 of 2 instances
  > tier own   0 of 2 usable  0 of 2 usable: it can take 0%
    tier pool  0 of 0 usable  no instance
widened: false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			w := &world.World{
				Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n10.0.0.1,a.b.c\n")}}, &problems),
				Rules: route.Load([]strict.File{{Name: "r.yaml", Data: []byte(routing)}}, time.Time{}, &problems),
				Names: []route.Service{{Namespace: "d", Name: "s"}},
			}
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			add := func(set string, healthy bool) {
				host := fmt.Sprintf("10.1.%d.%d", len(w.Instances)/250, len(w.Instances)%250)
				w.Instances = append(w.Instances, world.Instance{ID: host, Service: w.Names[0], Host: host, Port: 80, Healthy: healthy, Weight: 100, Metadata: map[string]string{"set-group": set}})
			}
			for n := range tt.ownOf {
				add("a.b.c", n < tt.own)
			}
			for range tt.pool {
				add("a.b.*", true)
			}
			e := w.Explain(world.Request{Addr: netip.MustParseAddr("10.0.0.1"), Service: w.Names[0]})
			var text bytes.Buffer
			e.Text(&text)
			got := ""
			for line := range strings.Lines(text.String()) {
				if strings.Contains(line, " asks for ") || strings.Contains(line, " usable  ") || strings.Contains(line, "tier ") && strings.Contains(line, "no instance") {
					got += "\n" + strings.TrimRight(line, "\n")
				}
			}
			got += fmt.Sprintf("\nwidened: %t", e.IsWidened())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

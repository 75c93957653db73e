package world_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A rule that ends in the zone is warned of, once, where the service has other instances.
// A service in one zone alone, a rule that leads on, and a rule in mode shadow are not.
func TestWarnOfLosses(t *testing.T) {
	var problems strict.Problems
	w := &world.World{
		Now:   now.Add(time.Minute),
		Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,region,zone\n10.1.0.0/16,r1,z1\n10.2.0.0/16,r1,z2\n")}}, &problems),
		Rules: route.Load([]strict.File{{Name: "r.yaml", Data: []byte(`version: 1
rules:
  - {name: ends, service: default/both, nearby: {maxMatchLevel: zone}}
  - {name: alone, service: default/alone, nearby: {maxMatchLevel: zone}}
  - {name: leads-on, service: default/on, nearby: {}}
  - {name: shadow, service: default/shadow, nearby: {maxMatchLevel: zone}, mode: shadow}
`)}}, now, &problems),
		Instances: []world.Instance{
			instance("both", "10.1.0.1", "", true), instance("both", "10.2.0.1", "", true), instance("alone", "10.1.0.2", "", true),
			instance("on", "10.1.0.3", "", true), instance("on", "10.2.0.3", "", true), instance("shadow", "10.1.0.4", "", true),
		},
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	w.WarnOfLosses(&problems)
	var got []string
	for _, p := range problems.List() {
		got = append(got, p.String())
	}
	want := []string{`r.yaml:3:5: warning: rule "ends": if any of 2 zones is lost, 2 of the kinds of callers have nothing usable, though the service has usable instances elsewhere: without r1/z1, as - in r1/z1 (10.1.0.0) of "default/both": 1/1 routed ends zone, then 0/1 routed ends zone; see setctl drill --each zone`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

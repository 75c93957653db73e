package world_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Of roads that end before the pool, and of a first road that nobody ever gets, check and
// plan warn once for each rule.
func TestWarn(t *testing.T) {
	pools := []world.Instance{
		instance("s", "10.1.0.1", "", true),            // qb.novel.z in south/sz
		instance("s", "10.2.0.1", "qb.novel.*", false), // mapped: qb.novel.h in east/sh
		instance("s", "10.3.0.1", "qb.novel.*", true),  // in east/nj
	}
	for _, tt := range []struct {
		name, rule string
		want       []string
	}{
		{"the pool is near enough", "set: {}", nil},
		{"callers in the south do not reach it", "set: {}, nearby: {maxMatchLevel: region}", []string{
			`r.yaml:2:9: warning: rule "s": roads end too early for 1 of the kinds of callers, as qb.novel.z in south/sz of "default/s": the roads end before tier pool: its instances are at east/nj`,
		}},
		{"more wanted than there are", "set: {}, degrade: {minUsable: 2}", []string{
			`r.yaml:2:9: warning: rule "s": the first road is never taken for 2 of the kinds of callers, as qb.novel.h in east/sh of "default/s": with everything healthy, tier own has 1 usable, and 2 are wanted`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "rules: [{name: s, service: default/s, "+tt.rule+"}]")
			w.Instances = pools
			var problems strict.Problems
			w.Warn(&problems)
			var got []string
			for _, p := range problems.List() {
				got = append(got, strings.ReplaceAll(p.String(), "\n", " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

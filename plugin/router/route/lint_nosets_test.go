package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// A mapping that lost its column of SETs is warned of where rules ask for SETs.
func TestLintOfAMappingWithoutSETs(t *testing.T) {
	const places, sets = "match,region\n10.0.0.0/8,r\n", "match,region,set\n10.0.0.0/8,r,\n10.1.0.1,,a.b.*\n"
	for _, tt := range []struct {
		name, mapping, rules string
		want                 []string
	}{
		{"one rule", places, "{name: p, service: default/p, set: {}}", []string{
			`r.yaml:2:9: warning: rule "p" routes by the callers' SETs, and no mapping entry says a SET; callers whose SET is not registered either get every business`}},
		{"two rules", places, "{name: n, service: default/n, nearby: {}}, {name: p, service: default/p, set: {}}, {name: q, service: default/q, set: {tiers: [own]}}", []string{
			`r.yaml:2:52: warning: rule "p" and 1 other rule route by the callers' SETs, and no mapping entry says a SET; callers whose SET is not registered either get every business`}},
		{"with SETs", sets, "{name: p, service: default/p, set: {}}", nil},
		{"no mapping", "match,region\n", "{name: p, service: default/p, set: {}}", nil},
		{"nobody gets another business", places, "{name: p, service: default/p, set: {unknown: none}}, {name: q, service: default/q, set: {unknown: unset}}", nil},
		{"the rule says the SET", places, "{name: p, service: default/p, set: {callee: a.b.*}}", nil},
		{"no SET stage", places, "{name: p, service: default/p, nearby: {}}", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems strict.Problems
			table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(tt.mapping)}}, &problems)
			rules := Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [" + tt.rules + "]\n")}}, today, &problems)
			l := newLinter(rules, table, &problems)
			l.warnNoSETs()
			var got []string
			for _, p := range problems.List() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

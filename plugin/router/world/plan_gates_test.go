package world_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A rule is judged for those inside of its rollout, whatever the percent, the mode and
// what the rollout takes a share of, and whatever was in force before.
func TestPlanOfRollouts(t *testing.T) {
	const (
		nothing = "set: {callee: qb.vpi.z, tiers: [own]}" // a SET that no instance has
		good    = "set: {callee: qb.novel.z, tiers: [own]}"
	)
	rule := func(keys string) string { return "rules: [{name: s, service: default/s, " + keys + "}]" }
	lane := func(keys string) string {
		return "addresses: [{service: default/lane, target: default/s, " + keys + "}]"
	}
	const noRule = "rules: [{name: other, service: default/other, nearby: {}}]"
	tests := []struct {
		name, before, after string
		want                string // the first row: change, for whom; and then the first row of those that would be
	}{
		{"1%", noRule, rule(nothing + ", rollout: {percent: 1}"), "empty inside 1%"},
		{"0.01%", noRule, rule(nothing + ", rollout: {percent: 0.01}"), "empty inside 0.01%"},
		{"99.99%", noRule, rule(nothing + ", rollout: {percent: 99.99}"), "empty inside 99.99%"},
		{"100%", noRule, rule(nothing), "empty"},
		{"0% is the rollback", noRule, rule(nothing + ", rollout: {percent: 0}"), "nothing; would be: empty at 0%"},
		{"a good rule at 1%", noRule, rule(good + ", rollout: {percent: 1}"), "changed inside 1%"},
		{"by weight", noRule, rule(nothing + ", rollout: {percent: 1, by: weight}"), "empty the share of 1% by weight"},
		{"by weight, at 0%", noRule, rule(nothing + ", rollout: {percent: 0, by: weight}"), "nothing; would be: empty at 0%"},
		{"by weight, at 100%", noRule, rule(nothing + ", rollout: {percent: 100, by: weight}"), "empty"},
		{"a good rule by weight", noRule, rule(good + ", rollout: {percent: 1, by: weight}"), "changed"},
		{"shadow", noRule, rule(nothing + ", mode: shadow"), "nothing; would be: empty mode shadow"},
		{"shadow at 1%", noRule, rule(nothing + ", mode: shadow, rollout: {percent: 1}"), "nothing; would be: empty mode shadow"},
		{"a good shadow", noRule, rule(good + ", mode: shadow"), "nothing; would be: changed mode shadow"},
		{"an address at 1%", lane(good), lane(nothing + ", rollout: {percent: 1}"), "empty inside 1%"},
		{"a new address", noRule, lane(nothing), "empty"},
		{"a new address at 1%", noRule, lane(nothing + ", rollout: {percent: 1}"), "empty inside 1%"},
		{"a new address by weight", noRule, lane(nothing + ", rollout: {percent: 1, by: weight}"), "empty the share of 1% by weight"},
		{"an address that ends", lane(good), noRule, "empty"},

		{"raised: who comes in", rule(nothing + ", rollout: {percent: 1}"), rule(nothing + ", rollout: {percent: 10}"), "empty outside 1% -> inside 10%"},
		{"raised to 100%", rule(nothing + ", rollout: {percent: 1}"), rule(nothing), "empty outside 1% -> all"},
		{"lowered: who goes out", rule(nothing + ", rollout: {percent: 10}"), rule(nothing + ", rollout: {percent: 1}"), "changed inside 10% -> outside 1%"},
		{"rolled back", rule(nothing), rule(nothing + ", rollout: {percent: 0}"), "changed"},
		{"the same percent", rule(nothing + ", rollout: {percent: 10}"), rule(nothing + ", rollout: {percent: 10}"), "nothing"},
		{"the same percent, made good", rule(nothing + ", rollout: {percent: 10}"), rule(good + ", rollout: {percent: 10}"), "changed inside 10%"},
		{"the same percent, made bad", rule(good + ", rollout: {percent: 10}"), rule(nothing + ", rollout: {percent: 10}"), "empty inside 10%"},
		{"another name has other callers", rule(nothing + ", rollout: {percent: 10}"), strings.Replace(rule(nothing+", rollout: {percent: 10}"), "name: s", "name: z", 1), "empty outside 10% -> inside 10%"},
		{"more by weight", rule(nothing + ", rollout: {percent: 1, by: weight}"), rule(nothing + ", rollout: {percent: 10, by: weight}"), "empty the share of 10% by weight"},
		{"less by weight", rule(nothing + ", rollout: {percent: 10, by: weight}"), rule(nothing + ", rollout: {percent: 1, by: weight}"), "nothing"},
		{"from shadow to 1%", rule(nothing + ", mode: shadow"), rule(nothing + ", rollout: {percent: 1}"), "empty inside 1%"},
		{"from 100% to shadow", rule(good), rule(good + ", mode: shadow"), "cross-region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := newWorld(t, tt.before)
			table, rules := load(t, mapping, tt.after)
			plan := world.NewPlan(before, before.WithFiles(table, rules))
			got := "nothing"
			if len(plan.Rows) > 0 {
				got = strings.TrimSpace(fmt.Sprintf("%s %s", plan.Rows[0].Change, plan.Rows[0].Judged))
			}
			if len(plan.Would) > 0 {
				got += fmt.Sprintf("; would be: %s %s", plan.Would[0].Change, plan.Would[0].Judged)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

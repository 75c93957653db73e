package route

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// Answers agree with the oracle, by weight too, and with a held tier and level.
func TestAnswerAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Route{Rule: drawRule(t), SET: someSET.Draw(t, "caller set"), Location: someLocation.Draw(t, "caller location")}
		r.Rule.ByWeight, r.Rule.Rollout = true, rapid.SampledFrom([]int{1, 100, 3333, 9999, FullRollout}).Draw(t, "rollout")
		all := rapid.SliceOfN(someInstance, 0, 12).Draw(t, "instances")
		var ownService []Instance
		if rapid.Bool().Draw(t, "has own") {
			ownService = rapid.SliceOfN(someInstance, 1, 6).Draw(t, "own")
		}
		heldAt := Position{Level: rapid.IntRange(0, 3).Draw(t, "held level")}
		if r.Rule.SET != nil {
			heldAt.Tier = rapid.IntRange(0, len(r.Rule.SET.Tiers)-1).Draw(t, "held tier")
		}
		rule, set, place := oracleOf(r)
		var oracleOwn []slow.Instance
		if ownService != nil {
			oracleOwn = instancesOf(ownService)
		}
		c := rule.Choose(set, place, instancesOf(all), slow.Road(heldAt))
		want := rule.List(c.Chosen, instancesOf(all), oracleOwn)
		d, got := r.AnswerHeldAt(NewCallee(all), ownService, heldAt)
		if fmt.Sprint(d.Chosen, d.Tier, d.Level) != fmt.Sprint(c.Chosen, c.Tier, c.Level) || len(got) != len(want) {
			t.Fatalf("%v tier %q level %q, %d members\noracle: %v tier %q level %q, %d members", d.Chosen, d.Tier, d.Level, len(got), c.Chosen, c.Tier, c.Level, len(want))
		}
		for n, m := range got {
			if m.Weight != want[n].SentWeight {
				t.Fatalf("member %d has weight %d, the oracle says %d", n, m.Weight, want[n].SentWeight)
			}
		}
	})
}

package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// Lists by weight agree with the oracle, which calculates as docs/design.md, 5.3 does:
// in fractions, rounded at the end.
func TestAnswerAgreesWithOracle(t *testing.T) { rapid.Check(t, answerAgreesWithOracle) }

func answerAgreesWithOracle(t *rapid.T) {
	r := Route{Rule: drawRule(t), SETs: someSETs.Draw(t, "caller sets"), Location: someLocation.Draw(t, "caller location")}
	r.Rule.Degrade.Overprovision = 0 // an error beside it
	r.Rule.ByWeight, r.Rule.Rollout = true, rapid.OneOf(rapid.SampledFrom([]int{1, 100, 3333, 9999, FullRollout}), rapid.IntRange(0, FullRollout)).Draw(t, "rollout")
	anyWeights := rapid.Bool().Draw(t, "any weights")
	draw := func(least, most int, name string) []Instance {
		list := rapid.SliceOfN(someInstance, least, most).Draw(t, name)
		for i := range list {
			if anyWeights {
				list[i].Weight = rapid.OneOf(rapid.SampledFrom([]uint32{0, 1, 100, MaxWeight}), rapid.Uint32Range(0, MaxWeight)).Draw(t, "weight")
			}
		}
		return list
	}
	instances := draw(0, 12, "instances")
	all := numbered("i", instances)
	var own []slow.Instance
	var ownService []Instance
	if rapid.Bool().Draw(t, "has own") {
		ownService = draw(1, 6, "own")
		own = numbered("own", ownService)
	}
	rule, sets, place := oracleOf(r)
	chosen, _ := rule.Decide(sets, place, all, nil, time.Time{})
	var got, want []string
	for _, m := range rule.List(chosen, all, own) {
		want = append(want, fmt.Sprint(m.ID, " ", m.SentWeight))
	}
	_, members := r.Answer(NewCallee(instances), ownService)
	for _, m := range members {
		name := "i"
		if m.OwnService {
			name = "own"
		}
		got = append(got, fmt.Sprint(name, m.Index, " ", m.Weight))
	}
	slices.Sort(got)
	slices.Sort(want)
	if got, want := strings.Join(got, ", "), strings.Join(want, ", "); got != want {
		t.Fatalf("Answer: %s\noracle: %s\nchosen %v", got, want, chosen)
	}
}

// numbered returns instances in the types of package oracle, with names.
func numbered(name string, list []Instance) []slow.Instance {
	out := instancesOf(list)
	for n := range out {
		out[n].ID = fmt.Sprint(name, n)
	}
	return out
}

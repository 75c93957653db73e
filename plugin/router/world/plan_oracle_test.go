package world_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A plan says of each kind and service what comes out if World.Explain is asked for each,
// inside and outside of each rollout.
func TestPlanAgreesWithExplanations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		texts := [2]string{}
		for n := range texts {
			texts[n] = strings.ReplaceAll(drawRouting(t), ", by: weight", "") // weights have a table of their own
		}
		if rapid.Bool().Draw(t, "one rule differs") {
			texts[1] = strings.Replace(texts[0], "name: r0", "name: r0, onEmpty: all", 1)
			if strings.Count(texts[1], "onEmpty") > 1 {
				texts[1] = texts[0]
			}
		}
		table := w.Table
		if rapid.Bool().Draw(t, "another mapping") {
			table = drawTable(t)
		}
		before, after := w.WithFiles(w.Table, loadRouting(t, texts[0])), w.WithFiles(table, loadRouting(t, texts[1]))
		plan := world.NewPlan(before, after)
		o := planOracle{before: before, after: after}
		for n, text := range texts {
			for in, percent := range []string{"0", "100"} {
				o.variants[n][in] = w.WithFiles([]*location.Table{w.Table, table}[n], loadRouting(t, partial.ReplaceAllString(text, "percent: "+percent)))
			}
		}
		o.compare(t, plan)
	})
}

var partial = regexp.MustCompile(`percent: (50|40|1)\b`)

// planOracle asks for explanations.
type planOracle struct {
	before, after *world.World
	variants      [2]inAndOut // before, after
}

// inAndOut are states in which partial rollouts include nobody, or everybody.
type inAndOut [2]*world.World

// compare compares a plan with explanations.
func (o planOracle) compare(t *rapid.T, plan world.Plan) {
	counts := map[world.Change]int{}
	want := map[string]string{}
	services := slices.Concat(o.before.Services(), o.after.Services())
	slices.SortFunc(services, route.Service.Compare)
	for _, service := range slices.Compact(services) {
		for _, k := range world.PlanKinds(o.before, o.after) {
			change := o.worst(k, service)
			counts[change]++
			if change != world.ChangeNone {
				want[service.String()+" "+k.Addr.String()] = string(change)
			}
		}
	}
	got := map[string]string{}
	for _, row := range plan.Rows {
		got[row.Service+" "+row.Address] = string(row.Change)
	}
	for _, change := range world.Changes {
		if plan.Counts[change] != counts[change] {
			t.Errorf("%s: %d, want %d\ngot  %v\nwant %v", change, plan.Counts[change], counts[change], got, want)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows\ngot  %v\nwant %v", got, want)
	}
}

// worst returns the worst change of a kind.
func (o planOracle) worst(k world.Kind, service route.Service) world.Change {
	r := world.Request{Addr: k.Addr, Service: service}
	ruleBefore, ruleAfter := o.before.Explain(r).Rule, o.after.Explain(r).Rule
	worst := world.ChangeNone
	for _, in := range possible(ruleBefore, ruleAfter) {
		a, b := o.variants[0][in[0]].Explain(r), o.variants[1][in[1]].Explain(r)
		change := changeOf(a, b, o.before.Identity(k.Addr).Location)
		if change == world.ChangeNone || change == world.ChangeUnusable || change == world.ChangeList {
			if isNewName(o.before, service) && b.Sent == 0 && b.Answer == explain.AnswerRouted && len(b.Instances) > 0 {
				change = world.ChangeEmpty
			}
		}
		if slices.Index(world.Changes, change) < slices.Index(world.Changes, worst) {
			worst = change
		}
	}
	return worst
}

// isNewName reports whether a name is nothing.
func isNewName(w *world.World, service route.Service) bool { return !w.HasService(service) }

// possible returns where a caller can be: in the rollout before and after.
func possible(before, after *explain.Rule) (out [][2]int) {
	threshold := func(r *explain.Rule) int {
		if r == nil {
			return route.FullRollout
		}
		n, _ := strconv.Atoi(fmt.Sprintf("%.0f", r.Percent*100))
		return n
	}
	b, a := threshold(before), threshold(after)
	index := func(in bool) int {
		if in {
			return 1
		}
		return 0
	}
	for one := 0; one < route.FullRollout; one += 50 {
		for other := 0; other < route.FullRollout; other += 50 {
			if before != nil && after != nil && before.Name == after.Name && one != other {
				continue // a caller has one place in the rollouts of one rule
			}
			if in := [2]int{index(one < b), index(other < a)}; !slices.Contains(out, in) {
				out = append(out, in)
			}
		}
	}
	return out
}

// changeOf names what changes between two answers to a caller at a place.
func changeOf(a, b explain.Explanation, place location.Location) world.Change {
	before, after := a.State(), b.State()
	switch {
	case before.Instances > 0 && after.Instances == 0:
		return world.ChangeEmpty
	case before.Usable > 0 && after.Usable == 0:
		return world.ChangeUnusable
	case slices.Equal(sent(a), sent(b)):
		return world.ChangeNone
	case before.Usable > 0 && leavesPlace(a, b, place, 1):
		return world.ChangeCrossRegion
	case before.Usable > 0 && leavesPlace(a, b, place, 2):
		return world.ChangeCrossZone
	}
	return world.ChangeList
}

// leavesPlace reports whether all usable instances of answer a, and not all of answer b,
// are in the caller's place, compared down to depth levels.
func leavesPlace(a, b explain.Explanation, place location.Location, depth int) bool {
	outside := func(e explain.Explanation) bool {
		return slices.ContainsFunc(e.Instances, func(i explain.Instance) bool {
			return i.Sent && i.Usable && i.Location.Cut(depth) != place.Cut(depth)
		})
	}
	return place.Depth() >= depth && !outside(a) && outside(b)
}

// sent returns the instances of an answer with their weights, sorted.
func sent(e explain.Explanation) []string {
	var out []string
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, fmt.Sprint(i.ID, " ", i.Host, ":", i.Port, " ", i.Weight))
		}
	}
	slices.Sort(out)
	return out
}

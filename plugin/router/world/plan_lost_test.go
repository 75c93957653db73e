package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A plan names the instances that callers came to before and do not come to after. A road
// leads to an instance if some caller would get the instance were it alone in service.
func TestPlanNamesLostInstances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		texts := [2]string{}
		for n := range texts {
			texts[n] = strings.NewReplacer(", by: weight", "", "onEmpty: all, ", "", ", onEmpty: all", "").Replace(drawRouting(t))
		}
		before, after := w.WithFiles(w.Table, loadRouting(t, texts[0])), w.WithFiles(w.Table, loadRouting(t, texts[1]))
		plan := world.NewPlan(before, after)
		var got []string
		for _, l := range plan.Lost {
			got = append(got, fmt.Sprint(l.Service, " ", l.Host, " ", l.NoRoad))
		}
		slices.Sort(got)

		kinds := world.PlanKinds(before, after)
		var roads, lists [2]map[string]bool
		for n, text := range texts {
			roads[n], lists[n] = map[string]bool{}, map[string]bool{}
			for _, percent := range []string{"0", "100"} {
				if percent == "0" && !partial.MatchString(text) {
					continue
				}
				variant := w.WithFiles(w.Table, loadRouting(t, partial.ReplaceAllString(text, "percent: "+percent)))
				addLists(lists[n], variant, kinds)
				for _, i := range w.Instances {
					alone := map[string]bool{}
					addLists(alone, variant.WithCallees(func(c *explain.Callee) {
						c.Evacuated, c.Isolate = false, c.ID != i.ID
						if c.ID == i.ID {
							c.Healthy, c.Weight = true, 100
						}
					}), kinds)
					key := i.Service.String() + " " + i.Host
					roads[n][key] = roads[n][key] || alone[key]
				}
			}
		}
		var want []string
		for _, i := range w.Instances {
			key := i.Service.String() + " " + i.Host
			switch {
			case roads[0][key] && !roads[1][key]:
				want = append(want, key+" true")
			case lists[0][key] && !lists[1][key]:
				want = append(want, key+" false")
			}
		}
		slices.Sort(want)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// addLists adds the instances that callers get of any name.
func addLists(into map[string]bool, w *world.World, kinds []world.Kind) {
	survey := w.Survey(kinds)
	for _, name := range w.Services() {
		answers := survey.Of(name)
		own := map[*explain.Callee]bool{}
		for n := range answers.OwnService {
			own[&answers.OwnService[n]] = true
		}
		for _, group := range answers.Groups {
			for c := range group.List() {
				service := answers.Source
				if own[c] {
					service = name
				}
				into[service.String()+" "+c.Host] = true
			}
		}
	}
}

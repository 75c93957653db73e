package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A survey says for each kind of caller and each service what World.Explain says.
func TestSurvey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		survey, services := w.Survey(nil), w.Services()
		n := 0
		for answers := range survey.Each(services, 2) {
			compareSurvey(t, w, survey, answers, services[n])
			n++
		}
		if n != len(services) {
			t.Errorf("answers for %d of %d services", n, len(services))
		}
	})
}

// A survey for some of the kinds says of these what it says of all, and later ones are as
// if it had not been asked.
func TestSurveyFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		survey := w.Survey(nil)
		for range 2 {
			wanted := make([]bool, len(survey.Kinds))
			for n := range wanted {
				wanted[n] = rapid.Bool().Draw(t, "wanted")
			}
			for some := range survey.EachFor(w.Services(), func(route.Service) []bool { return wanted }, 2) {
				of := map[int]string{}
				for _, group := range some.Groups {
					for _, kind := range group.Kinds {
						of[kind] = answerText(&group)
					}
				}
				for _, group := range survey.Of(some.Name.Service).Groups {
					for _, kind := range group.Kinds {
						if got := of[kind]; wanted[kind] && got != answerText(&group) || !wanted[kind] && got != "" {
							t.Errorf("%s, kind %d, wanted %t: got %q, want %q", some.Name.Service, kind, wanted[kind], got, answerText(&group))
						}
					}
				}
			}
		}
	})
}

// What if an instance were lost: a survey says what a state with that instance lost says.
func TestSurveyWithCallees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		zone := rapid.SampledFrom([]string{"z1", "z2", "z3"}).Draw(t, "lost")
		lose := func(c *explain.Callee) { c.Healthy = c.Healthy && c.Zone != zone }
		before := w.Survey(nil)
		survey := before.WithCallees(lose)
		lost := w.WithCallees(lose)
		for answers := range survey.Each(w.Services(), 1) {
			compareSurvey(t, lost, survey, answers, answers.Name.Service)
		}
		for answers := range before.Each(w.Services(), 1) {
			compareSurvey(t, w, before, answers, answers.Name.Service)
		}
	})
}

// compareSurvey compares answers with explanations, kind by kind.
func compareSurvey(t *rapid.T, w *world.World, survey *world.Survey, answers *world.Answers, service route.Service) {
	met := make([]int, len(survey.Kinds))
	for _, group := range answers.Groups {
		for _, n := range group.Kinds {
			met[n]++
			e := w.Explain(world.Request{Addr: survey.Kinds[n].Addr, Service: service})
			if got, want := answerText(&group), explanationText(e); got != want {
				t.Errorf("%s for %s:\ngot  %s\nwant %s", service, survey.Kinds[n].Addr, got, want)
			}
		}
	}
	if slices.ContainsFunc(met, func(n int) bool { return n != 1 }) {
		t.Errorf("%s: kinds are in %v groups, expected one each", service, met)
	}
	if got := survey.Of(service); fmt.Sprint(got.Groups[0].Kinds) != fmt.Sprint(answers.Groups[0].Kinds) {
		t.Errorf("%s alone: %+v, among others %+v", service, got, answers)
	}
}

// answerText returns an answer in one line.
func answerText(a *world.Answer) string {
	state := explain.State{Answer: explain.AnswerStock, Instances: a.Sent, Usable: a.Usable}
	if a.Route.Rule != nil {
		state.Rule = a.Route.Rule.Name
	}
	if a.Decides() {
		state.Answer, state.Tier, state.Level = explain.AnswerOf(a.Route.Rule), a.Decision.Tier(), a.Decision.Level()
	}
	var list []string
	for callee, weight := range a.List() {
		list = append(list, fmt.Sprint(callee.ID, " ", callee.Host, " ", weight))
	}
	slices.Sort(list)
	widened := a.Decides() && a.State == route.StateWidened
	return fmt.Sprintf("%s widened=%v %s", state, widened, strings.Join(list, ","))
}

// explanationText returns an explanation in one line, as answerText.
func explanationText(e explain.Explanation) string {
	var list []string
	for _, i := range e.Instances {
		if i.Sent {
			list = append(list, fmt.Sprint(i.ID, " ", i.Host, " ", i.Weight))
		}
	}
	slices.Sort(list)
	state := e.State()
	widened := state.Answer != explain.AnswerStock && state.Answer != explain.AnswerShadow && state.Usable > 0 && !isOnFirstRoad(e)
	return fmt.Sprintf("%s widened=%v %s", state, widened, strings.Join(list, ","))
}

// isOnFirstRoad reports whether every choice has its first road.
func isOnFirstRoad(e explain.Explanation) bool {
	return !slices.ContainsFunc(e.Choices, func(c explain.Choice) bool { return len(c.Roads) == 0 || !c.Roads[0].Taken })
}

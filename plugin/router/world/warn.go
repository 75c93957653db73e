package world

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Warn adds warnings of what the rules mean for the services and instances: lane addresses
// without a target, roads that end before the tiers that should take over, and first roads
// that can never be satisfied. Of roads there is one warning of a kind for a rule, with the
// number of kinds of callers and an example. Warn returns the rules whose first road can
// never be satisfied.
func (w *World) Warn(problems *strict.Problems) (neverFirst []Finding) {
	neverFirst = w.warn(w.Survey(nil), problems)
	for _, f := range neverFirst {
		problems.Add(f.warning(neverTaken))
	}
	return neverFirst
}

// Finding is what roads of a rule mean for some kinds of callers, with an example.
type Finding struct {
	RuleRef
	Kinds   int    `json:"kinds"` // of callers, for each service
	Callers string `json:"callers"`
	Service string `json:"service"`
	Why     string `json:"why"`

	col int
}

// warning returns the finding as a warning.
func (f *Finding) warning(what string) strict.Problem {
	return strict.Warning(f.File, f.Line, f.col, "rule %q: %s for %d of the kinds of callers, as %s of %q: %s", f.Name, what, f.Kinds, f.Callers, f.Service, f.Why)
}

// warn is Warn for the kinds of callers of a survey, without warnings of what it returns.
func (w *World) warn(survey *Survey, problems *strict.Problems) (neverFirst []Finding) {
	w.WarnOfTargets(problems)
	w.WarnOfEvacuations(problems)
	found := warner{findings: map[findingKey]*Finding{}}
	for _, service := range w.Services() {
		found.look(survey, service)
	}
	neverFirst = []Finding{}
	for _, key := range found.order {
		if f := found.findings[key]; key.what == neverTaken {
			neverFirst = append(neverFirst, *f)
		} else {
			problems.Add(f.warning(key.what))
		}
	}
	return neverFirst
}

// What is found of roads.
const (
	endTooEarly = "roads end too early"
	neverTaken  = "the first road is never taken"
)

// look looks at the roads of a service, for each share of its kinds of callers, whatever
// the mode and the rollout of the rule.
func (f *warner) look(survey *Survey, service route.Service) {
	answers := survey.read(service)
	for _, share := range answers.shares {
		rule := share.Rule
		if rule == nil || !rule.HasStages() || !rule.MayEnd() && !rule.MayFailFirst() || answers.Name.WithTarget(route.WhyRouted, answers.Exists) != route.WhyRouted {
			continue
		}
		if rule.MayEnd() {
			for _, end := range share.Ends(answers.indexed()) {
				if !end.NoFailover {
					f.add(survey, answers, share, endTooEarly, end.SET, end.Why)
				}
			}
		}
		if rule.MayFailFirst() {
			for _, road := range share.FirstFails(answers.healthy()) {
				f.add(survey, answers, share, neverTaken, "", fmt.Sprintf("with everything healthy, %s has %d usable, and %d are wanted", road, road.Usable, road.Wanted))
			}
		}
	}
}

// WarnOfEvacuations adds a warning for each evacuation that takes out no instance.
func (w *World) WarnOfEvacuations(problems *strict.Problems) {
	if len(w.Rules.AllEvacuations()) > 0 {
		w.Rules.WarnEvacuated(w.Table, w.IdentitiesOfInstances(), problems)
	}
}

// healthy returns the instances that are read, all of them healthy.
func (a *Answers) healthy() *route.Callee {
	if a.allHealthy == nil {
		instances := explain.Instances(a.Callees)
		for n := range instances {
			instances[n].Healthy = true
		}
		a.allHealthy = route.NewCallee(instances)
	}
	return a.allHealthy
}

// warner gathers findings by rule.
type warner struct {
	findings map[findingKey]*Finding
	order    []findingKey
}

type findingKey struct {
	rule *route.Rule
	what string
}

// add counts kinds of callers.
func (f *warner) add(survey *Survey, answers *Answers, share share, what string, set location.SET, why string) {
	key := findingKey{share.Rule, what}
	if f.findings[key] == nil {
		caller := explain.IdentityText(survey.callers[share.kinds[0]].facts.Identity)
		if set != "" {
			caller = explain.IdentityText(location.Identity{SET: set, Location: share.Location})
		}
		f.findings[key] = &Finding{RuleRef: ruleRef(share.Rule), Callers: caller, Service: answers.Name.Service.String(), Why: why, col: share.Rule.Col}
		f.order = append(f.order, key)
	}
	f.findings[key].Kinds += len(share.kinds)
}

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
// number of kinds of callers and an example.
func (w *World) Warn(problems *strict.Problems) {
	w.WarnOfTargets(problems)
	w.WarnOfEvacuations(problems)
	found := warner{warnings: map[warningKey]*warning{}}
	kinds := w.Kinds()
	for _, service := range w.Services() {
		healthy := w.healthyCallee(service)
		for _, k := range kinds {
			input := w.decide(Request{Addr: k.Addr, Service: service})
			if input.Why != route.WhyRouted && input.Why != route.WhyShadowed {
				continue
			}
			callee := route.NewCallee(explain.Instances(input.Callees))
			for _, end := range input.Route.Ends(callee) {
				if !end.NoFailover {
					found.add(input, "roads end too early", end.SET, end.Why)
				}
			}
			for _, road := range input.Route.FirstFails(healthy) {
				found.add(input, "the first road is never taken", "", fmt.Sprintf("with everything healthy, %s has %d usable, and %d are wanted", road, road.Usable, road.Wanted))
			}
		}
	}
	for _, key := range found.order {
		warning, rule := found.warnings[key], key.rule
		problems.Add(strict.Warning(rule.File, rule.Line, rule.Col, "rule %q: %s for %d of the kinds of callers, as %s of %q: %s",
			rule.Name, key.what, warning.kinds, warning.example, warning.service, warning.why))
	}
}

// WarnOfEvacuations adds a warning for each evacuation that takes out no instance.
func (w *World) WarnOfEvacuations(problems *strict.Problems) {
	if len(w.Rules.AllEvacuations()) > 0 {
		w.Rules.WarnEvacuated(w.Table, w.identitiesOfInstances(), problems)
	}
}

// healthyCallee returns the instances that are read for a service, all of them healthy.
func (w *World) healthyCallee(service route.Service) *route.Callee {
	instances := explain.Instances(w.decide(Request{Service: service}).Callees)
	for n := range instances {
		instances[n].Healthy = true
	}
	return route.NewCallee(instances)
}

// warner gathers warnings by rule.
type warner struct {
	warnings map[warningKey]*warning
	order    []warningKey
}

type warningKey struct {
	rule *route.Rule
	what string
}

// warning is a warning with its first example.
type warning struct {
	kinds   int
	service route.Service
	example string
	why     string
}

// add counts a kind of caller.
func (f *warner) add(input explain.Input, what string, set location.SET, why string) {
	key := warningKey{input.Route.Rule, what}
	if f.warnings[key] == nil {
		caller := explain.IdentityText(input.Caller.Identity)
		if set != "" {
			caller = explain.IdentityText(location.Identity{SET: set, Location: input.Route.Location})
		}
		f.warnings[key] = &warning{service: input.Name.Service, example: caller, why: why}
		f.order = append(f.order, key)
	}
	f.warnings[key].kinds++
}

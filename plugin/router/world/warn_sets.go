package world

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// WarnOfSETs adds warnings of the SETs of instances: of SETs that instances have and that
// break the naming, one in all, and of services with instances with and without a SET
// under a rule whose tiers lack unset, one for a rule.
func (w *World) WarnOfSETs(problems *strict.Problems) {
	w.WarnOfNaming(problems)
	w.warnOfMixed(problems)
}

// WarnOfNaming adds one warning of the SETs that instances registered and that break the
// naming. Those of the mapping are Lint's.
func (w *World) WarnOfNaming(problems *strict.Problems) {
	check, seen := w.Rules.Naming(), map[location.SET]bool{}
	count, first := 0, strict.Problem{}
	for _, i := range w.Instances {
		registered, _ := location.Registered(i.Location, i.Metadata)
		if registered.SET == "" || seen[registered.SET] {
			continue
		}
		seen[registered.SET] = true
		if err := check(registered.SET); err != nil {
			if count++; count == 1 {
				first = strict.Warning(i.Service.String(), 0, 0, "the instance at %s registered a SET: %v", i.Host, err)
			}
		}
	}
	switch {
	case count == 2:
		first.Message += "; 1 other registered SET breaks it"
	case count > 2:
		first.Message += fmt.Sprintf("; %d other registered SETs break it", count-1)
	}
	if count > 0 {
		problems.Add(first)
	}
}

// mixed is a service with instances with and without a SET, and how many such services the
// rule has.
type mixed struct {
	service       route.Service
	with, without int
	count         int
}

// warnOfMixed warns of rules that keep callers of a SET from instances without one, in
// services that have both: such services are half-way to SETs, as a rule.
func (w *World) warnOfMixed(problems *strict.Problems) {
	var order []*route.Rule
	found := map[*route.Rule]*mixed{}
	for _, service := range w.Services() {
		with, without := 0, 0
		for _, callee := range w.instancesOf(service) {
			if callee.SET == "" {
				without++
			} else {
				with++
			}
		}
		if with == 0 || without == 0 {
			continue
		}
		for _, rule := range w.Rules.For(service) {
			if !rule.LeavesUnset() {
				continue
			}
			if found[rule] == nil {
				found[rule], order = &mixed{service: service, with: with, without: without}, append(order, rule)
			}
			found[rule].count++
		}
	}
	for _, rule := range order {
		m, others := found[rule], ""
		switch {
		case m.count == 2:
			others = ", and 1 other service is like it"
		case m.count > 2:
			others = fmt.Sprintf(", and %d other services are like it", m.count-1)
		}
		problems.Add(strict.Warning(rule.File, rule.Line, rule.Col, "rule %q: of the instances of %q %d have a SET and %d have none, and tiers lack unset: callers of the SETs there never get those without%s",
			rule.Name, m.service, m.with, m.without, others))
	}
}

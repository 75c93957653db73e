// Package explain says why a caller gets the list that it gets, and of each
// instance that is not in the list, why not. It puts into words what was decided:
// it decides nothing itself, so that it cannot disagree with the answer.
package explain

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Callee is an instance of the service asked for.
type Callee struct {
	ID   string
	Host string
	Port uint32
	route.Instance
}

// Input is an answer as it was made: who asked for what, what was decided and
// from which instances.
type Input struct {
	Addr   netip.Addr // the caller's, normalised
	Caller location.Facts
	Name   route.Resolved
	// Route, Why and Passed are what Rules.Route returned and traced. Why is
	// route.WhyNoTarget for a lane address with a service of its own whose target
	// does not exist.
	Route  route.Route
	Why    route.Why
	Passed []route.Passed
	// Callees are the instances of the service really read: of a lane address
	// its target.
	Callees []Callee
	// OwnService are the instances of the service that a lane address has the name
	// of. Without such a service it is nil.
	OwnService []Callee
	// Decision and Members were decided from Callees and Own, where Decides is
	// true. Decision.Until is by the clock of the reader.
	Decision route.Decision
	Members  []route.Member
}

// Decides reports whether the request came to a decision, be it in mode shadow.
func (in Input) Decides() bool {
	return in.Why == route.WhyRouted || in.Why == route.WhyShadowed
}

// New explains an answer. It decides nothing itself.
func New(in Input) Explanation {
	e := Explanation{
		Caller: callerOf(in.Addr, in.Caller), Service: in.Name.Service.String(), Read: in.Name.Service.String(),
		Answer: AnswerStock, Why: sentence(in.Why), Passed: []Passed{}, Instances: []Instance{},
	}
	if len(in.Name.Read) == 1 {
		e.Read = in.Name.Read[0].String()
	}
	for _, p := range in.Passed {
		e.Passed = append(e.Passed, Passed{p.Rule.Name, p.Rule.File, p.Rule.Line, p.Why, p.OtherService})
	}
	if rule := in.Route.Rule; rule != nil {
		e.Rule = ruleOf(rule, in.Addr)
		if rule.IsAddress() {
			e.Read = rule.Target.String()
		}
	}
	if in.Decides() {
		e.Answer = AnswerOf(in.Route.Rule)
		e.addDecided(in)
	} else {
		e.addStock(in)
	}
	slices.SortStableFunc(e.Instances, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return e
}

// addStock lists the stock answer: of a lane address that is no service of its own,
// the answer of its target.
func (e *Explanation) addStock(in Input) {
	list := in.Callees
	if in.OwnService != nil {
		list = in.OwnService
	}
	e.add(list, func(i *Instance, _ int) { i.Sent = true })
	e.Sent = len(list)
}

// addDecided lists what the decision looked at, and says of each instance whether it
// is sent, and why not.
func (e *Explanation) addDecided(in Input) {
	d, rule := in.Decision, in.Route.Rule
	if !d.HeldUntil.IsZero() {
		e.HeldUntil = &d.HeldUntil
	}
	e.RoutedAs = &RoutedAs{string(in.Route.SET), in.Route.Location}
	e.Tier, e.Level, e.Widened = d.Tier, d.Level, d.Widened
	if rule.SET != nil {
		e.SETRule = d.SETRule.String()
	}
	e.Tiers, e.Levels = steps(rule.Degrade, d.Tiers), steps(rule.Degrade, d.Levels)
	whyNot := in.Route.LeftOut(d, Instances(in.Callees))
	e.add(in.Callees, func(i *Instance, n int) {
		i.Chosen, i.LeftOut = whyNot[n] == "", whyNot[n]
		i.Sent = e.Answer == AnswerShadow && in.OwnService == nil
	})
	if in.OwnService != nil && e.Answer != AnswerRouted {
		e.add(in.OwnService, func(i *Instance, _ int) {
			i.LeftOut, i.Sent = "it is of the lane address's own service", e.Answer == AnswerShadow
		})
	}
	if e.Answer != AnswerShadow {
		for _, m := range in.Members {
			n := m.Index
			if m.OwnService {
				n += len(in.Callees)
			}
			e.Instances[n].Sent, e.Instances[n].Weight = true, m.Weight
		}
	}
	for _, i := range e.Instances {
		if i.Sent {
			e.Sent++
		}
	}
}

// add appends instances, each completed by mark.
func (e *Explanation) add(list []Callee, mark func(i *Instance, n int)) {
	for n, c := range list {
		e.Instances = append(e.Instances, Instance{
			ID: c.ID, Host: c.Host, Port: c.Port, SET: string(c.SET), Location: c.Location,
			Healthy: c.Healthy, Isolate: c.Isolate, Weight: c.Weight, Usable: c.Usable(), Evacuated: c.Evacuated,
		})
		mark(&e.Instances[len(e.Instances)-1], n)
	}
}

// Instances are the callees without their addresses; nil for nil.
func Instances(list []Callee) []route.Instance {
	if list == nil {
		return nil
	}
	out := make([]route.Instance, len(list))
	for i, c := range list {
		out[i] = c.Instance
	}
	return out
}

func steps(d route.Degrade, list []route.Step) []Step {
	var out []Step
	for _, s := range list {
		out = append(out, Step{s.Name, s.Total, s.Usable, s.Satisfied, d.Reason(s)})
	}
	return out
}

func ruleOf(r *route.Rule, caller netip.Addr) *Rule {
	return &Rule{
		Name: r.Name, File: r.File, Line: r.Line, Mode: r.Mode(), By: r.RolloutBy(),
		Percent: float64(r.Rollout) / 100, Included: r.Includes(caller),
	}
}

func sentence(why route.Why) string {
	if why == route.WhyRouted {
		return "the rule decides"
	}
	return string(why)
}

func callerOf(addr netip.Addr, f location.Facts) Caller {
	c := Caller{Facts: FactsOf(f), Text: IdentityText(f.Identity)}
	if addr.IsValid() {
		c.Address = addr.String()
	}
	return c
}

// IdentityText is SET and location in one line, with "-" for what is unknown.
func IdentityText(id location.Identity) string {
	set, at := string(id.SET), id.Location.String()
	if set == "" {
		set = "-"
	}
	if at == "" {
		at = "-"
	}
	return set + " in " + at
}

// Package explain says why a caller gets the list that it gets, and of each
// instance that is not in it, why not. It asks the functions that serve
// requests, so that it cannot disagree with them, and is as pure as they are.
package explain

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

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

// Input is what an answer depends on.
type Input struct {
	Addr   netip.Addr // the caller's, normalised
	Caller location.Facts
	Asked  route.Service
	Read   []route.Service // see route.Request
	Rules  *route.Rules
	// Callees are the instances of the service really read: of a lane address
	// its target.
	Callees []Callee
	// NoTarget tells that the target of a lane address is no service.
	NoTarget bool
	// Own are the instances of the service that a lane address has the name
	// of. Without such a service it is nil.
	Own []Callee
	// Hold is what a running server keeps the caller from going back to before
	// Until.
	Hold  route.Hold
	Until time.Time
}

// Of explains an answer.
func Of(in Input) Explanation {
	req := route.Request{Addr: in.Addr, Caller: in.Caller.Identity, Asked: in.Asked, Read: in.Read}
	kind, why := in.Rules.Route(req)
	if in.NoTarget && in.Own != nil {
		why = route.WhyNoTarget
	}
	e := Explanation{
		Caller: callerOf(in.Addr, in.Caller), Service: in.Asked.String(), Read: in.Asked.String(),
		Answer: Stock, Why: sentence(why), Passed: []Passed{}, Instances: []Instance{},
	}
	if len(in.Read) == 1 {
		e.Read = in.Read[0].String()
	}
	for _, p := range in.Rules.Passed(req) {
		e.Passed = append(e.Passed, Passed{p.Rule.Name, p.Rule.File, p.Rule.Line, p.Why, p.OtherService})
	}
	if kind.Rule != nil {
		e.Rule = ruleOf(kind.Rule, in.Addr)
		if kind.Rule.IsAddress() {
			e.Read = kind.Rule.Target.String()
		}
	}
	if why == route.WhyRouted || why == route.WhyShadowed {
		e.Answer = AnswerOf(kind.Rule)
		e.decide(in, kind)
	} else {
		e.stock(in)
	}
	slices.SortStableFunc(e.Instances, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return e
}

// stock lists the stock answer: of a lane address that is no service of its
// own, its target's.
func (e *Explanation) stock(in Input) {
	list := in.Callees
	if in.Own != nil {
		list = in.Own
	}
	e.add(list, func(i *Instance, _ int) { i.Sent = true })
	e.Sent = len(list)
}

func (e *Explanation) decide(in Input, kind route.Route) {
	instances := Instances(in.Callees)
	d, members := kind.AnswerHolding(route.NewCallee(instances), Instances(in.Own), in.Hold)
	if !in.Until.IsZero() {
		e.HeldUntil = &in.Until
	}
	e.RoutedAs = &As{string(kind.SET), kind.Location}
	e.Tier, e.Level, e.Widened = d.Tier, d.Level, d.Widened
	if kind.Rule.SET != nil {
		e.SETRule = d.SETRule.String()
	}
	e.Tiers, e.Levels = steps(kind.Rule.Degrade, d.Tiers), steps(kind.Rule.Degrade, d.Levels)
	whyNot := kind.WhyNot(d, instances)
	e.add(in.Callees, func(i *Instance, n int) {
		i.Chosen, i.WhyNot = whyNot[n] == "", whyNot[n]
		i.Sent = e.Answer == Shadow && in.Own == nil
	})
	if in.Own != nil && e.Answer != Routed {
		e.add(in.Own, func(i *Instance, _ int) {
			i.WhyNot, i.Sent = "it is of the lane address's own service", e.Answer == Shadow
		})
	}
	if e.Answer != Shadow {
		for _, m := range members {
			n := m.Index
			if m.Own {
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
		Name: r.Name, File: r.File, Line: r.Line, Mode: r.Mode(), By: r.By(),
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
	c := Caller{Facts: FactsOf(f), Text: Identity(f.Identity)}
	if addr.IsValid() {
		c.Address = addr.String()
	}
	return c
}

// Identity is SET and location in one line, with "-" for what is unknown.
func Identity(id location.Identity) string {
	set, at := string(id.SET), id.Location.String()
	if set == "" {
		set = "-"
	}
	if at == "" {
		at = "-"
	}
	return set + " in " + at
}

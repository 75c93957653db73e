// Package explain says why a caller gets its list, and why each instance that is not
// in the list is left out. The package puts a decision into words. It decides nothing
// itself, so that it cannot disagree with the answer.
package explain

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Callee is an instance of the service asked for.
type Callee struct {
	ID   string
	Host string
	Port uint32
	route.Instance
	// Ignored are the names of SETs that the instance registered and that do not count.
	Ignored []location.IgnoredSET
}

// Input is an answer as it was made: who asked for what, what was decided and
// from which instances.
type Input struct {
	Addr   netip.Addr // the caller's, normalised
	Caller location.Facts
	// Registrations are those at the caller's address; nil without the source registry.
	Registrations []Registration
	Proxy         *Proxy // nil: the address is no trusted proxy's
	Name          route.Resolved
	// Route, Why and Passed are what Rules.Route returned and traced. For a lane
	// address that has its own service and no target, Why is route.WhyNoTarget.
	Route  route.Route
	Why    route.Why
	Passed []route.Passed
	// Callees are the instances of the service really read: for a lane address,
	// of its target.
	Callees []Callee
	// OwnService are the instances of the lane address's own service. It is nil if there
	// is no such service.
	OwnService []Callee
	// Decision and Members were decided from Callees and OwnService. They are set if
	// Decides returns true. Times in the decision are by the clock of the reader.
	Decision route.Decision
	Members  []route.Member
}

// Decides reports whether the request came to a decision. In mode shadow it does.
func (input Input) Decides() bool {
	return input.Why == route.WhyRouted || input.Why == route.WhyShadowed
}

// New returns the explanation of an answer. It decides nothing itself.
func New(input Input) Explanation {
	e := Explanation{
		Caller: NewCaller(input.Addr, input.Caller, input.Registrations), Service: input.Name.Service.String(), Read: input.Name.Service.String(),
		Answer: AnswerStock, Why: sentence(input.Why), Passed: []Passed{}, Instances: []Instance{},
	}
	e.Caller.Proxy = input.Proxy
	if len(input.Name.Read) == 1 {
		e.Read = input.Name.Read[0].String()
	}
	for _, p := range input.Passed {
		e.Passed = append(e.Passed, Passed{p.Rule.Name, p.Rule.File, p.Rule.Line, p.Why, p.OtherService})
	}
	if rule := input.Route.Rule; rule != nil {
		e.Rule = ruleOf(rule, input.Addr)
		if rule.IsAddress() {
			e.Read = rule.Target.String()
		}
	}
	if input.Decides() {
		e.Answer = AnswerOf(input.Route.Rule)
		e.addDecided(input)
	} else {
		e.addStock(input)
	}
	slices.SortStableFunc(e.Instances, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return e
}

// addStock lists the stock answer. For a lane address without its own service, that is
// the stock answer of the target.
func (e *Explanation) addStock(input Input) {
	list := input.Callees
	if input.OwnService != nil {
		list = input.OwnService
	}
	e.add(list, func(i *Instance, _ int) { i.Sent = true })
	e.Sent = len(list)
}

// addDecided lists what the decision looked at, and each instance: whether the
// instance is sent, and why it is left out.
func (e *Explanation) addDecided(input Input) {
	d, rule := input.Decision, input.Route.Rule
	e.RoutedAs = &RoutedAs{strings.Fields(string(input.Route.SETs)), input.Route.Location}
	e.Tier, e.Level = d.Tier(), d.Level()
	for _, c := range d.Choices {
		e.Choices = append(e.Choices, choiceOf(rule, c))
	}
	callee := route.NewCallee(Instances(input.Callees))
	leftOut := input.Route.LeftOut(d, callee)
	e.add(input.Callees, func(i *Instance, n int) {
		i.Chosen, i.LeftOut = leftOut[n] == "", leftOut[n]
		i.Sent = e.Answer == AnswerShadow && input.OwnService == nil
	})
	if input.OwnService != nil && e.Answer != AnswerRouted {
		e.add(input.OwnService, func(i *Instance, _ int) {
			i.LeftOut, i.Sent = "it is of the lane address's own service", e.Answer == AnswerShadow
		})
	}
	if e.Answer != AnswerShadow {
		for _, m := range input.Members {
			n := m.Index
			if m.OwnService {
				n += len(input.Callees)
			}
			e.Instances[n].Sent, e.Instances[n].Weight = true, m.Weight
		}
	}
	e.addShares(d.Portions(), input.Members)
	if e.Answer != AnswerShadow {
		own := Instances(input.OwnService)
		for _, p := range input.Route.Priorities(d, callee, own) {
			e.Priorities = append(e.Priorities, priorityOf(p, callee.Instances, own))
		}
	}
	if e.Answer == AnswerBlended {
		first := 0 // of the instances beside the chosen ones
		if input.OwnService != nil {
			first = len(input.Callees)
		}
		e.Why = whyBlended(e.Instances, e.Instances[first:])
	}
	for _, i := range e.Instances {
		if i.Sent {
			e.Sent++
		}
	}
}

// addShares adds what the weights of the members make of the shares of several roads.
func (e *Explanation) addShares(portions []route.Portion, members []route.Member) {
	weights, sum := map[int]float64{}, 0.0
	for _, m := range members {
		if e.Instances[m.Index].Usable {
			weights[m.Index] = float64(m.Weight)
			sum += float64(m.Weight)
		}
	}
	for _, p := range portions {
		share := 0.0
		for _, i := range p.Members {
			share += weights[i]
		}
		road := &e.Choices[0].Roads[slices.IndexFunc(e.Choices[0].Roads, func(r Road) bool { return r.Tier == p.Tier && r.Level == p.Level })]
		road.ByWeights = math.Round(share/sum*1000) / 10
	}
}

// whyBlended returns why an answer by weight is so: where one side has no usable weight, the
// other goes out alone. The others are the instances that may be beside the chosen ones.
func whyBlended(all, others []Instance) string {
	isChosen := func(i Instance) bool { return i.Chosen && i.Sent && i.Usable }
	isOther := func(i Instance) bool { return !i.Chosen && i.Sent && i.Usable }
	hasOthers := slices.ContainsFunc(others, func(i Instance) bool { return !i.Chosen })
	switch chosen, other := slices.ContainsFunc(all, isChosen), slices.ContainsFunc(others, isOther); {
	case !chosen && other:
		return "by weight: the rule's choice has no usable weight, so the other instances of the stock answer go out alone"
	case !chosen:
		return "by weight: neither the rule's choice nor another instance has usable weight, so the stock answer goes out"
	case !other && hasOthers:
		return "by weight: the other instances of the stock answer have no usable weight, so the rule's choice goes out alone"
	}
	return sentence(route.WhyRouted)
}

// add appends instances, each completed by mark.
func (e *Explanation) add(list []Callee, mark func(i *Instance, n int)) {
	for n, c := range list {
		e.Instances = append(e.Instances, Instance{
			ID: c.ID, Host: c.Host, Port: c.Port, SET: string(c.SET), Location: c.Location,
			Ignored: ignored(c.Ignored), Healthy: c.Healthy, Isolate: c.Isolate, Weight: c.Weight, Usable: c.Usable(), Evacuated: c.Evacuated,
		})
		mark(&e.Instances[len(e.Instances)-1], n)
	}
}

// ignored returns why names of SETs do not count; nil for no names.
func ignored(names []location.IgnoredSET) (out []string) {
	for _, name := range names {
		out = append(out, name.Why)
	}
	return out
}

// Instances returns the callees without their addresses; nil for nil.
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

// choiceOf returns what an explanation says of a choice.
func choiceOf(rule *route.Rule, c route.Choice) Choice {
	out := Choice{SET: string(c.SET), Roads: []Road{}, Widened: c.Widened, LastResort: c.LastResort}
	if rule.SET != nil {
		out.Why = c.Why(rule)
	}
	if !c.HeldUntil.IsZero() {
		out.HeldUntil = &c.HeldUntil
	}
	for _, r := range c.Roads {
		out.Roads = append(out.Roads, Road{
			Tier: r.Tier, Level: r.Level, Total: r.Total, InService: r.InService, Usable: r.Usable,
			Satisfied: r.Satisfied, Taken: r.Taken, Share: r.Share, Why: rule.Degrade.Reason(r),
		})
	}
	return out
}

// ruleOf returns what an explanation says of a rule.
func ruleOf(r *route.Rule, caller netip.Addr) *Rule {
	return &Rule{
		Name: r.Name, File: r.File, Line: r.Line, Mode: r.Mode(), By: r.RolloutBy(),
		Percent: float64(r.Rollout) / 100, Included: r.Includes(caller),
	}
}

// sentence returns a reason for people.
func sentence(why route.Why) string {
	if why == route.WhyRouted {
		return "the rule decides"
	}
	return string(why)
}

// priorityOf returns a priority for people.
func priorityOf(p route.Priority, callees, ownService []route.Instance) Priority {
	out := Priority{Tier: p.Tier, Level: p.Level, Total: len(p.Members)}
	for _, m := range p.Members {
		list := callees
		if m.OwnService {
			list = ownService
		}
		if list[m.Index].Usable() {
			out.Usable++
		}
	}
	return out
}

package route

import (
	"net/netip"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Request is a caller and the service that it asks for.
type Request struct {
	Addr   netip.Addr // the caller's, normalised; invalid: unknown
	Caller location.Identity
	Resolved
}

// Route is a kind of caller of a service: the rule, and the SETs and location
// to route as. It is comparable: equal routes choose equal instances.
type Route struct {
	Rule     *Rule
	SETs     SETs
	Location location.Location
}

// Why is the reason for which a caller gets the stock answer. It is empty if a rule
// decides.
type Why string

// The reasons for the stock answer.
const (
	WhyRouted    Why = ""
	WhyNoRule    Why = "no rule matches"
	WhyNoStages  Why = "the rule has no stages"
	WhyRolledOut Why = "the caller is outside of the rollout"
	WhyShadowed  Why = "mode: shadow"
	// WhyNoTarget is the reason of a lane address that has a service of its own, and
	// no target: callers of a working service must not lose it.
	WhyNoTarget Why = "the target of the lane address is no service"
)

// FullRollout is a rollout of 100 percent.
const FullRollout = 10000

// Route finds the rule of a request: the lane address asked for, or the first rule that
// matches. With a reason other than WhyRouted the caller gets the stock answer. Then
// Route.Rule is set if a rule matched, and all of Route is set with WhyShadowed. Trace
// gathers the rules that do not match; it may be nil.
func (r *Rules) Route(req Request, trace *Trace) (Route, Why) {
	rule := r.match(req, trace)
	if rule == nil {
		return Route{}, WhyNoRule
	}
	why := rule.Why(req.Addr)
	if why == WhyRouted || why == WhyShadowed {
		return r.RouteBy(rule, req.Caller), why
	}
	return Route{Rule: rule}, why
}

// match returns the lane address asked for, or the first rule that the request meets,
// or nil. With a trace it looks at every rule; without one it looks only at the rules
// for this name.
func (r *Rules) match(req Request, trace *Trace) *Rule {
	switch {
	case r == nil || req.Address != nil:
		return req.Address
	case trace != nil:
		return r.matchTraced(req, trace)
	}
	s := r.index.search(req.Name)
	for rule := s.next(); rule != nil; rule = s.next() {
		if rule.when.firstUnmet(req) == conditionNone {
			return rule
		}
	}
	return nil
}

// matchTraced looks at the rules in their order, and traces those that do not match.
func (r *Rules) matchTraced(req Request, trace *Trace) *Rule {
	for _, rule := range r.rules {
		unmet := rule.firstUnmet(req)
		if unmet == conditionNone {
			return rule
		}
		trace.add(rule, unmet, req)
	}
	return nil
}

// RouteBy returns the kind of caller under a rule, whatever the mode and the rollout of
// the rule.
func (r *Rules) RouteBy(rule *Rule, caller location.Identity) Route {
	route := Route{Rule: rule}
	if rule.SET != nil {
		route.SETs = rule.SET.routeAs(caller, r.aliases)
	}
	if rule.Nearby != nil {
		// Nothing narrower is compared: with matchLevel zone, all callers in one
		// zone are one kind.
		route.Location = caller.Cut(rule.Nearby.depth())
	}
	return route
}

// CountKinds returns how many kinds of callers identities are, over all rules without
// `when`, each for one service. It counts no further than most.
func (r *Rules) CountKinds(identities []location.Identity, most int) int {
	kinds := map[Route]bool{}
	for _, rule := range r.All() {
		if !rule.HasStages() || rule.when.firstUnmet(Request{}) != conditionNone {
			continue
		}
		for _, id := range identities {
			kinds[r.RouteBy(rule, id)] = true
			if len(kinds) >= most {
				return most
			}
		}
	}
	return len(kinds)
}

// MayRoute reports whether some caller may get another list of a name than the stock
// one: by the lane address that the name is, or by a rule for the name that callers can
// meet.
func (r *Rules) MayRoute(name Resolved) bool {
	if r == nil || name.Address != nil {
		return name.Address != nil && name.Address.mayRoute()
	}
	s := r.index.search(name.Name)
	for rule := s.next(); rule != nil; rule = s.next() {
		if rule.mayRoute() {
			return true
		}
		if rule.when.isEmpty() {
			return false // no caller comes to the rules behind
		}
	}
	return false
}

// MayRouteIn reports whether some caller may get another list than the stock one of some
// service that is, or will be, in a namespace. MayRouteIn looks at every rule.
func (r *Rules) MayRouteIn(namespace string) bool {
	if r == nil {
		return false
	}
	isIn := func(p pattern) bool {
		return p.isExact && p.exact.Namespace == namespace || !p.isExact && p.namespace.match(namespace)
	}
	for service, address := range r.addresses {
		if service.Namespace == namespace && address.mayRoute() {
			return true
		}
	}
	return slices.ContainsFunc(r.rules, func(rule *Rule) bool { return rule.mayRoute() && slices.ContainsFunc(rule.services, isIn) })
}

// mayRoute reports whether some caller gets another list than the stock one.
func (r *Rule) mayRoute() bool {
	return r.HasStages() && !r.Shadow && r.Rollout > 0
}

// firstUnmet returns the first condition of the rule that the request does not meet,
// conditionHolds where it meets all.
func (r *Rule) firstUnmet(req Request) condition {
	if !r.matchesService(req.Name) {
		return conditionService
	}
	return r.when.firstUnmet(req)
}

// matchesService reports whether the rule is for the name, or for a service that the
// name stands for.
func (r *Rule) matchesService(name Name) bool {
	for _, p := range r.services {
		if p.isExact && (p.exact == name.Service || slices.Contains(name.Read, p.exact)) {
			return true
		}
		if !p.isExact && !name.isSystem() && (p.matches(name.Service) || slices.ContainsFunc(name.Read, p.matches)) {
			return true
		}
	}
	return false
}

// SystemNamespace has the services of the server itself.
const SystemNamespace = "Polaris"

// isSystem reports whether what is really read is a service of the server itself.
// Globs do not match such services.
func (n Name) isSystem() bool {
	if len(n.Read) == 0 {
		return n.Namespace == SystemNamespace
	}
	return !slices.ContainsFunc(n.Read, func(s Service) bool { return s.Namespace != SystemNamespace })
}

// Includes reports whether the rollout includes the caller. Raising the percent
// only ever adds callers. A rollout by weight includes every caller, but at 0
// percent it includes nobody.
func (r *Rule) Includes(addr netip.Addr) bool {
	if r.Rollout == FullRollout || r.Rollout == 0 || r.ByWeight {
		return r.Rollout > 0
	}
	if !addr.IsValid() {
		return false
	}
	b := append(make([]byte, 0, 128), r.Name...)
	b = append(b, 0)
	b = append(b, addr.AsSlice()...)
	return xxhash.Sum64(b)%FullRollout < uint64(r.Rollout)
}

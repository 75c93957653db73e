package route

import (
	"net/netip"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Request is a caller and the service it asks for.
type Request struct {
	Addr   netip.Addr // the caller's, normalised; invalid: unknown
	Caller location.Identity
	Asked  Service
	// Read are the services that the name asked for stands for, by a Polaris
	// alias or by visibility; an alias is no way around a rule.
	Read []Service
}

// Route is a kind of caller of a service: the rule, and the SET and location
// to route as. It is comparable: equal routes choose equal instances.
type Route struct {
	Rule     *Rule
	SET      location.SET
	Location location.Location
}

// Why says why a request has no Route.
type Why string

// The reasons for the stock answer.
const (
	WhyRouted    Why = ""
	WhyNoRule    Why = "no rule matches"
	WhyNoStages  Why = "the rule has no stages"
	WhyRolledOut Why = "the caller is outside of the rollout"
	WhyShadowed  Why = "mode: shadow"
	// WhyNoTarget is why the name of a lane address that is a service of its own
	// has the stock answer: callers of a working service must not lose it.
	WhyNoTarget Why = "the target of the lane address is no service"
)

// Everybody is a rollout of 100 percent.
const Everybody = 10000

// Address returns the lane address of a name asked for, or of the service that
// it is a Polaris alias of.
func (r *Rules) Address(asked Service, read []Service) (*Rule, bool) {
	if r == nil {
		return nil, false
	}
	if a, is := r.addresses[asked]; is {
		return a, true
	}
	for _, s := range read {
		if a, is := r.addresses[s]; is {
			return a, true
		}
	}
	return nil, false
}

// Route finds the first rule that matches the request. A lane address is its
// own rule. With a reason other than Routed the caller gets the stock answer;
// Rule is still set where one matched, and the whole Route where it is
// Shadowed.
func (r *Rules) Route(req Request) (Route, Why) {
	rule := r.match(req)
	switch {
	case rule == nil:
		return Route{}, WhyNoRule
	case rule.SET == nil && rule.Nearby == nil:
		return Route{Rule: rule}, WhyNoStages
	case !rule.Includes(req.Addr):
		return Route{Rule: rule}, WhyRolledOut
	}
	if rule.Shadow {
		return r.routeBy(rule, req), WhyShadowed
	}
	return r.routeBy(rule, req), WhyRouted
}

func (r *Rules) routeBy(rule *Rule, req Request) Route {
	route := Route{Rule: rule}
	if rule.SET != nil {
		route.SET = rule.SET.routeAs(req.Caller, r.aliases)
	}
	if rule.Nearby != nil {
		// Narrower than matchLevel nothing is compared: callers of one zone
		// are of one kind. Whether a location is known at all does count.
		route.Location = req.Caller.Cut(max(int(rule.Nearby.Match), 1))
	}
	return route
}

// Kinds counts the kinds of callers that there are among identities, over all
// rules without `when`, each for one service. It stops counting at most.
func (r *Rules) Kinds(identities []location.Identity, most int) int {
	kinds := map[Route]bool{}
	for _, rule := range r.All() {
		if rule.SET == nil && rule.Nearby == nil || rule.when.fails(netip.Addr{}, location.Identity{}) != conditionHolds {
			continue
		}
		for _, id := range identities {
			kinds[r.routeBy(rule, Request{Caller: id})] = true
			if len(kinds) >= most {
				return most
			}
		}
	}
	return len(kinds)
}

func (r *Rules) match(req Request) *Rule {
	if r == nil {
		return nil
	}
	if address, is := r.Address(req.Asked, req.Read); is {
		return address
	}
	for _, rule := range r.rules {
		if rule.fails(req) == conditionHolds {
			return rule
		}
	}
	return nil
}

// Concern tells whether a service is a lane address, or there is a rule for it,
// whoever asks.
func (r *Rules) Concern(req Request) bool {
	_, is := r.Address(req.Asked, req.Read)
	return is || r != nil && slices.ContainsFunc(r.rules, func(rule *Rule) bool { return rule.matchesService(req) })
}

// fails is the first condition of the rule that the request does not meet, or
// empty.
func (r *Rule) fails(req Request) condition {
	if !r.matchesService(req) {
		return conditionService
	}
	return r.when.fails(req.Addr, req.Caller)
}

func (r *Rule) matchesService(req Request) bool {
	for _, p := range r.services {
		if p.isExact && (p.exact == req.Asked || slices.Contains(req.Read, p.exact)) {
			return true
		}
		if !p.isExact && !req.system() && (p.matches(req.Asked) || slices.ContainsFunc(req.Read, p.matches)) {
			return true
		}
	}
	return false
}

// SystemNamespace has the services of the server itself.
const SystemNamespace = "Polaris"

// system tells whether a service of the server's own is asked for or read.
// Globs do not match those.
func (req Request) system() bool {
	own := func(s Service) bool { return s.Namespace == SystemNamespace }
	return own(req.Asked) || slices.ContainsFunc(req.Read, own)
}

// Includes tells whether the rollout includes the caller. Raising the percent
// only ever adds callers. By weight every caller is in, but at 0 percent.
func (r *Rule) Includes(addr netip.Addr) bool {
	if r.Rollout == Everybody || r.Rollout == 0 || r.ByWeight {
		return r.Rollout > 0
	}
	if !addr.IsValid() {
		return false
	}
	b := append(make([]byte, 0, 128), r.Name...)
	b = append(b, 0)
	b = append(b, addr.AsSlice()...)
	return xxhash.Sum64(b)%Everybody < uint64(r.Rollout)
}

// routeAs is the SET that the SET stage works with.
func (s *SETStage) routeAs(caller location.Identity, aliases map[string]string) location.SET {
	switch {
	case s.Callee != nil:
		return s.Callee.Apply(caller, aliases)
	case s.Caller != nil:
		return s.Caller.Apply(caller, aliases)
	}
	return caller.SET
}

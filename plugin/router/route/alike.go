package route

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
)

// Alike reports whether two routes, of the same Rules or of others, choose alike among
// equal instances, and send alike to equal addresses.
func (r Route) Alike(other Route) bool {
	if r.Rule == nil || other.Rule == nil || !r.Rule.HasStages() || !other.Rule.HasStages() {
		return (r.Rule == nil || !r.Rule.HasStages()) == (other.Rule == nil || !other.Rule.HasStages())
	}
	return r.SETs == other.SETs && r.Location == other.Location && r.Rule.sameRoads(other.Rule) && r.Rule.sendsAlike(other.Rule)
}

// sendsAlike reports whether the mode and the rollout of both rules are the same.
func (r *Rule) sendsAlike(other *Rule) bool {
	if r.Shadow != other.Shadow || r.Rollout != other.Rollout || r.ByWeight != other.ByWeight {
		return false
	}
	return !r.IsPartial() || r.Name == other.Name
}

// IsPartial reports whether the rollout includes some callers and not others.
func (r *Rule) IsPartial() bool { return !r.ByWeight && 0 < r.Rollout && r.Rollout < FullRollout }

// Same reports whether both rules say the same, wherever they stand.
func (r *Rule) Same(other *Rule) bool {
	return r.Name == other.Name && r.Target == other.Target && r.sameRoads(other) && r.sendsAlike(other) &&
		slices.EqualFunc(r.services, other.services, func(a, b pattern) bool { return a.String() == b.String() }) && reflect.DeepEqual(r.when, other.when)
}

// ConditionKeys returns a function that returns a text for what the conditions of rules
// see of an address besides the identity of the caller. Callers with equal identities and
// equal texts are routed alike, but for rollouts.
func (r *Rules) ConditionKeys() func(netip.Addr) string {
	rules := slices.DeleteFunc(r.All(), func(rule *Rule) bool { return len(rule.when.ip) == 0 })
	return func(addr netip.Addr) string {
		var out []byte
		for _, rule := range rules {
			out = strconv.AppendBool(out, rule.when.matchesIP(addr))
		}
		return string(out)
	}
}

// AddressKeys returns a function that returns a text for what rules see of an address
// besides the identity of the caller: conditions, and rollouts. Callers with equal
// identities and equal texts are routed alike.
func (r *Rules) AddressKeys() func(netip.Addr) string {
	partial := slices.DeleteFunc(r.All(), func(rule *Rule) bool { return !rule.IsPartial() })
	conditions := r.ConditionKeys()
	return func(addr netip.Addr) string {
		out := append([]byte(conditions(addr)), '|')
		for _, rule := range partial {
			out = strconv.AppendBool(out, rule.Includes(addr))
		}
		return string(out)
	}
}

// Reach returns the instances on any road of a kind of caller, ascending, evacuated or
// not. With `onEmpty: all` it returns those that all roads together leave, too.
func (r Route) Reach(callee *Callee) []int {
	var out []int
	for _, set := range r.setsFor(callee) {
		s := r.newSelection(callee, set)
		s.roads.draw(true)
		for t := range s.roads.tiers {
			for _, i := range s.roads.load(t) {
				if r.Rule.OnEmptyAll || s.roads.isOnRoad(i) {
					out = append(out, i)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// HasBounds reports whether the roads of some caller do not lead to every place.
func (r *Rule) HasBounds() bool {
	return r.Nearby != nil && (r.Nearby.Places != nil || r.Nearby.Max != LevelAll || r.Nearby.Strict)
}

// Decides reports whether the rule decides for every caller whose rule it is, and for all
// requests.
func (r *Rule) Decides() bool { return r.HasStages() && !r.Shadow && r.Rollout == FullRollout }

// MayEnd reports whether Ends can have something to say of the rule, besides a missing
// failover.
func (r *Rule) MayEnd() bool {
	return r.SET != nil && len(r.SET.Tiers) > 1 && r.Nearby != nil && (r.Nearby.Places != nil || r.Nearby.Max != LevelAll)
}

// MayFailFirst reports whether FirstFails can have something to say of the rule where all
// instances are healthy.
func (r *Rule) MayFailFirst() bool {
	return !r.Degrade.ByAbsence && (r.Degrade.MinUsableIsShare || r.Degrade.MinUsable > 1)
}

package route

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Candidates are the rules among which callers of one name find theirs, in their order.
// Every caller meets the last one, or some callers have no rule.
type Candidates []*Rule

// Candidates returns the rules among which callers of a name find theirs: the lane
// address, or the rules for the name. It leaves out rules whose condition on the service
// is not met, and rules behind one that every caller meets.
func (r *Rules) Candidates(name Resolved) (out Candidates) {
	switch {
	case name.Address != nil:
		return Candidates{name.Address}
	case r == nil:
		return nil
	}
	s := r.index.search(name.Name)
	for rule := s.next(); rule != nil; rule = s.next() {
		if !contains(name.Metadata, rule.when.serviceMetadata) {
			continue
		}
		out = append(out, rule)
		if rule.when.isForAnyCaller() {
			break
		}
	}
	return out
}

// Find returns the first rule that a caller meets, nil if there is none. The address is
// normalised.
func (c Candidates) Find(addr netip.Addr, caller location.Identity) *Rule {
	for _, rule := range c {
		if rule.IsAddress() || rule.when.matchesIP(addr) && rule.when.firstUnmetOfIdentity(caller) == conditionNone {
			return rule
		}
	}
	return nil
}

// Why returns why a caller whose rule it is gets the stock answer. The answer is
// WhyRouted if the rule decides.
func (r *Rule) Why(addr netip.Addr) Why {
	switch {
	case !r.HasStages():
		return WhyNoStages
	case !r.Includes(addr):
		return WhyRolledOut
	case r.Shadow:
		return WhyShadowed
	}
	return WhyRouted
}

// HasStages reports whether the rule has a SET stage or a nearby stage.
func (r *Rule) HasStages() bool { return r.SET != nil || r.Nearby != nil }

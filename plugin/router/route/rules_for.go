package route

import "slices"

// For returns the rules that callers of a service can have, in their order: all rules for
// the service, down to the first that every caller meets.
func (r *Rules) For(service Service) (rules []*Rule) {
	if r == nil {
		return nil
	}
	found := r.index.search(Name{Service: service})
	for rule := found.next(); rule != nil; rule = found.next() {
		rules = append(rules, rule)
		if rule.when.isEmpty() {
			break
		}
	}
	return rules
}

// LeavesUnset reports whether the rule keeps callers of a SET, where the service has their
// business, from instances without a SET. A rule with a callee does so by intention.
func (r *Rule) LeavesUnset() bool {
	s := r.SET
	return s != nil && !s.Callee && !slices.Contains(s.Tiers, TierUnset) && !slices.Contains(s.Tiers, TierAll)
}

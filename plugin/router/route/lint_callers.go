package route

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// reach knows the callers of the mapping that one rule is for. The rules are looked at one
// after the other.
type reach struct {
	table    *location.Table
	prefixes map[*location.Identity][]netip.Prefix // of the mapping; nil until a rule looks at addresses

	rule    *Rule
	earlier []*Rule // for all services of the rule
	callers []int   // of the identities of the mapping; nil: all
	found   bool    // callers are those of the rule
}

// begin begins with a rule.
func (r *reach) begin(rule *Rule) {
	r.rule, r.earlier, r.callers, r.found = rule, r.earlier[:0], nil, false
}

// isForAll reports whether the rule is for every caller of the mapping.
func (r *reach) isForAll() bool { return r.rule.when.isForAnyCaller() && len(r.earlier) == 0 }

// each calls do with every caller of the mapping that the rule is for: the caller meets the
// conditions of the rule, and no earlier rule takes the caller for sure.
func (r *reach) each(do func(id location.Identity)) {
	identities := r.table.Identities()
	if r.isForAll() {
		for _, id := range identities {
			do(id)
		}
		return
	}
	if !r.found {
		r.found = true
		for n := range identities {
			if r.rule.when.firstUnmetOfIdentity(identities[n]) == conditionNone && r.reaches(&identities[n]) {
				r.callers = append(r.callers, n)
			}
		}
	}
	for _, n := range r.callers {
		do(identities[n])
	}
}

// reaches reports whether a caller has an address that the rule is for, and that the earlier
// rules leave.
func (r *reach) reaches(id *location.Identity) bool {
	var addresses, taken []netip.Prefix
	if len(r.rule.when.ip) > 0 {
		if addresses = r.addresses(id); len(addresses) == 0 {
			return false
		}
	}
	for _, e := range r.earlier {
		if !contains(r.rule.when.serviceMetadata, e.when.serviceMetadata) || e.when.firstUnmetOfIdentity(*id) != conditionNone {
			continue
		}
		if len(e.when.ip) == 0 {
			return false
		}
		taken = append(taken, e.when.ip...)
	}
	switch {
	case len(taken) == 0:
		return true
	case addresses == nil:
		addresses = r.addresses(id)
	}
	return !location.AllInside(addresses, taken)
}

// addresses returns the prefixes that a caller has in the mapping, cut to the addresses that
// the rule is for.
func (r *reach) addresses(id *location.Identity) (out []netip.Prefix) {
	if r.prefixes == nil {
		r.prefixes = map[*location.Identity][]netip.Prefix{}
		for prefix, found := range r.table.All() {
			r.prefixes[found.Identity] = append(r.prefixes[found.Identity], prefix)
		}
	}
	if len(r.rule.when.ip) == 0 {
		return r.prefixes[id]
	}
	for _, prefix := range r.prefixes[id] {
		for _, wanted := range r.rule.when.ip {
			if !wanted.Overlaps(prefix) {
				continue
			}
			if wanted.Bits() < prefix.Bits() {
				wanted = prefix
			}
			if _, ok := r.table.AddrIn(prefix, wanted); ok {
				out = append(out, wanted)
			}
		}
	}
	return out
}

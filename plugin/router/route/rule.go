package route

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Service is a service name in its namespace. It is comparable.
type Service struct {
	Namespace string
	Name      string
}

// String is namespace/name, as in routing files.
func (s Service) String() string { return s.Namespace + "/" + s.Name }

// Rules are all rules and lane addresses in force together. They are
// immutable, and a nil *Rules has no rules.
type Rules struct {
	rules     []*Rule
	addresses map[Service]*Rule
	aliases   map[string]string
	naming    *naming
}

// Len is the number of rules and lane addresses.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return len(r.rules) + len(r.addresses)
}

// all are the rules and then the lane addresses, in the order of their places.
func (r *Rules) all() []*Rule {
	addresses := slices.SortedFunc(maps.Values(r.addresses), func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Concat(r.rules, addresses)
}

// Rule is a rule of a routing file, or a lane address: a rule for one name
// asked for, which reads another service.
type Rule struct {
	Name string
	File string
	Line int
	Col  int

	services []pattern // namespace/service globs; a lane address has none
	when     when

	Target  Service // of a lane address: the service really read
	SET     *SETStage
	Nearby  *NearbyStage
	Degrade Degrade
	// OnEmptyAll is `onEmpty: all`.
	OnEmptyAll bool
	// Rollout is the share of the callers in hundredths of a percent,
	// 0 to 10000.
	Rollout int
}

// IsAddress tells a lane address from a rule.
func (r *Rule) IsAddress() bool { return r.Target != Service{} }

// when are the conditions on the caller; the zero value has none.
type when struct {
	set                  *glob
	region, zone, campus string
	ip                   []netip.Prefix
	labels               map[string]string
}

func (w when) matches(addr netip.Addr, id location.Identity) bool {
	return w.matchesIP(addr) && w.matchesIdentity(id)
}

func (w when) matchesIdentity(id location.Identity) bool {
	return w.matchesSET(id.SET) &&
		(w.region == "" || w.region == id.Region) &&
		(w.zone == "" || w.zone == id.Zone) &&
		(w.campus == "" || w.campus == id.Campus) &&
		w.matchesLabels(id.Labels)
}

// A caller without a SET meets no condition on it, not even "*".
func (w when) matchesSET(set location.SET) bool {
	return w.set == nil || set != "" && w.set.match(string(set))
}

func (w when) matchesIP(addr netip.Addr) bool {
	if len(w.ip) == 0 {
		return true
	}
	for _, p := range w.ip {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func (w when) matchesLabels(labels map[string]string) bool {
	for k, v := range w.labels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// SETStage is the `set:` of a rule (design section 5.1). At most one of Caller
// and Callee is given.
type SETStage struct {
	Caller   *Template
	Callee   *Template
	Tiers    []Tier
	Required bool
}

// NearbyStage is the `nearby:` of a rule (design section 5.2).
type NearbyStage struct {
	Match  Level
	Max    Level
	Strict bool
}

// Degrade says when a tier or level is satisfied.
type Degrade struct {
	ByAbsence        bool
	UnhealthyPercent int // 1 to 100
	MinUsable        int
}

// satisfied is the one definition for tiers and levels, in whole numbers.
func (d Degrade) satisfied(total, usable int) bool {
	if total == 0 || d.ByAbsence {
		return total > 0
	}
	unusable := total - usable
	return unusable*100 < total*d.UnhealthyPercent && usable >= d.MinUsable
}

package route

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Service is a service name in its namespace. It is comparable.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Compare orders services by namespace and name.
func (s Service) Compare(other Service) int {
	return cmp.Or(cmp.Compare(s.Namespace, other.Namespace), cmp.Compare(s.Name, other.Name))
}

// ParseService reads namespace/name, without wildcards.
func ParseService(s string) (Service, error) {
	p, err := parsePattern(s)
	switch {
	case err != nil:
		return Service{}, fmt.Errorf("service %q is not namespace/service, as default/server-b", s)
	case !p.isExact:
		return Service{}, fmt.Errorf("service %q has a wildcard, expected one service, as default/server-b", s)
	}
	return p.exact, nil
}

// String returns namespace/name, as in routing files.
func (s Service) String() string { return s.Namespace + "/" + s.Name }

// Rules are all rules and lane addresses in force together. They are
// immutable, and a nil *Rules has no rules.
type Rules struct {
	rules       []*Rule
	index       index // of rules
	addresses   map[Service]*Rule
	aliases     map[string]string
	naming      *naming
	evacuations []Evacuation // the last to end first
}

// Len returns the number of rules and lane addresses.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return len(r.rules) + len(r.addresses)
}

// AddressKey returns a text for what rules see of an address besides the identity of
// the caller: the conditions on IPs, and the rollouts. Callers with equal identities
// and equal texts are routed alike.
func (r *Rules) AddressKey(addr netip.Addr) string {
	var out []byte
	for _, rule := range r.All() {
		if len(rule.when.ip) > 0 {
			out = strconv.AppendBool(out, rule.when.matchesIP(addr))
		}
		if !rule.ByWeight && 0 < rule.Rollout && rule.Rollout < FullRollout {
			out = strconv.AppendBool(out, rule.Includes(addr))
		}
	}
	return string(out)
}

// Addresses returns the names of the lane addresses, in no order.
func (r *Rules) Addresses() []Service {
	if r == nil {
		return nil
	}
	return slices.Collect(maps.Keys(r.addresses))
}

// All returns the rules in their order, and then the lane addresses in the order of
// their origins.
func (r *Rules) All() []*Rule {
	if r == nil {
		return nil
	}
	addresses := slices.SortedFunc(maps.Values(r.addresses), func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Concat(r.rules, addresses)
}

// Rule is a rule of a routing file, or a lane address. A lane address is the rule of
// one name, and callers that ask for the name get instances of another service, the
// target.
type Rule struct {
	Name string
	File string // the origin: where the rule stands
	Line int    // from 1
	Col  int    // from 1

	services []pattern // namespace/service globs; a lane address has none
	when     when

	Target  Service // of a lane address: the service really read; empty for a rule
	SET     *SETStage
	Nearby  *NearbyStage
	Degrade Degrade
	// OnEmptyAll is `onEmpty: all`.
	OnEmptyAll bool
	// Shadow is `mode: shadow`: the rule decides, and the stock answer is sent.
	Shadow bool
	// Rollout is a share in hundredths of a percent, 0 to FullRollout. It is the
	// share of the callers, or with ByWeight the share of each caller's requests.
	Rollout  int
	ByWeight bool
}

// Blends reports whether answers mix routed and other instances by weight. At 0 and
// 100 percent they do not.
func (r *Rule) Blends() bool { return r.ByWeight && 0 < r.Rollout && r.Rollout < FullRollout }

// Mode returns the word of routing files: enforce or shadow.
func (r *Rule) Mode() string {
	if r.Shadow {
		return "shadow"
	}
	return "enforce"
}

// RolloutBy returns what the rollout takes a share of: caller or weight.
func (r *Rule) RolloutBy() string {
	if r.ByWeight {
		return "weight"
	}
	return "caller"
}

// IsAddress reports whether the rule is a lane address.
func (r *Rule) IsAddress() bool { return r.Target != Service{} }

// when is the conditions of a rule on the caller. The zero value has no condition.
type when struct {
	set                  *glob
	region, zone, campus string
	ip                   []netip.Prefix
	labels               map[string]string
}

// firstUnmet returns the first condition that a caller does not meet, and
// conditionNone if the caller meets all.
func (w when) firstUnmet(addr netip.Addr, id location.Identity) condition {
	if !w.matchesIP(addr) {
		return conditionIP
	}
	return w.firstUnmetOfIdentity(id)
}

// firstUnmetOfIdentity is firstUnmet without the condition on the address.
func (w when) firstUnmetOfIdentity(id location.Identity) condition {
	switch {
	case !w.matchesSET(id.SET):
		return conditionSET
	case w.region != "" && w.region != id.Region:
		return conditionRegion
	case w.zone != "" && w.zone != id.Zone:
		return conditionZone
	case w.campus != "" && w.campus != id.Campus:
		return conditionCampus
	case !w.matchesLabels(id.Labels):
		return conditionLabels
	}
	return conditionNone
}

// matchesSET reports whether a SET meets the condition on it. A caller without a SET
// meets none, not even "*".
func (w when) matchesSET(set location.SET) bool {
	return w.set == nil || set != "" && w.set.match(string(set))
}

// matchesIP reports whether an address is in one of the prefixes, if there are any.
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

// matchesLabels reports whether the caller has all labels of the condition.
func (w when) matchesLabels(labels map[string]string) bool {
	for k, v := range w.labels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// SETStage is the `set:` of a rule (docs/design.md, 5.1 and 5.2). Caller and Callee
// are templates of the SET to route as; at most one of them is not nil. If both are
// nil, callers are routed as their own SET.
type SETStage struct {
	Caller   *Template
	Callee   *Template
	Tiers    []Tier // in the order in which they are looked at
	Required bool   // callers without a SET get an empty list
}

// NearbyStage is the `nearby:` of a rule (docs/design.md, 5.2).
type NearbyStage struct {
	Match  Level // `matchLevel`: the level to begin with
	Max    Level // `maxMatchLevel`: the widest level
	Strict bool  // callers without a location get an empty list
}

// Degrade is the `degrade:` of a rule: it says when a tier or level is satisfied.
type Degrade struct {
	// ByAbsence makes every tier or level satisfied that has an instance.
	ByAbsence bool
	// UnhealthyPercent is the share of instances that are not usable from which on
	// a tier or level is not satisfied: 1 to 100.
	UnhealthyPercent int
	MinUsable        int // the least number of usable instances
	// HoldDown is how long a narrower tier or level has to be satisfied before
	// a caller that has a wider one goes back to it.
	HoldDown time.Duration
}

// DefaultHoldDown is the hold-down of a rule without `holdDown`.
const DefaultHoldDown = 10 * time.Second

// satisfied reports whether a tier or level with so many instances is satisfied. It
// is the only definition, and it calculates in whole numbers.
func (d Degrade) satisfied(total, usable int) bool {
	if total == 0 || d.ByAbsence {
		return total > 0
	}
	unusable := total - usable
	return unusable*100 < total*d.UnhealthyPercent && usable >= d.MinUsable
}

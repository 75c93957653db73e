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

// ParseService reads namespace/name.
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

// String is namespace/name, as in routing files.
func (s Service) String() string { return s.Namespace + "/" + s.Name }

// Rules are all rules and lane addresses in force together. They are
// immutable, and a nil *Rules has no rules.
type Rules struct {
	rules     []*Rule
	index     index // of rules
	addresses map[Service]*Rule
	aliases   map[string]string
	naming    *naming
	// evacuations, the last to end first.
	evacuations []Evacuation
}

// Len is the number of rules and lane addresses.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return len(r.rules) + len(r.addresses)
}

// AddressKey is what rules see of an address beside the identity behind it: callers
// with one identity and equal texts are routed alike.
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

// Addresses are the names of the lane addresses.
func (r *Rules) Addresses() []Service {
	if r == nil {
		return nil
	}
	return slices.Collect(maps.Keys(r.addresses))
}

// All are the rules in their order, and then the lane addresses in that of
// their places.
func (r *Rules) All() []*Rule {
	if r == nil {
		return nil
	}
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
	// Shadow is `mode: shadow`: decide, but send the stock answer.
	Shadow bool
	// Rollout is a share in hundredths of a percent, 0 to 10000: of the
	// callers, or ByWeight of each caller's requests.
	Rollout  int
	ByWeight bool
}

// Blends tells whether answers hold routed and other instances by weight. At 0
// and 100 percent they do not.
func (r *Rule) Blends() bool { return r.ByWeight && 0 < r.Rollout && r.Rollout < FullRollout }

// Mode is enforce or shadow.
func (r *Rule) Mode() string {
	if r.Shadow {
		return "shadow"
	}
	return "enforce"
}

// RolloutBy is what the rollout takes a share of: caller or weight.
func (r *Rule) RolloutBy() string {
	if r.ByWeight {
		return "weight"
	}
	return "caller"
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

// firstUnmet is the first condition that does not hold, or empty.
func (w when) firstUnmet(addr netip.Addr, id location.Identity) condition {
	if !w.matchesIP(addr) {
		return conditionIP
	}
	return w.firstUnmetOfIdentity(id)
}

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

// SETStage is the `set:` of a rule (docs/design.md, 5.1, 5.2). At most one of Caller
// and Callee is given.
type SETStage struct {
	Caller   *Template
	Callee   *Template
	Tiers    []Tier
	Required bool
}

// NearbyStage is the `nearby:` of a rule (docs/design.md, 5.2).
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
	// HoldDown is how long a narrower tier or level has to be satisfied before
	// a caller that has a wider one goes back to it.
	HoldDown time.Duration
}

// DefaultHoldDown is the hold-down of a rule that says none.
const DefaultHoldDown = 10 * time.Second

// satisfied is the one definition for tiers and levels, in whole numbers.
func (d Degrade) satisfied(total, usable int) bool {
	if total == 0 || d.ByAbsence {
		return total > 0
	}
	unusable := total - usable
	return unusable*100 < total*d.UnhealthyPercent && usable >= d.MinUsable
}

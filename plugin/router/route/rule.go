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
	maps        []*PlaceMap // in the order of the files
	evacuations evacuationTable
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
	// NearbyFirst is `order: [nearby, set]`: every tier at the first level, and then
	// at the next. Else every level of the first tier comes before the next tier.
	NearbyFirst bool
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
	serviceMetadata      map[string]string // of the service that is read
}

// firstUnmet returns the first condition that a request does not meet, and
// conditionNone if the request meets all.
func (w when) firstUnmet(req Request) condition {
	switch {
	case !w.matchesIP(req.Addr):
		return conditionIP
	case !contains(req.Metadata, w.serviceMetadata):
		return conditionServiceMetadata
	}
	return w.firstUnmetOfIdentity(req.Caller)
}

// firstUnmetOfIdentity is firstUnmet without the conditions on the address and the
// service.
func (w when) firstUnmetOfIdentity(id location.Identity) condition {
	switch {
	case !w.matchesSETs(id):
		return conditionSET
	case w.region != "" && w.region != id.Region:
		return conditionRegion
	case w.zone != "" && w.zone != id.Zone:
		return conditionZone
	case w.campus != "" && w.campus != id.Campus:
		return conditionCampus
	case !contains(id.Labels, w.labels):
		return conditionLabels
	}
	return conditionNone
}

// matchesSETs reports whether one of the caller's SETs meets the condition on it. A
// caller without a SET meets none, not even "*".
func (w when) matchesSETs(id location.Identity) bool {
	return w.set == nil || slices.ContainsFunc(id.AllSETs(), w.matchesSET)
}

// matchesSET reports whether a SET meets the condition on it.
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

// contains reports whether values has every key of wanted with the same value.
func contains(values, wanted map[string]string) bool {
	for k, v := range wanted {
		if got, ok := values[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// SETStage is the `set:` of a rule (docs/design.md, 5.1 and 5.2).
type SETStage struct {
	// Templates are the SETs to route as: one for `caller` and `callee`, any number
	// for `callers`. Without templates, callers are routed as their own SETs.
	Templates []*Template
	// Callee is true for `callee`: the caller asks for that SET by its name.
	Callee  bool
	Tiers   []Tier // in the order of the roads
	Unknown Unknown
}

// Unknown is what callers get whose SET is not known whole.
type Unknown string

// The words of `unknown`.
const (
	UnknownAll   Unknown = "all"   // what is known binds; of whom nothing is known gets every instance
	UnknownUnset Unknown = "unset" // the instances without a SET
	UnknownNone  Unknown = "none"  // an empty list
)

var unknownWords = []string{string(UnknownAll), string(UnknownUnset), string(UnknownNone)}

// NearbyStage is the `nearby:` of a rule (docs/design.md, 5.2).
type NearbyStage struct {
	Match  Level     // `matchLevel`: the level to begin with
	Max    Level     // `maxMatchLevel`: the widest level; LevelAll with Places
	Places *PlaceMap // `places`: the levels behind Match; nil without a map
	Strict bool      // callers without a location get an empty list
}

// Degrade is the `degrade:` of a rule: it says when a road is satisfied.
type Degrade struct {
	// ByAbsence makes every road satisfied that has an instance in service.
	ByAbsence bool
	// TiersByAbsence leaves a tier only when the tier has no instance in service on
	// any road.
	TiersByAbsence bool
	// UnhealthyPercent is the share of unhealthy instances from which on a road is
	// not satisfied: 1 to 100.
	UnhealthyPercent int
	// MinUsable is the least number of usable instances. With MinUsableIsShare it is
	// a percentage, 1 to 100, of the usable instances of the same tier on all roads.
	MinUsable        int
	MinUsableIsShare bool
	// HoldDown is how long the choice has to be an earlier road before a caller that
	// has a later one goes back.
	HoldDown time.Duration
}

// DefaultHoldDown is the hold-down of a rule without `holdDown`.
const DefaultHoldDown = 10 * time.Second

// satisfied reports whether a road is satisfied. It is the only definition, and it
// calculates in whole numbers.
func (d Degrade) satisfied(r Road) bool {
	if d.ByAbsence {
		return r.InService > 0
	}
	unhealthy := r.New - r.NewUsable
	return r.New > 0 && unhealthy*100 < r.New*d.UnhealthyPercent && r.Usable >= r.Wanted
}

package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
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

// ParseService reads what String writes, without wildcards.
func ParseService(s string) (Service, error) {
	var parts struct{ Namespace, Name string }
	if strings.HasPrefix(s, "{") && yaml.Unmarshal([]byte(s), &parts) == nil && parts.Namespace != "" && parts.Name != "" {
		return Service{parts.Namespace, parts.Name}, nil
	}
	p, err := parsePattern(s)
	switch {
	case err != nil:
		return Service{}, fmt.Errorf("service %q is not namespace/service, as default/server-b", s)
	case !p.isExact:
		return Service{}, fmt.Errorf("service %q has a wildcard, expected one service, as default/server-b", s)
	}
	return p.exact, nil
}

// String returns the service as it is in routing files: namespace/name, or
// {namespace: team/x, name: svc} if the namespace has a slash.
func (s Service) String() string {
	if strings.Contains(s.Namespace, "/") {
		return fmt.Sprintf("{namespace: %s, name: %s}", s.Namespace, s.Name)
	}
	return s.Namespace + "/" + s.Name
}

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
	remarks     []strict.Problem // what Load found that Lint warns of
	aliasKeys   []strict.Node    // the keys of the aliases, each once
	slashes     []slashedText    // in the order of the files
}

// Len returns the number of rules and lane addresses.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return len(r.rules) + len(r.addresses)
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

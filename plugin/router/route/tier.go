package route

import (
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Tier names a group of instances by their SET.
type Tier string

// The tiers of docs/design.md, 5.2, for a caller routed as a.b.c.
const (
	TierOwn      Tier = "own"      // a.b.c; of a.b.*: everything in a.b
	TierPool     Tier = "pool"     // the literal a.b.*
	TierSiblings Tier = "siblings" // everything in a.b
	TierBusiness Tier = "business" // everything in a
	TierUnset    Tier = "unset"    // instances without a SET
	TierAll      Tier = "all"      // every instance

	// tierEverything has every instance, where the SET stage does not choose. It has
	// no name.
	tierEverything Tier = ""
)

var tierWords = []string{string(TierOwn), string(TierPool), string(TierSiblings), string(TierBusiness), string(TierUnset), string(TierAll)}

// tiers returns the tiers of a SET, and the rule that gives them (docs/design.md, 5.2,
// rules 1 to 4). An empty SET stands for a caller of whom nothing is known.
func (r Route) tiers(callee *Callee, set location.SET) (SETRule, []Tier) {
	switch stage := r.Rule.SET; {
	case stage == nil:
		return SETRuleNone, []Tier{tierEverything}
	case !callee.hasSETs():
		return SETRuleCalleeWithout, []Tier{tierEverything}
	case set == "":
		return SETRuleCallerWithout, stage.Unknown.tiers()
	case len(callee.setsIn(TierBusiness, set)) == 0:
		if stage.Callee && !slices.Contains(stage.Tiers, TierUnset) {
			return SETRuleBusinessAbsent, nil
		}
		return SETRuleBusinessAbsent, []Tier{TierUnset}
	case isBusiness(set):
		return SETRuleByTiers, []Tier{TierBusiness}
	default:
		return SETRuleByTiers, stage.Tiers
	}
}

// tiers returns the tiers of a caller of whom nothing is known.
func (u Unknown) tiers() []Tier {
	switch u {
	case UnknownUnset:
		return []Tier{TierUnset}
	case UnknownNone:
		return nil
	}
	return []Tier{tierEverything}
}

// isBusiness reports whether only the first segment of a SET is known.
func isBusiness(set location.SET) bool { return !strings.Contains(string(set), ".") }

// contains reports whether the tier has the instances of a SET, for a caller routed
// as the SET caller. For a caller routed as a business, that is for TierBusiness only.
func (t Tier) contains(caller, set location.SET) bool {
	switch t {
	case TierOwn:
		return set == caller || caller.IsPool() && TierSiblings.contains(caller, set)
	case TierPool:
		return set == caller.Pool()
	case TierSiblings:
		return strings.HasPrefix(string(set), caller.AreaPrefix())
	case TierBusiness:
		business, _, _ := strings.Cut(string(caller), ".")
		return len(set) > len(business) && set[len(business)] == '.' && string(set[:len(business)]) == business
	case TierUnset:
		return set == ""
	case TierAll, tierEverything:
		return true
	}
	return false
}

// prefix returns the text with which all SETs of the tier begin, and no other SETs. It is
// not ok for tiers of one SET, and for those with every instance.
func (t Tier) prefix(caller location.SET) (text string, ok bool) {
	switch t {
	case TierBusiness:
		business, _, _ := strings.Cut(string(caller), ".")
		return business + ".", true
	case TierSiblings, TierOwn: // own: of a.b.*
		return caller.AreaPrefix(), true
	}
	return "", false
}

// onlySET returns the SET of the tier for a caller, if no other SET can be in the
// tier.
func (t Tier) onlySET(caller location.SET) (set location.SET, ok bool) {
	switch t {
	case TierOwn:
		return caller, !caller.IsPool()
	case TierPool:
		return caller.Pool(), true
	case TierUnset:
		return "", true
	}
	return "", false
}

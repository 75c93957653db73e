package route

import (
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Tier names a group of instances that the SET stage may choose.
type Tier string

// The tiers of docs/design.md, 5.2, for a caller routed as a.b.c.
const (
	TierOwn      Tier = "own"      // a.b.c; of a.b.*: everything in a.b
	TierPool     Tier = "pool"     // the literal a.b.*
	TierSiblings Tier = "siblings" // everything in a.b
	TierBusiness Tier = "business" // everything in a
	TierUnset    Tier = "unset"    // instances without a SET
	TierAll      Tier = "all"      // every instance
)

var tierWords = []string{string(TierOwn), string(TierPool), string(TierSiblings), string(TierBusiness), string(TierUnset), string(TierAll)}

// contains reports whether the tier has the instances of a SET, for a caller routed
// as the SET caller, which is not empty.
func (t Tier) contains(caller, set location.SET) bool {
	switch t {
	case TierOwn:
		return set == caller || caller.IsPool() && TierSiblings.contains(caller, set)
	case TierPool:
		return set == caller.Pool()
	case TierSiblings:
		return strings.HasPrefix(string(set), caller.AreaPrefix())
	case TierBusiness:
		return strings.HasPrefix(string(set), caller.BusinessPrefix())
	case TierUnset:
		return set == ""
	case TierAll:
		return true
	}
	return false
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

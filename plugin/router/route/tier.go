package route

import (
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Tier names a group of instances that the SET stage may choose.
type Tier string

// The tiers of design section 5.1, for a caller routed as a.b.c.
const (
	Own      Tier = "own"      // a.b.c; of a.b.*: everything in a.b
	Pool     Tier = "pool"     // the literal a.b.*
	Siblings Tier = "siblings" // everything in a.b
	Business Tier = "business" // everything in a
	Unset    Tier = "unset"    // instances without a SET
	Every    Tier = "all"      // every instance
)

var tierWords = []string{string(Own), string(Pool), string(Siblings), string(Business), string(Unset), string(Every)}

// has tells whether an instance of SET set is in the tier for a caller routed
// as caller, which has a SET.
func (t Tier) has(caller, set location.SET) bool {
	switch t {
	case Own:
		return set == caller || caller.IsPool() && Siblings.has(caller, set)
	case Pool:
		return set == caller.Pool()
	case Siblings:
		return strings.HasPrefix(string(set), caller.AreaPrefix())
	case Business:
		return strings.HasPrefix(string(set), caller.BusinessPrefix())
	case Unset:
		return set == ""
	case Every:
		return true
	}
	return false
}

// exactly is the one SET that the tier has for a caller, if it can be no other.
func (t Tier) exactly(caller location.SET) (set location.SET, is bool) {
	switch t {
	case Own:
		return caller, !caller.IsPool()
	case Pool:
		return caller.Pool(), true
	case Unset:
		return "", true
	}
	return "", false
}

package route

import (
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

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
	// Overprovision is what a road may carry, in percent of what its usable instances are
	// of it: 100 to 1000. Several roads may then take shares. 0: one road is taken.
	Overprovision int
	// Failback is over how long the figure of a road rises. It goes with Overprovision.
	Failback time.Duration
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

// readDegrade reads what `degrade` says.
func readDegrade(n strict.Node) (v degradeValues) {
	n.NotNull("{} for the defaults")
	choice := func(into **bool, off, on string) func(strict.Node) {
		return func(n strict.Node) {
			if word, ok := n.Word(off, on); ok {
				isOn := word == on
				*into = &isOn
			}
		}
	}
	values := n.Bind(
		strict.Optional("by", "What leaves a road: too many of its instances are unhealthy, or it has no instance in service (`absent`).",
			choice(&v.byAbsence, "unhealthy", "absent")),
		strict.Optional("tiersBy", "The same for whole tiers: `absent` leaves a tier only when it has no instance in service on any road.",
			choice(&v.tiersByAbsence, "unhealthy", "absent")),
		strict.Optional("unhealthyPercent", "The share of unhealthy instances from which on a road is left. 100: when all are.", func(n strict.Node) {
			if percent, ok := n.Int(1, 100); ok {
				v.unhealthyPercent = &percent
			}
		}),
		strict.Optional("minUsable", "How many usable instances a road must have: a number, or a share as `20%` of those of its tier on all roads.",
			func(n strict.Node) { v.minUsable = readMinUsable(n) }),
		strict.Optional("holdDown", "How long an earlier road must be the choice before callers go back to it.", func(n strict.Node) {
			holdDown := readHoldDown(n)
			v.holdDown = &holdDown
		}),
		strict.Optional("overprovision", "In percent, what a road may carry for what is left of it: several roads then take shares. It excludes `by`, `tiersBy`, `unhealthyPercent` and `minUsable`.",
			func(n strict.Node) {
				v.overprovisionAt = n
				if percent, ok := n.Int(100, 1000); ok {
					v.overprovision = &percent
				}
			}),
		strict.Optional("failback", "Over how long the share of a road rises again. It needs `overprovision`.", func(n strict.Node) {
			failback := readFailback(n)
			v.failback, v.failbackAt = &failback, n
		}),
	)
	if key, ok := firstOf(values, besidesOverprovision...); ok && values.Has("overprovision") {
		values[key].Errorf("%s means nothing beside overprovision, expected one of them", key)
	}
	if key, ok := firstOf(values, "unhealthyPercent", "minUsable"); ok && v.byAbsence != nil && *v.byAbsence {
		values[key].Errorf("%s means nothing beside by: absent, expected one of them", key)
	}
	return v
}

// besidesOverprovision are the keys that overprovision excludes.
var besidesOverprovision = []string{"by", "tiersBy", "unhealthyPercent", "minUsable"}

// firstOf returns the first of the keys that is given.
func firstOf(values strict.Values, keys ...string) (key string, ok bool) {
	for _, key := range keys {
		if values.Has(key) {
			return key, true
		}
	}
	return "", false
}

// readMinUsable reads a number of instances, or a share as 20%.
func readMinUsable(n strict.Node) *minUsable {
	share, ok := strings.CutSuffix(n.Raw(), "%")
	if !ok {
		number, ok := n.Int(0, 1_000_000)
		if !ok {
			return nil
		}
		return &minUsable{number, false}
	}
	percent, err := strconv.ParseUint(share, 10, 32)
	if err != nil || percent < 1 || percent > 100 || share[0] == '0' {
		n.Errorf("minUsable %q is no share from 1%% to 100%%, as 20%%", n.Raw())
		return nil
	}
	return &minUsable{int(percent), true}
}

// Bounds of times in a `degrade`.
const (
	mostHoldDown = time.Hour
	mostFailback = 10 * time.Minute
)

func readHoldDown(n strict.Node) time.Duration {
	return readTime(n, "holdDown", mostHoldDown, "0s to 1h, as 10s")
}

func readFailback(n strict.Node) time.Duration {
	return readTime(n, "failback", mostFailback, "0s to 10m, as 5m")
}

// readTime reads a time from 0 to the most.
func readTime(n strict.Node, key string, most time.Duration, expected string) time.Duration {
	n.Bounds("time", time.Duration(0), most)
	text := n.Raw()
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		n.Errorf("%s %q is no time from %s", key, text, expected)
	}
	return d
}

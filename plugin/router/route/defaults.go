package route

import (
	"cmp"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// defaults are what rules and lane addresses do not say themselves (docs/design.md, 5).
type defaults struct {
	at          strict.Node // where they stand; the zero value if no file has them
	set         setValues
	nearby      nearbyValues
	nearbyFirst bool
	degrade     degradeValues
	onEmptyAll  bool
}

// setValues are the keys of a SET stage that may have defaults. Empty ones are not
// given.
type setValues struct {
	tiers   []Tier
	unknown Unknown
}

// nearbyValues are what a `nearby` says. Nil or empty: it does not say so.
type nearbyValues struct {
	match, max        *Level
	places            string
	strict            *bool
	matchAt, placesAt strict.Node
}

// degradeValues are what a `degrade` says. Nil: it does not say so.
type degradeValues struct {
	byAbsence, tiersByAbsence *bool
	unhealthyPercent          *int
	minUsable                 *minUsable
	overprovision             *int
	holdDown, failback        *time.Duration

	overprovisionAt, failbackAt strict.Node
}

// minUsable is a number of instances, or a percentage.
type minUsable struct {
	number  int
	isShare bool
}

// readDefaults reads the defaults of all files, before any rule is read.
func (l *loader) readDefaults(n strict.Node) {
	if l.defaults.at != (strict.Node{}) {
		n.Errorf("defaults are given twice, first in %s:%d, expected them in one file", l.defaults.at.File(), l.defaults.at.Line())
		return
	}
	l.defaults.at = n
	n.NotNull("no key defaults")
	n.Bind(
		strict.Optional("set", "`tiers` and `unknown`, for rules with the key `set`.", func(n strict.Node) {
			n.NotNull("no key set for the defaults")
			n.Bind(setKeys(&l.defaults.set)...)
		}),
		strict.Optional("nearby", "For rules with the key `nearby`.", func(n strict.Node) {
			n.NotNull("no key nearby for the defaults")
			l.defaults.nearby = readNearbyValues(n)
		}),
		strict.Optional("order", "For every rule.", func(n strict.Node) { l.defaults.nearbyFirst = readOrder(n) }),
		strict.Optional("degrade", "For every rule.", func(n strict.Node) {
			l.defaults.degrade = readDegrade(n)
			l.defaults.degrade.needOverprovision(degradeValues{}.over(l.defaults.degrade))
		}),
		strict.Optional("onEmpty", "For every rule.", strict.Choice(&l.defaults.onEmptyAll, "empty", "all")),
	)
	l.nearbyStage(l.defaults.nearby) // so that a map that is nowhere is a fault without rules, too
}

// over puts tiers and unknown into a stage: its own, or the defaults, or what the
// contract says. Default tiers do not apply beside callee.
func (d setValues) over(own setValues, stage *SETStage) {
	stage.Unknown = cmp.Or(own.unknown, d.unknown, UnknownAll)
	switch {
	case own.tiers != nil:
		stage.Tiers = own.tiers
	case stage.Callee:
		stage.Tiers = []Tier{TierOwn}
	case d.tiers != nil:
		stage.Tiers = d.tiers
	default:
		stage.Tiers = []Tier{TierOwn, TierPool}
	}
}

// over returns what a rule says, and the defaults for what it does not say. A default
// that a key of the rule excludes does not apply, and what needs that default does not,
// either.
func (d nearbyValues) over(own nearbyValues) nearbyValues {
	if own.max != nil || own.places != "" {
		d.max, d.places = nil, ""
	}
	if own.match != nil && d.max != nil && *d.max > *own.match {
		d.max = nil
	}
	if d.match != nil && !d.match.goesWith(own, d.places) {
		d.match = nil
	}
	merged := nearbyValues{match: cmp.Or(own.match, d.match), max: cmp.Or(own.max, d.max), strict: cmp.Or(own.strict, d.strict)}
	merged.places, merged.placesAt = own.places, own.placesAt
	if own.places == "" {
		merged.places, merged.placesAt = d.places, d.placesAt
	}
	merged.matchAt = own.matchAt
	if own.match == nil {
		merged.matchAt = d.matchAt
	}
	return merged
}

// goesWith reports whether a default matchLevel goes with what a rule says, and with the
// default map, which is empty if it does not apply.
func (l Level) goesWith(own nearbyValues, defaultPlaces string) bool {
	if l == LevelNone {
		return own.places != "" || defaultPlaces != ""
	}
	return own.max == nil || *own.max <= l
}

// over returns what a rule says, the defaults for what it does not say, and what the
// contract says for the rest.
func (d degradeValues) over(own degradeValues) Degrade {
	if own.byAbsence != nil && *own.byAbsence {
		d.unhealthyPercent, d.minUsable = nil, nil
	}
	if own.byAbsence == nil && (own.unhealthyPercent != nil || own.minUsable != nil) {
		d.byAbsence = nil
	}
	if own.byAbsence != nil || own.tiersByAbsence != nil || own.unhealthyPercent != nil || own.minUsable != nil {
		d.overprovision, d.failback = nil, nil
	}
	overprovision, failback := cmp.Or(own.overprovision, d.overprovision, new(int)), cmp.Or(own.failback, d.failback, new(time.Duration))
	if *overprovision > 0 {
		d.byAbsence, d.tiersByAbsence, d.unhealthyPercent, d.minUsable = nil, nil, nil, nil
	}
	no, percent, holdDown := false, 100, DefaultHoldDown
	least := cmp.Or(own.minUsable, d.minUsable, &minUsable{number: 1})
	return Degrade{
		ByAbsence:        *cmp.Or(own.byAbsence, d.byAbsence, &no),
		TiersByAbsence:   *cmp.Or(own.tiersByAbsence, d.tiersByAbsence, &no),
		UnhealthyPercent: *cmp.Or(own.unhealthyPercent, d.unhealthyPercent, &percent),
		MinUsable:        least.number, MinUsableIsShare: least.isShare,
		Overprovision: *overprovision, Failback: *failback,
		HoldDown: *cmp.Or(own.holdDown, d.holdDown, &holdDown),
	}
}

// needOverprovision refuses a `failback` where the whole has no `overprovision`.
func (own degradeValues) needOverprovision(whole Degrade) {
	if own.failback != nil && own.overprovisionAt == (strict.Node{}) && whole.Overprovision == 0 {
		own.failbackAt.Errorf("failback means nothing without overprovision, expected overprovision: 140 beside it")
	}
}

// degrade returns the `degrade` of a rule, whose other keys have been read.
func (l *loader) degrade(rule *Rule, own degradeValues) Degrade {
	d, other := l.defaults.degrade, ""
	switch {
	case rule.SET != nil && rule.SET.callers:
		other = "callers"
	case rule.ByWeight:
		other = "rollout by: weight"
	}
	if other != "" {
		if own.overprovision != nil {
			own.overprovisionAt.Errorf("overprovision means nothing beside %s, expected one of them", other)
		}
		d.overprovision, d.failback = nil, nil
	}
	whole := d.over(own)
	own.needOverprovision(whole)
	return whole
}

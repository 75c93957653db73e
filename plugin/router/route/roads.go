package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// roads are the roads of one SET, in the order in which they are tried: each tier at
// each area. They are measured when they are first looked at, and a tier's instances
// are not looked up before. Roads belong to one goroutine.
type roads struct {
	degrade     Degrade
	callee      *Callee
	set         location.SET // to route as
	tiers       []tierMembers
	areas       []area
	nearbyFirst bool
	// withoutEvacuated is true if the roads are as if the evacuated instances were not
	// there.
	withoutEvacuated bool
	lastTier         int // with `tiersBy: absent`, the tier after which there are no roads

	measured []measuredRoad
	earlier  [][]bool // instances of the measured roads: of all, or with tiersBy: absent of each tier
}

// measuredRoad is a road with its instances.
type measuredRoad struct {
	Road
	members []int // ascending; may be shared, and is not written
	fresh   []int // with `overprovision`: the members that no earlier road has, ascending
}

// tierMembers is a tier with its instances.
type tierMembers struct {
	Tier
	loaded      bool
	indexes     []int // ascending; shared, and not written
	usableOnAny int   // usable instances on all roads of the tier; -1: not counted
}

// newRoads draws the roads of tiers and areas, as if evacuated instances were not there.
func newRoads(rule *Rule, callee *Callee, set location.SET, tiers []Tier, areas []area) *roads {
	r := &roads{
		degrade: rule.Degrade, callee: callee, set: set, tiers: make([]tierMembers, 0, len(tiers)), areas: areas, nearbyFirst: rule.NearbyFirst,
	}
	for _, tier := range tiers {
		r.tiers = append(r.tiers, tierMembers{Tier: tier})
	}
	r.draw(false)
	return r
}

// draw draws the roads anew, with the evacuated instances or as if they were not there.
func (r *roads) draw(withEvacuated bool) {
	r.withoutEvacuated, r.measured, r.earlier = r.callee.hasEvacuated && !withEvacuated, nil, nil
	for t := range r.tiers {
		r.tiers[t].usableOnAny = -1
	}
	r.leaveTiers()
}

// leaveTiers ends the roads, with `tiersBy: absent`, after the first tier that has an
// instance in service on any road. If no tier has one, all roads stay.
func (r *roads) leaveTiers() {
	r.lastTier = len(r.tiers) - 1
	if !r.degrade.TiersByAbsence {
		return
	}
	for t := range r.tiers {
		if r.anyOnRoads(t, Instance.InService) {
			r.lastTier = t
			return
		}
	}
}

// count returns the number of roads.
func (r *roads) count() int { return len(r.tiers) * len(r.areas) }

// place returns the tier and the area of a road, by their numbers.
func (r *roads) place(n int) (tier, area int) {
	if r.nearbyFirst {
		return n % len(r.tiers), n / len(r.tiers)
	}
	return n / len(r.areas), n % len(r.areas)
}

// isOpen reports whether a road may be taken.
func (r *roads) isOpen(n int) bool {
	tier, _ := r.place(n)
	return tier <= r.lastTier
}

// first returns the number of the first satisfied road. If no road is satisfied, it
// returns the first that has a usable instance, or else one in service, or else any
// instance. It returns -1 if no road has an instance.
func (r *roads) first() int {
	best, rank := -1, 0
	for n := range r.count() {
		if !r.isOpen(n) {
			continue
		}
		road := r.look(n)
		if road.Satisfied {
			return n
		}
		if road.rank() > rank {
			best, rank = n, road.rank()
		}
	}
	return best
}

// rank orders roads that are not satisfied: the higher is better.
func (r Road) rank() int {
	switch {
	case r.Usable > 0:
		return 3
	case r.InService > 0:
		return 2
	}
	return min(r.Total, 1)
}

// look measures the roads up to number n, and returns that road.
func (r *roads) look(n int) measuredRoad {
	if r.measured == nil {
		r.measured = make([]measuredRoad, 0, min(r.count(), 3)) // few decisions look at more
	}
	for len(r.measured) <= n {
		r.measure(len(r.measured))
	}
	return r.measured[n]
}

// measure counts the instances of a road. The roads before it have been measured.
func (r *roads) measure(n int) {
	t, a := r.place(n)
	road := measuredRoad{Road: Road{Tier: string(r.tiers[t].Tier), Level: r.areas[a].name, Wanted: r.wanted(t)}, members: r.members(t, a)}
	earlier := r.earlierThan(t)
	for _, i := range road.members {
		instance := &r.callee.Instances[i]
		isNew := earlier == nil || !earlier[i]
		if isNew && r.degrade.Overprovision > 0 {
			road.fresh = append(road.fresh, i)
		}
		if !instance.InService() {
			continue
		}
		road.InService++
		if isNew {
			road.New++
		}
		if instance.Healthy {
			road.Usable++
			if isNew {
				road.NewUsable++
			}
		}
	}
	road.Total = len(road.members)
	road.Satisfied = r.degrade.satisfied(road.Road)
	r.measured = append(r.measured, road)
}

// earlierThan returns which instances are on the roads that were measured, for the next
// road, which is of a tier. It is nil for the first road.
func (r *roads) earlierThan(tier int) []bool {
	n := len(r.measured) - 1 // the road that was measured last
	if n < 0 {
		return nil
	}
	if r.earlier == nil {
		r.earlier = make([][]bool, len(r.tiers))
	}
	last, _ := r.place(n)
	marks := r.marksOf(last)
	for _, i := range r.measured[n].members {
		marks[i] = true
	}
	return r.marksOf(tier)
}

// marksOf returns the marks of a tier's earlier roads. With `tiersBy: absent` each tier
// has its own: the roads of the tiers that were left are not there.
func (r *roads) marksOf(tier int) []bool {
	if !r.degrade.TiersByAbsence {
		tier = 0
	}
	if r.earlier[tier] == nil {
		r.earlier[tier] = make([]bool, len(r.callee.Instances))
	}
	return r.earlier[tier]
}

// members returns the instances of a tier in an area, ascending. The slice may be shared:
// it must not be written, and has no room to append to.
func (r *roads) members(t, a int) []int {
	list, area := r.load(t), r.areas[a]
	if area.all && !r.withoutEvacuated {
		return list
	}
	var out []int
	for _, i := range list {
		if r.counts(i) && area.has(r.callee.Instances[i].Location) {
			out = append(out, i)
		}
	}
	return slices.Clip(out)
}

// counts reports whether an instance is there for the roads.
func (r *roads) counts(i int) bool {
	return !r.withoutEvacuated || !r.callee.Instances[i].Evacuated
}

// load returns the instances of a tier, wherever they are, with the evacuated ones.
func (r *roads) load(t int) []int {
	tier := &r.tiers[t]
	if !tier.loaded {
		tier.loaded, tier.indexes = true, r.callee.indexesIn(tier.Tier, r.set)
	}
	return tier.indexes
}

// wanted returns how many usable instances a road of a tier needs: a number, or a share of
// those that the tier has on all its roads, rounded up.
func (r *roads) wanted(t int) int {
	if !r.degrade.MinUsableIsShare {
		return r.degrade.MinUsable
	}
	return (r.usableOnRoads(t)*r.degrade.MinUsable + 99) / 100
}

// usableOnRoads returns how many usable instances a tier has on all its roads.
func (r *roads) usableOnRoads(t int) int {
	tier := &r.tiers[t]
	if tier.usableOnAny < 0 {
		tier.usableOnAny = 0
		for _, i := range r.load(t) {
			if r.isOnRoad(i) && r.callee.Instances[i].Usable() {
				tier.usableOnAny++
			}
		}
	}
	return tier.usableOnAny
}

// anyOnRoads reports whether a tier has an instance with a property on any road.
func (r *roads) anyOnRoads(t int, property func(Instance) bool) bool {
	return slices.ContainsFunc(r.load(t), func(i int) bool {
		return property(r.callee.Instances[i]) && r.isOnRoad(i)
	})
}

// isOnRoad reports whether an instance of a tier is on any of the tier's roads.
func (r *roads) isOnRoad(i int) bool {
	return r.counts(i) && slices.ContainsFunc(r.areas, func(a area) bool { return a.has(r.callee.Instances[i].Location) })
}

// takesUsable reports whether the road that is taken has a usable instance.
func (r *roads) takesUsable() bool {
	n := r.first()
	return n >= 0 && r.look(n).Usable > 0
}

// hasUsable reports whether any road that may be taken has a usable instance.
func (r *roads) hasUsable() bool {
	for t := range r.lastTier + 1 {
		if r.anyOnRoads(t, Instance.Usable) {
			return true
		}
	}
	return false
}

// hasEvacuated reports whether the roads have an instance that an evacuation takes out.
func (r *roads) hasEvacuated() bool {
	for t := range r.tiers {
		if r.anyOnRoads(t, func(i Instance) bool { return i.Evacuated }) {
			return true
		}
	}
	return false
}

// everything returns the answer of `onEmpty: all` (docs/design.md, 5.3): the union of
// the tiers, wherever their instances are.
func (r *roads) everything() []int {
	var all []int
	for t := range r.tiers {
		all = append(all, r.load(t)...)
	}
	slices.Sort(all)
	return dropEvacuated(slices.Compact(all), func(i int) Instance { return r.callee.Instances[i] })
}

// lookedAt returns the measured roads that could be taken, and the taken one.
func (r *roads) lookedAt(taken int) []Road {
	out := make([]Road, 0, len(r.measured))
	for n, measured := range r.measured {
		road := measured.Road
		if road.Taken = n == taken; road.Taken || r.isOpen(n) {
			out = append(out, road)
		}
	}
	return out
}

// tiersLookedAt returns the tiers whose instances were looked up.
func (r *roads) tiersLookedAt() []Tier {
	var out []Tier
	for _, tier := range r.tiers {
		if tier.loaded {
			out = append(out, tier.Tier)
		}
	}
	return out
}

package oracle

import "slices"

// Road is a road of a rule for a caller. The zero value is no road.
type Road struct {
	SETRule SETRule
	Number  int // from 1, in the order of the rule
}

// Choice is what a rule chooses for one SET that a caller is routed as.
type Choice struct {
	Chosen      []int  // indexes, ascending
	Tier, Level string // of the road that is taken; empty where it has no name
	Road        Road
	SETRule     SETRule
	OnEmpty     bool    // `onEmpty: all` answered
	Shares      []Share // with `overprovision`: of the roads that take something
}

// Choose chooses for a caller that is routed as a SET, from a place (docs/design.md,
// 5.2 and 5.3). The held road comes before earlier ones while it is satisfied and has
// a usable instance.
func (r Rule) Choose(set string, place Place, all []Instance, held Road) Choice {
	setRule, tiers, roads := r.draw(set, place, all)
	c := Choice{SETRule: setRule}
	taken, ok := r.take(roads, all)
	if held.SETRule == setRule && taken.number < held.Number && held.Number <= len(roads) {
		if later := roads[held.Number-1]; r.satisfied(later, roads, all) && count(later.members, all, Instance.Usable) > 0 {
			taken = later
		}
	}
	if ok {
		c.Chosen, c.Tier, c.Level, c.Road = taken.members, taken.tier.name, taken.level.name, Road{setRule, taken.number}
		return c
	}
	if r.OnEmptyAll {
		c.Chosen = withoutEvacuated(indexes(all, func(i Instance) bool {
			return slices.ContainsFunc(tiers, func(g group) bool { return g.has(i) })
		}), func(n int) Instance { return all[n] })
		c.OnEmpty = true
	}
	return c
}

// draw returns the tiers of a caller, and the roads that there are for it.
func (r Rule) draw(set string, place Place, all []Instance) (SETRule, []group, []road) {
	setRule, tiers := r.tiers(set, all)
	levels := r.levels(place)
	roads := r.roads(tiers, levels, all, isPresent)
	if !r.takesUsable(roads, all) { // an evacuation never takes the last
		whole := r.roads(tiers, levels, all, isRegistered)
		if r.takesUsable(whole, all) || !anyHas(r.open(roads, all), all, Instance.Usable) {
			roads = whole
		}
	}
	return setRule, tiers, roads
}

// open returns the roads that can be taken. With `tiersBy: absent` they are those of
// the first tier that has an instance in service.
func (r Rule) open(roads []road, all []Instance) []road {
	if !r.Degrade.TiersByAbsence {
		return roads
	}
	for _, tier := range r.tierNames(roads) {
		if own := ofTier(roads, tier); anyHas(own, all, Instance.InService) {
			return own
		}
	}
	return roads
}

// tierNames returns the names of the roads' tiers, in the order of the rule.
func (r Rule) tierNames(roads []road) (out []string) {
	for _, road := range roads {
		if !slices.Contains(out, road.tier.name) {
			out = append(out, road.tier.name)
		}
	}
	return out
}

func ofTier(roads []road, tier string) (out []road) {
	for _, road := range roads {
		if road.tier.name == tier {
			out = append(out, road)
		}
	}
	return out
}

func anyHas(roads []road, all []Instance, has func(Instance) bool) bool {
	return slices.ContainsFunc(roads, func(r road) bool { return count(r.members, all, has) > 0 })
}

// takesUsable reports whether the road that is taken has a usable instance.
func (r Rule) takesUsable(roads []road, all []Instance) bool {
	taken, ok := r.take(roads, all)
	return ok && count(taken.members, all, Instance.Usable) > 0
}

// take returns the first satisfied road; else the first that has a usable instance;
// else the first that has one in service; else the first that has any.
func (r Rule) take(roads []road, all []Instance) (road, bool) {
	open := r.open(roads, all)
	for _, fits := range []func(road) bool{
		func(one road) bool { return r.satisfied(one, roads, all) },
		func(one road) bool { return count(one.members, all, Instance.Usable) > 0 },
		func(one road) bool { return count(one.members, all, Instance.InService) > 0 },
		func(one road) bool { return len(one.members) > 0 },
	} {
		for _, one := range open {
			if fits(one) {
				return one, true
			}
		}
	}
	return road{}, false
}

// satisfied reports whether one of the roads is satisfied (docs/design.md, 5.2).
func (r Rule) satisfied(one road, roads []road, all []Instance) bool {
	if r.Degrade.ByAbsence {
		return count(one.members, all, Instance.InService) > 0
	}
	if r.Degrade.TiersByAbsence { // roads of other tiers are no roads then
		roads = ofTier(roads, one.tier.name)
	}
	total, healthy := 0, 0 // of those in service that no earlier road has
	for _, i := range one.members {
		earlier := slices.ContainsFunc(roads, func(other road) bool {
			return other.number < one.number && slices.Contains(other.members, i)
		})
		if earlier || !all[i].InService() {
			continue
		}
		total++
		if all[i].Healthy {
			healthy++
		}
	}
	return total > 0 && (total-healthy)*100 < total*r.Degrade.UnhealthyPercent &&
		count(one.members, all, Instance.Usable) >= r.leastUsable(one, roads, all)
}

// leastUsable returns `minUsable` as a number. A share is one of the usable instances
// of the same tier on all its roads, rounded up.
func (r Rule) leastUsable(one road, roads []road, all []Instance) int {
	if !r.Degrade.MinUsableIsShare {
		return r.Degrade.MinUsable
	}
	usable := 0
	for n, i := range all {
		if i.Usable() && slices.ContainsFunc(ofTier(roads, one.tier.name), func(other road) bool { return slices.Contains(other.members, n) }) {
			usable++
		}
	}
	return (usable*r.Degrade.MinUsable + 99) / 100
}

// withoutEvacuated leaves evacuated instances out of a list that has another usable
// one (docs/design.md, 5.3).
func withoutEvacuated[T any](list []T, instance func(T) Instance) []T {
	isUsable := func(t T) bool { return instance(t).Usable() && !instance(t).Evacuated }
	if !slices.ContainsFunc(list, isUsable) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(t T) bool { return instance(t).Evacuated })
}

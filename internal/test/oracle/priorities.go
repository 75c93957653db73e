package oracle

import "slices"

// Priorities returns what an xDS client gets after the choices of Decide, as indexes
// (docs/design.md, 6.1): the chosen road, then those behind it, then those before it.
// The road is one of a single SET. Priorities returns nil if the list is the only priority.
func (r Rule) Priorities(choices []Choice, set string, place Place, all []Instance) (out [][]int) {
	if len(choices) != 1 || choices[0].Road.Number == 0 || r.Degrade.ByAbsence || r.Blends() {
		return nil
	}
	_, _, roads := r.draw(set, place, all)
	chosen := roads[choices[0].Road.Number-1]
	if r.Degrade.Overprovision == 0 {
		roads = slices.Concat([]road{chosen}, roads[chosen.number:], roads[:chosen.number-1])
	}
	var before []int // instances of the priorities before
	for _, one := range roads {
		if r.Degrade.TiersByAbsence && one.tier.name != chosen.tier.name {
			continue
		}
		priority := slices.DeleteFunc(slices.Clone(one.members), func(i int) bool { return slices.Contains(before, i) })
		if len(priority) > 0 {
			out = append(out, priority)
			before = append(before, priority...)
		}
	}
	return out
}

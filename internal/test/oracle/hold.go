package oracle

import (
	"maps"
	"slices"
	"time"
)

// Memory is what a node remembers of a kind of caller, for each SET that the caller
// is routed as.
type Memory map[string]Held

// Held is the road of the last choice, and since when the choice without a memory has
// been an earlier road without a break; zero: it is not.
type Held struct {
	Road
	Since time.Time

	Figures map[int]Figure // with `overprovision`: of the roads that were needed, by their numbers
}

// Decide chooses for a caller that is routed as several SETs: the union of what it
// gets as each of them. It keeps the memory; nil is no past, and keeps nothing.
func (r Rule) Decide(sets []string, place Place, all []Instance, m Memory, now time.Time) (chosen []int, choices []Choice) {
	maps.DeleteFunc(m, func(set string, _ Held) bool { return !slices.Contains(sets, set) })
	for _, set := range sets {
		if r.Degrade.Overprovision > 0 && len(sets) == 1 {
			if c, ok := r.Divide(set, place, all, m, now); ok {
				choices = append(choices, c)
				continue
			}
		}
		choose := func(held Road) Choice { return r.Choose(set, place, all, held) }
		if m == nil {
			choices = append(choices, choose(Road{}))
			continue
		}
		choices = append(choices, m.Hold(set, r.Degrade.HoldDown, now, choose))
	}
	return Union(choices), choices
}

// Union returns the instances of several choices, each once, ascending.
func Union(choices []Choice) (chosen []int) {
	for _, c := range choices {
		chosen = append(chosen, c.Chosen...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

// Hold chooses for one SET as a node with a memory does (docs/design.md, 5.2:
// degrade.holdDown). Choose chooses while a road is held; no road is held with the zero
// Road.
func (m Memory) Hold(set string, holdDown time.Duration, now time.Time, choose func(held Road) Choice) Choice {
	before := m[set]
	natural, held := choose(Road{}), choose(before.Road)
	if held.Road == natural.Road { // nothing to hold, or it cannot be held
		m[set] = Held{Road: natural.Road}
		return natural
	}
	if before.Since.IsZero() {
		before.Since = now
	}
	if now.Sub(before.Since) >= holdDown {
		m[set] = Held{Road: natural.Road}
		return natural
	}
	m[set] = before
	return held
}

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
}

// Decide chooses for a caller that is routed as several SETs: the union of what it
// gets as each of them. It keeps the memory; nil is no past, and keeps nothing.
func (r Rule) Decide(sets []string, place Place, all []Instance, m Memory, now time.Time) (chosen []int, choices []Choice) {
	maps.DeleteFunc(m, func(set string, _ Held) bool { return !slices.Contains(sets, set) })
	for _, set := range sets {
		c := r.Choose(set, place, all, Road{})
		if m != nil {
			c = r.hold(m, set, place, all, now)
		}
		choices = append(choices, c)
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

// hold chooses for one SET as a node with a memory does (docs/design.md, 5.2:
// degrade.holdDown).
func (r Rule) hold(m Memory, set string, place Place, all []Instance, now time.Time) Choice {
	before := m[set]
	natural, held := r.Choose(set, place, all, Road{}), r.Choose(set, place, all, before.Road)
	if held.Road == natural.Road { // nothing to hold, or it cannot be held
		m[set] = Held{Road: natural.Road}
		return natural
	}
	if before.Since.IsZero() {
		before.Since = now
	}
	if now.Sub(before.Since) >= r.Degrade.HoldDown {
		m[set] = Held{Road: natural.Road}
		return natural
	}
	m[set] = before
	return held
}

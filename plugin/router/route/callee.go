package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Callee is the instances of a service, with an index by SET, so that choosing
// for a caller looks at those that it may get only. It is immutable.
type Callee struct {
	Instances []Instance

	all   []int                  // every index
	sets  []location.SET         // of the instances, sorted; none is "" and first
	bySET map[location.SET][]int // ascending; parts of one slice
}

// NewCallee indexes instances, which it keeps.
func NewCallee(instances []Instance) *Callee {
	counts := map[location.SET]int{}
	for i := range instances {
		counts[instances[i].SET]++
	}
	c := &Callee{Instances: instances, all: make([]int, len(instances)), bySET: make(map[location.SET][]int, len(counts))}
	room := make([]int, len(instances))
	for set, n := range counts {
		c.sets = append(c.sets, set)
		c.bySET[set], room = room[:0:n], room[n:]
	}
	slices.Sort(c.sets)
	for i := range instances {
		c.all[i] = i
		c.bySET[instances[i].SET] = append(c.bySET[instances[i].SET], i)
	}
	return c
}

// SETs are those that instances are in, sorted; "" stands for none.
func (c *Callee) SETs() []location.SET { return c.sets }

// hasSETs tells whether any instance has one.
func (c *Callee) hasSETs() bool { return len(c.sets) > 1 || len(c.sets) == 1 && c.sets[0] != "" }

// indexesIn are the instances of a tier, ascending. The slice is shared: it must not
// be written, and has no room to append to.
func (c *Callee) indexesIn(tier Tier, caller location.SET) []int {
	sets := c.setsIn(tier, caller)
	switch len(sets) {
	case 0:
		return nil
	case 1:
		return slices.Clip(c.bySET[sets[0]])
	case len(c.sets):
		return slices.Clip(c.all)
	}
	var out []int
	for _, set := range sets {
		out = append(out, c.bySET[set]...)
	}
	slices.Sort(out)
	return slices.Clip(out)
}

// setsIn are the SETs that a tier takes instances from.
func (c *Callee) setsIn(tier Tier, caller location.SET) []location.SET {
	if exact, is := tier.onlySET(caller); is {
		if _, there := c.bySET[exact]; there {
			return []location.SET{exact}
		}
		return nil
	}
	var out []location.SET
	for _, set := range c.sets {
		if tier.contains(caller, set) {
			out = append(out, set)
		}
	}
	return out
}

// Dependencies are the SETs whose instances a decision of Select or Answer depends on.
// While those, and the names of all SETs, stay the same, so does the answer,
// whatever happens to other instances. It is not ok where the answer depends on
// every instance.
func (r Route) Dependencies(c *Callee, d Decision) (sets []location.SET, ok bool) {
	if r.Rule.Blends() {
		return nil, false
	}
	switch d.SETRule {
	case SETRuleCallerWithout:
		return nil, r.Rule.SET.Required && !d.Widened
	case SETRuleBusinessAbsent:
		return []location.SET{""}, true
	case SETRuleByTiers:
		tiers := r.Rule.SET.Tiers
		if !d.Widened {
			tiers = tiers[:len(d.Tiers)] // those looked at
		}
		for _, tier := range tiers {
			sets = append(sets, c.setsIn(tier, r.SET)...)
		}
		slices.Sort(sets)
		return slices.Compact(sets), true
	}
	return nil, false
}

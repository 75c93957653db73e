package route

import (
	"slices"
	"sort"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Callee holds the instances of a service with an index by SET, so that a decision
// looks only at instances that the caller may get. It is immutable.
type Callee struct {
	Instances []Instance

	all   []int                  // every index into Instances
	sets  []location.SET         // of the instances, sorted; "" stands for no SET
	bySET map[location.SET][]int // ascending indexes; parts of one slice

	hasEvacuated bool // some instance is evacuated
}

// NewCallee indexes instances. It keeps the slice.
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
		c.hasEvacuated = c.hasEvacuated || instances[i].Evacuated
		c.bySET[instances[i].SET] = append(c.bySET[instances[i].SET], i)
	}
	return c
}

// SETs returns the SETs of the instances, sorted; "" stands for no SET.
func (c *Callee) SETs() []location.SET { return c.sets }

// hasSETs reports whether any instance has a SET.
func (c *Callee) hasSETs() bool { return len(c.sets) > 1 || len(c.sets) == 1 && c.sets[0] != "" }

// Businesses returns how many businesses the SETs of the instances are of.
func (c *Callee) Businesses() (n int) {
	before := ""
	for _, set := range c.sets { // SETs of one business stand together, and "" comes first
		if business := set.Segment(1); business != before {
			before, n = business, n+1
		}
	}
	return n
}

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

// setsIn returns the SETs of the instances in a tier. The slice may be shared: it must
// not be written.
func (c *Callee) setsIn(tier Tier, caller location.SET) []location.SET {
	if exact, ok := tier.onlySET(caller); ok {
		if _, ok := c.bySET[exact]; ok {
			return []location.SET{exact}
		}
		return nil
	}
	if prefix, ok := tier.prefix(caller); ok { // SETs with one prefix stand together
		first := sort.Search(len(c.sets), func(n int) bool { return string(c.sets[n]) >= prefix })
		last := first
		for last < len(c.sets) && strings.HasPrefix(string(c.sets[last]), prefix) {
			last++
		}
		return c.sets[first:last:last]
	}
	return c.sets
}

// Dependencies returns the SETs whose instances a decision of Select or Answer depends on.
// While these instances and the names of all SETs stay the same, the answer stays
// the same. It reports false if the answer depends on every instance.
func (r Route) Dependencies(c *Callee, d Decision) (sets []location.SET, ok bool) {
	if r.Rule.Blends() || r.Rule.SET == nil {
		return nil, false
	}
	for _, choice := range d.Choices {
		for _, tier := range choice.tiers {
			if tier == tierEverything || tier == TierAll {
				return nil, false
			}
			sets = append(sets, c.setsIn(tier, choice.SET)...)
		}
	}
	slices.Sort(sets)
	return slices.Compact(sets), true
}

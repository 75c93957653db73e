package route

import (
	"math/bits"
	"slices"
)

// MaxWeight is the largest weight of an instance in an answer.
const MaxWeight = 10000

// Member is an instance of an answer, with the weight to send.
type Member struct {
	OwnService bool   // the instance is of the lane address's own service, not of the service really read
	Index      int    // in the instances of that service
	Weight     uint32 // to send
}

// Answer chooses among the instances of the service really read, and makes the
// list to send. The list has the chosen instances; with `rollout: {by: weight}` it
// has the other instances of the caller's stock answer too. OwnService has the
// instances of the lane address's own service; it is nil if there is no such
// service. Answer is deterministic, as Select is.
func (r Route) Answer(callee *Callee, ownService []Instance) (Decision, []Member) {
	d := r.Select(callee)
	return d, r.Members(d, callee.Instances, ownService)
}

// Members returns the list to send after a decision. Instances are those that the
// decision was made from; ownService is as for Answer.
func (r Route) Members(d Decision, instances, ownService []Instance) []Member {
	members := r.Chosen(d, instances)
	if !r.Rule.Blends() {
		return members
	}
	b := blend{instances: instances, ownService: ownService, members: members, chosen: len(members)}
	b.addOthers(d.Chosen)
	return b.list(uint64(r.Rule.Rollout))
}

// Chosen returns the chosen instances with their weights, which shares of several roads
// change.
func (r Route) Chosen(d Decision, instances []Instance) []Member {
	if portions := d.Portions(); len(portions) > 1 {
		members := weigh(portions, instances)
		slices.SortFunc(members, func(a, b Member) int { return a.Index - b.Index })
		return members
	}
	members := make([]Member, len(d.Chosen))
	for n, i := range d.Chosen {
		members[n] = Member{Index: i, Weight: instances[i].Weight}
	}
	return members
}

// blend is an answer by weight in the making (docs/design.md, 5.3).
type blend struct {
	instances  []Instance
	ownService []Instance
	members    []Member // the chosen ones, and then the others
	chosen     int      // how many members are chosen
}

// instance returns the instance that a member stands for.
func (b *blend) instance(m Member) Instance {
	if m.OwnService {
		return b.ownService[m.Index]
	}
	return b.instances[m.Index]
}

// addOthers adds the instances of the stock answer that are not chosen.
func (b *blend) addOthers(chosen []int) {
	if b.ownService != nil {
		for i := range b.ownService {
			b.members = append(b.members, Member{OwnService: true, Index: i, Weight: b.ownService[i].Weight})
		}
		return
	}
	for i := range b.instances {
		if len(chosen) > 0 && chosen[0] == i {
			chosen = chosen[1:]
			continue
		}
		b.members = append(b.members, Member{Index: i, Weight: b.instances[i].Weight})
	}
}

// counts reports whether a member has usable weight. An evacuated instance counts if
// it was chosen: then it is the last resort.
func (b *blend) counts(n int) bool {
	i := b.instance(b.members[n])
	return i.Usable() && (n < b.chosen || !i.Evacuated)
}

// list returns the members that go out. If the chosen ones or the others have no usable
// weight, the rest goes out alone; if neither has, all go out as the stock answer. Among
// the others, evacuated instances go out only if nothing else in the list is usable.
func (b *blend) list(rollout uint64) []Member {
	chosen, others := b.usable(0, b.chosen), b.usable(b.chosen, len(b.members))
	switch {
	case chosen == 0 && others == 0 && slices.ContainsFunc(b.members[b.chosen:], func(m Member) bool { return b.instance(m).Usable() }):
		return b.members[b.chosen:]
	case chosen == 0 && others == 0:
		return b.stock()
	case others == 0:
		return b.members[:b.chosen]
	case chosen == 0:
		return b.withoutEvacuated(b.members[b.chosen:])
	}
	b.weigh(rollout, chosen, others)
	return append(slices.Clip(b.members[:b.chosen]), b.withoutEvacuated(b.members[b.chosen:])...)
}

// stock returns the members of the stock answer.
func (b *blend) stock() []Member {
	if b.ownService != nil {
		return b.members[b.chosen:]
	}
	return b.members
}

// withoutEvacuated returns a copy of the list without its evacuated instances.
func (b *blend) withoutEvacuated(list []Member) []Member {
	return slices.DeleteFunc(slices.Clone(list), func(m Member) bool { return b.instance(m).Evacuated })
}

// weigh sets the weights, where the chosen members and the others have usable weight. If
// n is the share of the chosen instances in the usable weight of the stock answer, then
// the chosen instances get n + (1-n) * rollout.
func (b *blend) weigh(rollout, chosen, others uint64) {
	factor := others * rollout
	if b.ownService == nil { // the chosen ones are in the stock answer
		factor += chosen * FullRollout
	}
	b.scale(factor, (FullRollout-rollout)*chosen)
}

// usable returns the sum of the weights of the members from one number up to another
// that have usable weight.
func (b *blend) usable(from, to int) (sum uint64) {
	for n := from; n < to; n++ {
		if b.counts(n) {
			sum += uint64(b.members[n].Weight)
		}
	}
	return sum
}

// scale multiplies the weights of the chosen members and of the others by their
// factors. Then it scales all weights so that the largest usable one is MaxWeight:
// whole numbers from 1 keep the proportions best that way. A weight of 0 stays 0.
//
// Products stay below 2^64: a weight is at most 10^4, and a factor is at most 10^4
// times the sum of the weights. With a hundred thousand instances a product is at
// most 10^17.
func (b *blend) scale(chosenFactor, othersFactor uint64) {
	product := func(n int) uint64 {
		if n < b.chosen {
			return uint64(b.members[n].Weight) * chosenFactor
		}
		return uint64(b.members[n].Weight) * othersFactor
	}
	var largest uint64
	for n := range b.members {
		if b.counts(n) {
			largest = max(largest, product(n))
		}
	}
	for n := range b.members {
		if b.members[n].Weight == 0 {
			continue
		}
		high, low := bits.Mul64(min(product(n), largest), MaxWeight)
		low, carry := bits.Add64(low, largest/2, 0)
		weight, _ := bits.Div64(high+carry, low, largest)
		b.members[n].Weight = uint32(min(max(weight, 1), MaxWeight))
	}
}

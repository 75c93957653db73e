package route

import (
	"math/bits"
	"slices"
)

// MaxWeight is the largest weight of an instance in an answer.
const MaxWeight = 10000

// Member is an instance of an answer, with the weight to send.
type Member struct {
	OwnService bool // of the own service of a lane address, else of the one really read
	Index      int
	Weight     uint32
}

// Answer chooses among the instances of the service really read, and makes the
// list to send: the chosen ones, or with `rollout: {by: weight}` those and the
// others of the caller's stock answer. Own are the instances of the service
// that a lane address has the name of; it is nil where there is none. Like
// Select it is deterministic.
func (r Route) Answer(callee *Callee, own []Instance) (Decision, []Member) {
	return r.AnswerHeldAt(callee, own, Position{})
}

// AnswerHeldAt is Answer while tiers and levels are held, as by Settle.
func (r Route) AnswerHeldAt(callee *Callee, own []Instance, hold Position) (Decision, []Member) {
	d := r.selectHeldAt(callee, hold)
	return d, r.Members(d, callee.Instances, own)
}

// Members returns the list that a decision comes to. Instances are those that the
// decision was made from, own as for Answer.
func (r Route) Members(d Decision, instances, own []Instance) []Member {
	members := make([]Member, len(d.Chosen))
	for n, i := range d.Chosen {
		members[n] = Member{Index: i, Weight: instances[i].Weight}
	}
	if !r.Rule.Blends() {
		return members
	}
	b := blend{instances: instances, own: own, members: members, chosen: len(members)}
	b.addOthers(d.Chosen)
	b.weigh(uint64(r.Rule.Rollout))
	return dropEvacuated(b.members, b.instance)
}

// NoFailover tells whether the rule names further tiers than its first one, and
// none of them has an instance beyond those of the first. Who is in the pool has
// everything in the first.
func (r Route) NoFailover(instances []Instance) bool {
	if r.Rule.SET == nil || r.SET == "" || r.SET.IsPool() || len(r.Rule.SET.Tiers) < 2 {
		return false
	}
	tiers, first := r.Rule.SET.Tiers, false
	for _, i := range instances {
		if tiers[0].contains(r.SET, i.SET) {
			first = true
			continue
		}
		if slices.ContainsFunc(tiers[1:], func(t Tier) bool { return t.contains(r.SET, i.SET) }) {
			return false
		}
	}
	return first
}

// blend is an answer by weight in the making (docs/design.md, 5.3).
type blend struct {
	instances, own []Instance
	members        []Member
	chosen         int // the first of the members; the others come after
}

func (b *blend) instance(m Member) Instance {
	if m.OwnService {
		return b.own[m.Index]
	}
	return b.instances[m.Index]
}

// addOthers adds the rest of the stock answer.
func (b *blend) addOthers(chosen []int) {
	if b.own != nil {
		for i := range b.own {
			b.members = append(b.members, Member{OwnService: true, Index: i, Weight: b.own[i].Weight})
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

// weigh sets the weights. By usable weight, where the chosen ones have the share
// n of the stock answer by themselves, they get n + (1-n) * rollout. Where
// either side has nothing usable, weights stay as they are.
func (b *blend) weigh(rollout uint64) {
	chosen, others := b.usable(b.members[:b.chosen]), b.usable(b.members[b.chosen:])
	if chosen == 0 || others == 0 {
		return
	}
	factor := others * rollout
	if b.own == nil { // they are in the stock answer
		factor += chosen * FullRollout
	}
	b.scale(factor, (FullRollout-rollout)*chosen)
}

func (b *blend) usable(members []Member) (sum uint64) {
	for _, m := range members {
		if i := b.instance(m); i.Usable() {
			sum += uint64(i.Weight)
		}
	}
	return sum
}

// scale multiplies the weights of either side by its factor, and all of them so
// that the largest of usable ones is MaxWeight: whole numbers from 1 then keep the proportions
// as well as they can. A weight of 0 stays 0. Products stay below 2^64: a
// weight is at most 10^4, and a factor at most 10^4 times the sum of the
// weights, so that a hundred thousand instances come to 10^17.
func (b *blend) scale(chosen, others uint64) {
	product := func(n int) uint64 {
		if n < b.chosen {
			return uint64(b.members[n].Weight) * chosen
		}
		return uint64(b.members[n].Weight) * others
	}
	var largest uint64
	for n, m := range b.members {
		if b.instance(m).Usable() {
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

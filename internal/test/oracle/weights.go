package oracle

import "math/big"

// Member is an instance of an answer, with the weight that is sent.
type Member struct {
	Instance
	SentWeight uint32
}

// Blends reports whether answers have routed instances and other instances.
func (r Rule) Blends() bool { return r.ByWeight && 0 < r.Rollout && r.Rollout < 10000 }

// List returns the instances that are sent, when the rule chose some of all. Own are
// the instances of the service that has the name of the lane address; it is nil if
// there is no such service.
func (r Rule) List(chosen []int, all, own []Instance) []Member {
	var routed, others []Member
	isChosen := map[int]bool{}
	for _, i := range chosen {
		isChosen[i] = true
		routed = append(routed, Member{all[i], all[i].Weight})
	}
	if !r.Blends() {
		return routed
	}
	stock := members(own)
	others = members(own)
	if own == nil {
		stock = members(all)
		for i := range all {
			if !isChosen[i] {
				others = append(others, Member{all[i], all[i].Weight})
			}
		}
	}
	others = withoutEvacuatedBeside(routed, others)
	switch a, b := usableWeight(routed).Sign() > 0, usableWeight(others).Sign() > 0; {
	case a && b:
		r.weigh(routed, others, own == nil)
		return append(routed, others...)
	case a:
		return routed
	case b:
		return others
	}
	return stock
}

// withoutEvacuatedBeside leaves evacuated instances out of the others while another
// instance of the list is usable. The routed ones stay whole.
func withoutEvacuatedBeside(routed, others []Member) (left []Member) {
	for _, m := range others {
		if !m.Evacuated {
			left = append(left, m)
		}
	}
	if usableWeight(routed).Sign() > 0 || usableWeight(left).Sign() > 0 {
		return left
	}
	return others
}

func members(list []Instance) []Member {
	var out []Member
	for _, i := range list {
		out = append(out, Member{i, i.Weight})
	}
	return out
}

// weigh sets the weights: the usable weight of the others is scaled by
// 1 - percent, and the routed instances have the rest. Weights are whole numbers;
// the largest weight of a usable instance is 10000. Within says that the routed
// instances are a part of the stock answer.
func (r Rule) weigh(routed, others []Member, within bool) {
	a, b := usableWeight(routed), usableWeight(others)
	share := big.NewRat(r.Rollout, 10000)
	scaleB := new(big.Rat).Sub(big.NewRat(1, 1), share)
	scaleA := new(big.Rat).Mul(b, share) // what the others lose
	if within {
		scaleA.Add(scaleA, a) // and what they have by themselves
	}
	scaleA.Quo(scaleA, a)
	largest := new(big.Rat)
	each := func(do func(m *Member, exact *big.Rat)) {
		for n := range routed {
			do(&routed[n], new(big.Rat).Mul(scaleA, big.NewRat(int64(routed[n].Weight), 1)))
		}
		for n := range others {
			do(&others[n], new(big.Rat).Mul(scaleB, big.NewRat(int64(others[n].Weight), 1)))
		}
	}
	each(func(m *Member, exact *big.Rat) {
		if m.Usable() && exact.Cmp(largest) > 0 {
			largest = exact
		}
	})
	each(func(m *Member, exact *big.Rat) {
		if m.Weight == 0 {
			return
		}
		exact.Mul(exact, big.NewRat(10000, 1)).Quo(exact, largest).Add(exact, big.NewRat(1, 2))
		whole := new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
		m.SentWeight = uint32(min(max(whole, 1), 10000))
	})
}

func usableWeight(list []Member) *big.Rat {
	sum := new(big.Rat)
	for _, m := range list {
		if m.Usable() {
			sum.Add(sum, big.NewRat(int64(m.Weight), 1))
		}
	}
	return sum
}

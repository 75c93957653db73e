package route

import "math/bits"

// The weights of a list with shares are whole numbers from 1 to MaxWeight. The largest usable
// weight is made as large as it can be. With many instances on a road weights can get so
// small that rounding moves a share: then smaller weights for all may fit better.
const (
	weightTries   = 100 // sizes of the largest weight that are tried
	shareNearness = 10  // in hundredths of a percentage point: shares that near need no other try
)

// weighed is a portion with the sum of its usable weights.
type weighed struct {
	Portion
	usable  uint64
	largest uint64            // usable weight
	counts  map[uint32]uint64 // usable instances by their weight
}

// weigh returns the members of several portions, with weights that give each its share.
// Within a portion the weights keep their proportions. A weight of 0 stays 0.
func weigh(portions []Portion, instances []Instance) []Member {
	list := make([]weighed, len(portions))
	top := 0 // the portion with the largest weight for each share
	for n, p := range portions {
		list[n] = newWeighed(p, instances)
		// largest*share/usable of n against that of top
		high, low := bits.Mul64(list[n].largest*uint64(p.Share), list[top].usable)
		topHigh, topLow := bits.Mul64(list[top].largest*uint64(list[top].Share), list[n].usable)
		if high > topHigh || high == topHigh && low > topLow {
			top = n
		}
	}
	largest, best := uint64(MaxWeight), ^uint64(0)
	for try := range uint64(weightTries) {
		size := MaxWeight - try*MaxWeight/2/weightTries
		if miss := farthest(list, list[top], size); miss < best {
			largest, best = size, miss
		}
		if best <= shareNearness {
			break
		}
	}
	var out []Member
	for _, w := range list {
		for _, i := range w.Members {
			out = append(out, Member{Index: i, Weight: w.sent(instances[i].Weight, list[top], largest)})
		}
	}
	return out
}

func newWeighed(p Portion, instances []Instance) weighed {
	w := weighed{Portion: p, counts: map[uint32]uint64{}}
	for _, i := range p.Members {
		if instance := instances[i]; instance.Usable() {
			w.usable += uint64(instance.Weight)
			w.largest = max(w.largest, uint64(instance.Weight))
			w.counts[instance.Weight]++
		}
	}
	return w
}

// sent returns the weight to send for a weight, if the largest weight of the top Portion is
// sent as size: weight * share / usable, as the top Portion has it.
func (w weighed) sent(weight uint32, top weighed, size uint64) uint32 {
	if weight == 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(weight)*size*uint64(w.Share), top.usable)
	divisor := w.usable * top.largest * uint64(top.Share)
	low, carry := bits.Add64(low, divisor/2, 0)
	if high += carry; high >= divisor { // of an instance that is not usable
		return MaxWeight
	}
	quotient, _ := bits.Div64(high, low, divisor)
	return uint32(min(max(quotient, 1), MaxWeight))
}

// farthest returns how far the share that comes out is from the one that is wanted, in
// hundredths of a percentage point, of the portion where that is most.
func farthest(list []weighed, top weighed, size uint64) (most uint64) {
	sums, all := make([]uint64, len(list)), uint64(0)
	for n, w := range list {
		for weight, count := range w.counts {
			sums[n] += uint64(w.sent(weight, top, size)) * count
		}
		all += sums[n]
	}
	for n, w := range list {
		wanted, got := uint64(w.Share)*100, sums[n]*10_000/all
		most = max(most, max(wanted, got)-min(wanted, got))
	}
	return most
}

package route

import (
	"cmp"
	"math/big"
	"slices"
	"time"
)

// With `overprovision` an answer has several roads, and each takes a share of the caller's
// requests (docs/design.md, 5.2). A road has here only the instances that no earlier road
// has. Its figure is the share that it takes if it can.

// sharesWhole is the share of all roads together, in percent.
const sharesWhole = 100

// figureStep is the step of figures that are not below it, in percent: lists rest while
// single instances come and go.
const figureStep = 5

// ownFigure returns what is usable of a road, in percent and with what it may carry beyond.
func (d Degrade) ownFigure(r Road) int {
	if r.New == 0 {
		return 0
	}
	percent := min(d.Overprovision*r.NewUsable/r.New, sharesWhole)
	if percent < figureStep {
		return percent
	}
	return percent - percent%figureStep
}

// figure is what is remembered of the figure of a road.
type figure struct {
	percent int       // that counts
	from    int       // the percent from which it rises
	since   time.Time // since when the own figure is higher; zero: it is not
}

// follow returns the figure after a road's own figure has been seen. A figure falls at
// once. It rises after the hold-down, by steps that are spread over `failback`. Next is
// when it may rise, the zero time if it does not.
func (f figure) follow(own int, d Degrade, now time.Time) (after figure, next time.Time) {
	if own <= f.percent {
		return figure{percent: own}, time.Time{}
	}
	if f.since.IsZero() {
		f.from, f.since = f.percent, now
	}
	steps := (own - f.from + figureStep - 1) / figureStep
	begin := f.since.Add(d.HoldDown)
	step := func(n int) time.Time { return begin.Add(d.Failback * time.Duration(n) / time.Duration(steps)) }
	for n := 1; n <= steps; n++ {
		if now.Before(step(n)) {
			return f, step(n)
		}
		f.percent = max(f.percent, min(f.from+n*figureStep, own))
	}
	return figure{percent: own}, time.Time{}
}

// Portion is a road that takes a share of the caller's requests.
type Portion struct {
	Tier, Level string // of the road; empty where it has no name
	Share       int    // in percent, above 0
	Members     []int  // the instances that no earlier road has, ascending indexes into Callee.Instances

	road int // the number of the road
}

// division is how a caller's requests are divided among the roads.
type division struct {
	portions []Portion
	figures  []figure  // of the roads that were looked at
	next     time.Time // when the first figure may rise; zero: no figure is held
}

// divide divides the caller's requests among the roads, by the figures that are remembered.
// It is not ok if no road has a usable instance.
func (r *roads) divide(before []figure, now time.Time) (d division, ok bool) {
	d.figures, d.next = r.follow(before, now)
	if shares, ok := r.shares(d.figures); ok {
		return r.dividedBy(d, shares), true
	}
	d.figures, d.next = r.ownFigures(), time.Time{}
	shares, ok := r.shares(d.figures)
	if !ok {
		return division{}, false
	}
	return r.dividedBy(d, shares), true
}

// follow returns the figures of the roads that are needed for the whole, and when the first
// of them may rise.
func (r *roads) follow(before []figure, now time.Time) (figures []figure, next time.Time) {
	left := sharesWhole
	for n := 0; n < r.count() && left > 0; n++ {
		own := r.degrade.ownFigure(r.look(n).Road)
		f, rises := figure{percent: own}, time.Time{}
		if n < len(before) {
			f, rises = before[n].follow(own, r.degrade, now)
		}
		if !rises.IsZero() && (next.IsZero() || rises.Before(next)) {
			next = rises
		}
		figures, left = append(figures, f), left-f.percent
	}
	return figures, next
}

// shares returns what each road takes by its figure, of what the roads before it leave. If
// the figures are not 100 together, the shares are scaled.
func (r *roads) shares(figures []figure) (shares []int, ok bool) {
	left := sharesWhole
	for _, f := range figures {
		share := min(f.percent, left)
		shares, left = append(shares, share), left-share
	}
	if left > 0 {
		return r.scaled(figures)
	}
	return shares, true
}

// dividedBy puts what the roads take into a division, and into the roads.
func (r *roads) dividedBy(d division, shares []int) division {
	for n, share := range shares {
		road := &r.measured[n].Road
		road.Figure, road.Held, road.Share = d.figures[n].percent, !d.figures[n].since.IsZero(), share
		if share > 0 {
			d.portions = append(d.portions, Portion{road.Tier, road.Level, share, r.measured[n].fresh, n})
		}
	}
	return d
}

// ownFigures returns the figures of the measured roads, without a past.
func (r *roads) ownFigures() (out []figure) {
	for _, road := range r.measured {
		out = append(out, figure{percent: r.degrade.ownFigure(road.Road)})
	}
	return out
}

// scaled returns shares that are 100 together, where the figures are not: in proportion to
// what the figures were before rounding. A figure that is held or rises counts as it is.
// It is not ok if all figures are nothing.
func (r *roads) scaled(figures []figure) (shares []int, ok bool) {
	exact, sum := make([]*big.Rat, len(figures)), new(big.Rat)
	for n, f := range figures {
		exact[n] = big.NewRat(int64(f.percent), 1)
		if road := r.measured[n]; f.since.IsZero() && road.New > 0 {
			exact[n].SetFrac64(int64(r.degrade.Overprovision)*int64(road.NewUsable), int64(road.New))
		}
		sum.Add(sum, exact[n])
	}
	if sum.Sign() == 0 {
		return nil, false
	}
	for n := range exact {
		exact[n].Mul(exact[n], big.NewRat(sharesWhole, 1)).Quo(exact[n], sum)
	}
	return wholePercents(exact), true
}

// wholePercents rounds shares that are 100 together so that they stay so: the largest
// remainder first, of equal ones the earlier road.
func wholePercents(exact []*big.Rat) []int {
	shares, order, left := make([]int, len(exact)), make([]int, len(exact)), sharesWhole
	remainders := make([]*big.Rat, len(exact))
	for n, e := range exact {
		whole := new(big.Int).Quo(e.Num(), e.Denom())
		shares[n], order[n] = int(whole.Int64()), n
		remainders[n] = new(big.Rat).Sub(e, new(big.Rat).SetInt(whole))
		left -= shares[n]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Or(remainders[b].Cmp(remainders[a]), a-b) })
	for _, n := range order[:left] {
		shares[n]++
	}
	return shares
}

// choose returns the choice of a division.
func (s *selection) choose(d division) Choice {
	first, last := d.portions[0], d.portions[len(d.portions)-1]
	c := Choice{
		SET: s.set, SETRule: s.setRule, LastResort: s.lastResort, taken: first.road, last: last.road,
		Tier: first.Tier, Level: first.Level, division: d, HeldUntil: d.next,
	}
	for _, p := range d.portions {
		c.Chosen = append(c.Chosen, p.Members...)
	}
	slices.Sort(c.Chosen)
	c.Roads, c.tiers = s.roads.lookedAt(-1), s.roads.tiersLookedAt()
	for n := range c.Roads {
		c.Roads[n].Taken = c.Roads[n].Share > 0
	}
	return c
}

// Portions returns the roads that take something, with `overprovision`, in their order. It
// is nil for a decision for one road.
func (d Decision) Portions() []Portion {
	if len(d.Choices) != 1 {
		return nil
	}
	return d.Choices[0].portions
}

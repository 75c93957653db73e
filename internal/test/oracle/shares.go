package oracle

import (
	"math/big"
	"slices"
	"time"
)

// Share is a road that takes a share of a caller's requests (docs/design.md, 5.2:
// degrade.overprovision).
type Share struct {
	Percent int
	Members []int // indexes of the instances that no earlier road has, ascending
}

// Figure is what a node remembers of the figure of a road.
type Figure struct {
	Percent, From int
	Since         time.Time // since when the road's own figure is higher; zero: it is not
}

// divided is a road with the instances that no earlier road has.
type divided struct {
	road
	exact *big.Rat // the own figure before rounding
	own   int
}

// Divide chooses several roads for one SET, as a node with a memory does; a nil memory has
// no past. It is not ok if no road has a usable instance.
func (r Rule) Divide(set string, place Place, all []Instance, m Memory, now time.Time) (c Choice, ok bool) {
	setRule, tiers := r.tiers(set, all)
	roads := r.roads(tiers, r.levels(place), all, isPresent)
	if !anyHas(roads, all, Instance.Usable) {
		roads = r.roads(tiers, r.levels(place), all, isRegistered)
	}
	if !anyHas(roads, all, Instance.Usable) {
		return Choice{}, false
	}
	list := r.divide(roads, all)
	past := m[set].Figures
	if m[set].SETRule != setRule {
		past = nil
	}
	figures, shares := r.shares(list, past, now)
	if m != nil {
		m[set] = Held{Road: Road{SETRule: setRule}, Figures: figures}
	}
	c.SETRule = setRule
	for n, percent := range shares {
		if percent == 0 {
			continue
		}
		if c.Shares == nil {
			c.Tier, c.Level, c.Road = list[n].tier.name, list[n].level.name, Road{setRule, list[n].number}
		}
		c.Shares = append(c.Shares, Share{percent, list[n].members})
		c.Chosen = append(c.Chosen, list[n].members...)
	}
	slices.Sort(c.Chosen)
	return c, true
}

// divide takes from each road what earlier roads have, and gives each its own figure.
func (r Rule) divide(roads []road, all []Instance) (out []divided) {
	seen := map[int]bool{}
	for _, one := range roads {
		var fresh []int
		for _, i := range one.members {
			if !seen[i] {
				fresh = append(fresh, i)
			}
			seen[i] = true
		}
		one.members = fresh
		d := divided{road: one, exact: new(big.Rat)}
		if inService := count(fresh, all, Instance.InService); inService > 0 {
			d.exact = big.NewRat(int64(r.Degrade.Overprovision*count(fresh, all, Instance.Usable)), int64(inService))
		}
		for step := range 101 { // the largest step that it reaches
			if (step < 5 || step%5 == 0) && d.exact.Cmp(big.NewRat(int64(step), 1)) >= 0 {
				d.own = step
			}
		}
		out = append(out, d)
	}
	return out
}

// shares returns the figures of the roads that are needed for 100 percent, and the shares.
func (r Rule) shares(list []divided, past map[int]Figure, now time.Time) (figures map[int]Figure, shares []int) {
	figures, shares = map[int]Figure{}, make([]int, len(list))
	left := 100
	for n, d := range list {
		if left > 0 {
			figures[n] = Figure{Percent: d.own}
			if before, ok := past[n]; ok {
				figures[n] = before.after(d.own, r.Degrade, now)
			}
			shares[n] = min(figures[n].Percent, left)
			left -= shares[n]
		}
	}
	if left == 0 {
		return figures, shares
	}
	counts, sum := make([]*big.Rat, len(list)), new(big.Rat)
	count := func() {
		sum.SetInt64(0)
		for n, d := range list {
			if counts[n] = d.exact; !figures[n].Since.IsZero() {
				counts[n] = big.NewRat(int64(figures[n].Percent), 1)
			}
			sum.Add(sum, counts[n])
		}
	}
	if count(); sum.Sign() == 0 { // a figure that is held leaves nothing: no figure is held
		for n, d := range list {
			figures[n] = Figure{Percent: d.own}
		}
		count()
	}
	return figures, wholeShares(counts, sum)
}

// after returns the figure when the road's own figure has been seen.
func (f Figure) after(own int, d Degrade, now time.Time) Figure {
	if own <= f.Percent {
		return Figure{Percent: own}
	}
	if f.Since.IsZero() {
		f.From, f.Since = f.Percent, now
	}
	steps := time.Duration(own-f.From+4) / 5
	risen := 0
	for step := time.Duration(1); step <= steps; step++ {
		if !now.Before(f.Since.Add(d.HoldDown + d.Failback*step/steps)) {
			risen += 5
		}
	}
	f.Percent = max(f.Percent, min(f.From+risen, own))
	if f.Percent == own {
		return Figure{Percent: own}
	}
	return f
}

// wholeShares scales to 100, in whole percents: the largest remainder first, of equal ones
// the earlier road.
func wholeShares(counts []*big.Rat, sum *big.Rat) []int {
	shares, left := make([]int, len(counts)), 100
	remainders := make([]*big.Rat, len(counts))
	for n, c := range counts {
		share := new(big.Rat).Quo(new(big.Rat).Mul(c, big.NewRat(100, 1)), sum)
		for big.NewRat(int64(shares[n]+1), 1).Cmp(share) <= 0 {
			shares[n]++
			left--
		}
		remainders[n] = share.Sub(share, big.NewRat(int64(shares[n]), 1))
	}
	for ; left > 0; left-- {
		best := 0
		for n := range remainders {
			if remainders[n].Cmp(remainders[best]) > 0 {
				best = n
			}
		}
		shares[best]++
		remainders[best] = big.NewRat(-1, 1)
	}
	return shares
}

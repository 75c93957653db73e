// Package rig has what the benchmarks of whole servers share: callers that cost little,
// what a process uses, and the figures of several rounds.
package rig

import (
	"fmt"
	"slices"
	"time"
)

// Figures are the figures of one measurement, by name.
type Figures map[string]float64

// Spread returns the least and the greatest of a figure over all rounds.
func Spread(list []Figures, name string) string {
	least, greatest := list[0][name], list[0][name]
	for _, f := range list {
		least, greatest = min(least, f[name]), max(greatest, f[name])
	}
	return Number(least) + " to " + Number(greatest)
}

// Median returns the median of a figure over all rounds.
func Median(list []Figures, name string) float64 {
	var all []float64
	for _, f := range list {
		all = append(all, f[name])
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// Number writes a figure in two or three digits.
func Number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 1:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.3f", f)
}

// Ratio writes a ratio; a small one as a fraction.
func Ratio(r float64) string {
	if r > 0 && r < 0.5 {
		return "1/" + Number(1/r)
	}
	return Number(r)
}

// Percentile returns a percentile of sorted times.
func Percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

// Milliseconds returns a time in milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// figures are the figures of one measurement, by name.
type figures map[string]float64

// polls has all callers ask as fast as they can, with the revision that they have
// or anew.
func (s *side) polls(ctx context.Context, callers []*caller, anew bool) (figures, error) {
	if !anew {
		for _, c := range callers {
			if _, _, err := c.ask(true); err != nil {
				return nil, err
			}
		}
	}
	end, start, used := time.Now().Add(s.plan.seconds), time.Now(), cpu(s.server.PID())
	times, faults, size := make([][]time.Duration, len(callers)), make([]error, len(callers)), 0
	var wg sync.WaitGroup
	for n, c := range callers {
		wg.Go(func() {
			for time.Now().Before(end) {
				a, took, err := c.ask(anew)
				if err == nil && (a.code == codeChanged) != anew {
					err = fmt.Errorf("code %d", a.code)
				}
				if err != nil {
					faults[n] = err
					return
				}
				times[n] = append(times[n], took)
				if n == 0 {
					size = a.size
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	all := slices.Concat(times...)
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	return figures{
		"requests/s": float64(len(all)) / took.Seconds(), "p50 ms": ms(percentile(all, 50)), "p99 ms": ms(percentile(all, 99)),
		"bytes": float64(size), "CPU ms/request": ms(cpu(s.server.PID())-used) / float64(len(all)),
	}, nil
}

// percentile returns a percentile of sorted times.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

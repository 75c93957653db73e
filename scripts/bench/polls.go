package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// polls has all callers ask as fast as they can, with the revision that they have
// or anew.
func (s *side) polls(ctx context.Context, callers []*rig.Caller, anew bool) (rig.Figures, error) {
	if !anew {
		for _, c := range callers {
			if _, _, err := c.Ask(service, true); err != nil {
				return nil, err
			}
		}
	}
	end, start, used := time.Now().Add(s.plan.seconds), time.Now(), rig.CPU(s.server.PID())
	times, faults, size := make([][]time.Duration, len(callers)), make([]error, len(callers)), 0
	var wg sync.WaitGroup
	for n, c := range callers {
		wg.Go(func() {
			for time.Now().Before(end) {
				a, took, err := c.Ask(service, anew)
				if err == nil && (a.Code == rig.CodeChanged) != anew {
					err = fmt.Errorf("code %d", a.Code)
				}
				if err != nil {
					faults[n] = err
					return
				}
				times[n] = append(times[n], took)
				if n == 0 {
					size = a.Size
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
	return rig.Figures{
		"requests/s": float64(len(all)) / took.Seconds(), "p50 ms": rig.Milliseconds(rig.Percentile(all, 50)), "p99 ms": rig.Milliseconds(rig.Percentile(all, 99)),
		"bytes": float64(size), "CPU ms/request": rig.Milliseconds(rig.CPU(s.server.PID())-used) / float64(len(all)),
	}, nil
}

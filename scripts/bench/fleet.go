package main

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// pollInterval is how often a caller of the fleet asks, as SDKs do.
const pollInterval = 2 * time.Second

// fleet has callers poll at their interval while instances change. First it
// measures without callers what the changes themselves cost the server. A server
// that cannot keep up gets fewer polls than it should, so CPU and bytes are given
// per poll.
func (s *side) fleet(ctx context.Context, callers []*rig.Caller) (rig.Figures, error) {
	alone, err := s.churnFor(ctx, s.plan.fleetTime/2, nil)
	if err != nil {
		return nil, err
	}
	with, err := s.churnFor(ctx, s.plan.fleetTime, callers)
	if err != nil {
		return nil, err
	}
	runtime.GC() // of this program
	polls := float64(len(with.times))
	slices.Sort(with.times)
	return rig.Figures{
		"polls/s":                   polls / s.plan.fleetTime.Seconds(),
		"p50 ms":                    rig.Milliseconds(rig.Percentile(with.times, 50)),
		"p99 ms":                    rig.Milliseconds(rig.Percentile(with.times, 99)),
		"changed answers, share":    float64(with.changed) / polls,
		"bytes/poll":                float64(with.bytes) / polls,
		"CPU of the changes, cores": alone.cores,
		"CPU, cores":                with.cores,
		"CPU ms/poll":               with.cores * 1000 * s.plan.fleetTime.Seconds() / polls,
		"changes/s":                 with.changes,
		"memory MB":                 rig.Memory(s.server.PID()),
	}, nil
}

// churned is what callers and server did while instances changed.
type churned struct {
	times          []time.Duration
	bytes, changed int
	cores, changes float64
}

// churnFor has callers poll while instances change.
func (s *side) churnFor(ctx context.Context, d time.Duration, callers []*rig.Caller) (churned, error) {
	begin, used := time.Now(), rig.CPU(s.server.PID())
	end := begin.Add(d)
	var sum churned
	var faults []error
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n, c := range callers {
		wg.Go(func() {
			polled, err := pollUntil(c, end, pollInterval*time.Duration(n)/time.Duration(len(callers)))
			mu.Lock()
			defer mu.Unlock()
			sum.times, sum.bytes, sum.changed = append(sum.times, polled.times...), sum.bytes+polled.bytes, sum.changed+polled.changed
			faults = append(faults, err)
		})
	}
	count, tick := 0, time.NewTicker(time.Second/10)
	defer tick.Stop()
	for time.Now().Before(end) {
		<-tick.C
		n := max(1, s.plan.instances/100/10) // 1% in a second
		if err := s.store.change(n); err != nil {
			return sum, err
		}
		count += n
	}
	sum.cores = (rig.CPU(s.server.PID()) - used).Seconds() / time.Since(begin).Seconds()
	sum.changes = float64(count) / time.Since(begin).Seconds()
	wg.Wait()
	return sum, errors.Join(faults...)
}

func pollUntil(c *rig.Caller, end time.Time, wait time.Duration) (sum churned, err error) {
	for next := time.Now().Add(wait); next.Before(end); next = next.Add(pollInterval) {
		time.Sleep(time.Until(next))
		a, took, err := c.Ask(service, false)
		if err != nil {
			return sum, err
		}
		if a.Code == rig.CodeChanged {
			sum.changed++
		}
		sum.bytes += a.Size
		sum.times = append(sum.times, took)
		if now := time.Now(); next.Before(now) { // a slow answer takes the place of polls; they are not made up for
			next = now.Add(-time.Since(next) % pollInterval)
		}
	}
	return sum, nil
}

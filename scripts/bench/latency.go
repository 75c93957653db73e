package main

import (
	"context"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// changesTimed is how many single changes are timed.
const changesTimed = 20

// latencies measures the time from a change in the server's cache to the new list.
// One caller polls in a loop while instances of its own list change, one at a time.
// The clock starts when the caller sends the last poll whose answer does not have
// the change: the cache got the change after that. So the time is an upper bound.
func (s *side) latencies(ctx context.Context) (rig.Figures, error) {
	c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, _, err := c.Ask(service, true); err != nil {
		return nil, err
	}
	var all []time.Duration
	for n := range changesTimed {
		if err := s.flip(n); err != nil {
			return nil, err
		}
		for start := time.Now(); ; {
			asked := time.Now()
			a, _, err := c.Ask(service, false)
			if err != nil {
				return nil, err
			}
			if a.Code == rig.CodeChanged {
				all = append(all, time.Since(start))
				break
			}
			start = asked
		}
	}
	slices.Sort(all)
	return rig.Figures{"at most, p50 ms": rig.Milliseconds(rig.Percentile(all, 50)), "at most, p90 ms": rig.Milliseconds(rig.Percentile(all, 90))}, nil
}

// flip changes the health of the nth instance of the first kind.
func (s *side) flip(n int) error {
	kinds := s.plan.sets * s.plan.campuses
	return s.store.Flip(rig.InstanceID(n * kinds % (s.plan.instances / kinds * kinds)))
}

// sdk runs two processes of the unmodified SDK while instances change. One is a
// caller, the other asks for nothing.
func (s *side) sdk(ctx context.Context) (rig.Figures, error) {
	if s.plan.sdk == "" {
		return nil, nil
	}
	var pids []int
	var processes []*polaristest.Consumers
	for n := range 2 {
		process, err := polaristest.StartConsumers(s.plan.sdk)
		if err != nil {
			return nil, err
		}
		defer process.Close()
		if err := process.Add("caller", kind(0).addr(100+n), s.server); err != nil {
			return nil, err
		}
		processes, pids = append(processes, process), append(pids, process.PID())
	}
	busy := processes[0]
	if _, err := busy.Get("caller", "default", service); err != nil {
		return nil, err
	}
	begin := []time.Duration{rig.CPU(pids[0]), rig.CPU(pids[1])}
	if _, err := s.churnFor(ctx, s.plan.sdkTime, nil); err != nil {
		return nil, err
	}
	used := []float64{(rig.CPU(pids[0]) - begin[0]).Seconds(), (rig.CPU(pids[1]) - begin[1]).Seconds()}
	late, err := s.untilSDK(ctx, busy)
	return rig.Figures{
		"resident MB": rig.Memory(pids[0]), "resident MB beyond an idle SDK": rig.Memory(pids[0]) - rig.Memory(pids[1]),
		"CPU s": used[0], "CPU s beyond an idle SDK": used[0] - used[1], "change to SDK, mean s": late.Seconds(),
	}, err
}

// untilSDK returns how much later than a caller that asks in a loop the SDK has a
// change: the mean of a few changes.
func (s *side) untilSDK(ctx context.Context, sdk *polaristest.Consumers) (time.Duration, error) {
	const times = 5
	c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var sum time.Duration
	for n := range times {
		if _, _, err := c.Ask(service, false); err != nil {
			return 0, err
		}
		if err := s.flip(n); err != nil {
			return 0, err
		}
		for changed := false; !changed; {
			a, _, err := c.Ask(service, false)
			if err != nil {
				return 0, err
			}
			changed = a.Code == rig.CodeChanged
		}
		start := time.Now()
		for got := ""; got != c.Revision(service); time.Sleep(10 * time.Millisecond) {
			g, err := sdk.Get("caller", "default", service)
			if err != nil {
				return 0, err
			}
			got = g.Revision
		}
		sum += time.Since(start)
	}
	return sum / times, nil
}

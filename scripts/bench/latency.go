package main

import (
	"context"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// changesTimed is how many single changes are timed.
const changesTimed = 20

// latencies measures the time from a change in the server's cache to the new list.
// One caller polls in a loop while instances of its own list change, one at a time.
// The clock starts when the caller sends the last poll whose answer does not have
// the change: the cache got the change after that. So the time is an upper bound.
func (s *side) latencies(ctx context.Context) (figures, error) {
	c, err := dial(ctx, 0, s.server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	if _, _, err := c.ask(true); err != nil {
		return nil, err
	}
	var all []time.Duration
	for n := range changesTimed {
		if err := s.flip(n); err != nil {
			return nil, err
		}
		for start := time.Now(); ; {
			asked := time.Now()
			a, _, err := c.ask(false)
			if err != nil {
				return nil, err
			}
			if a.code == codeChanged {
				all = append(all, time.Since(start))
				break
			}
			start = asked
		}
	}
	slices.Sort(all)
	return figures{"at most, p50 ms": ms(percentile(all, 50)), "at most, p90 ms": ms(percentile(all, 90))}, nil
}

// flip changes the health of the nth instance of the first kind.
func (s *side) flip(n int) error {
	kinds := s.plan.sets * s.plan.campuses
	return s.store.flip(instanceID(n * kinds % (s.plan.instances / kinds * kinds)))
}

// sdk runs two processes of the unmodified SDK while instances change. One is a
// caller, the other asks for nothing.
func (s *side) sdk(ctx context.Context) (figures, error) {
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
	begin := []time.Duration{cpu(pids[0]), cpu(pids[1])}
	if _, err := s.churnFor(ctx, s.plan.sdkTime, nil); err != nil {
		return nil, err
	}
	used := []float64{(cpu(pids[0]) - begin[0]).Seconds(), (cpu(pids[1]) - begin[1]).Seconds()}
	late, err := s.untilSDK(ctx, busy)
	return figures{
		"resident MB": memory(pids[0]), "resident MB beyond an idle SDK": memory(pids[0]) - memory(pids[1]),
		"CPU s": used[0], "CPU s beyond an idle SDK": used[0] - used[1], "change to SDK, mean s": late.Seconds(),
	}, err
}

// untilSDK returns how much later than a caller that asks in a loop the SDK has a
// change: the mean of a few changes.
func (s *side) untilSDK(ctx context.Context, sdk *polaristest.Consumers) (time.Duration, error) {
	const times = 5
	c, err := dial(ctx, 0, s.server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	var sum time.Duration
	for n := range times {
		if _, _, err := c.ask(false); err != nil {
			return 0, err
		}
		if err := s.flip(n); err != nil {
			return 0, err
		}
		for changed := false; !changed; {
			a, _, err := c.ask(false)
			if err != nil {
				return 0, err
			}
			changed = a.code == codeChanged
		}
		start := time.Now()
		for got := ""; got != c.revision; time.Sleep(10 * time.Millisecond) {
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

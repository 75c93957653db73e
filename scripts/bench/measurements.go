package main

import (
	"context"
	"fmt"
	"os"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// measurement is one measurement, made on all sides in turns.
type measurement struct {
	name    string
	rows    []string // figures in their order
	targets map[string]string
	rounds  bool // made in several rounds; the median counts
	measure func(s *side, ctx context.Context) (rig.Figures, error)
}

// measurements are all measurements in their order. A target is a target of the
// ratio, as docs/performance.md states it.
var measurements = []measurement{
	{
		name: "unchanged poll", rounds: true,
		rows:    []string{"requests/s", "p50 ms", "p99 ms", "CPU ms/request"},
		targets: map[string]string{"requests/s": ">= 1.0", "p99 ms": "<= 1.0"},
		measure: func(s *side, ctx context.Context) (rig.Figures, error) { return s.pollsOf(ctx, false) },
	},
	{
		name: "changed answer", rounds: true,
		rows:    []string{"bytes", "requests/s", "p50 ms", "p99 ms", "CPU ms/request"},
		targets: map[string]string{"bytes": "<= 1/45", "requests/s": ">= 30", "p99 ms": "<= 1/20", "CPU ms/request": "<= 1/30"},
		measure: func(s *side, ctx context.Context) (rig.Figures, error) { return s.pollsOf(ctx, true) },
	},
	{
		name:    "from a change in the server's cache to the new list",
		rows:    []string{"at most, p50 ms", "at most, p90 ms"},
		targets: map[string]string{"at most, p90 ms": "pack <= 50 ms"},
		measure: (*side).latencies,
	},
	{
		name:    "fleet, and 1% of the instances changing each second",
		rows:    []string{"changes/s", "polls/s", "changed answers, share", "bytes/poll", "p50 ms", "p99 ms", "CPU of the changes, cores", "CPU, cores", "CPU ms/poll", "memory MB"},
		targets: map[string]string{"bytes/poll": "<= 1/50", "p99 ms": "<= 1/5", "CPU ms/poll": "<= 1/10", "memory MB": "<= 0.5"},
		measure: (*side).fleetOf,
	},
	{
		name:    "one caller's SDK process, and the same changes",
		rows:    []string{"resident MB", "resident MB beyond an idle SDK", "CPU s", "CPU s beyond an idle SDK", "change to SDK, mean s"},
		targets: map[string]string{"resident MB": "<= 1/10", "CPU s": "<= 1/10"},
		measure: (*side).sdk,
	},
}

// run measures all sides in turns and prints a row for each figure: the median of
// each side, and the ratio of the last side to the first. With a side from before a
// change there are its ratio as well, and the spread of all rounds.
func (m measurement) run(ctx context.Context, p plan, sides []*side) error {
	rounds := 1
	if m.rounds || len(sides) > 2 {
		rounds = p.rounds
	}
	all := make([][]rig.Figures, len(sides))
	for range rounds {
		for i, s := range sides {
			f, err := m.measure(s, ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if f == nil {
				return nil // the measurement is left out
			}
			all[i] = append(all[i], f)
		}
	}
	fmt.Printf("\n%s\n", m.name)
	t := table.New(os.Stdout)
	for _, s := range sides {
		fmt.Fprintf(t, "\t%s", s.name)
	}
	fmt.Fprint(t, "\tratio\ttarget")
	if len(sides) > 2 {
		fmt.Fprint(t, "\tto before\tspread before\tspread now")
	}
	fmt.Fprintln(t)
	last := len(sides) - 1
	for _, name := range m.rows {
		fmt.Fprint(t, name)
		for i := range sides {
			fmt.Fprintf(t, "\t%s", rig.Number(rig.Median(all[i], name)))
		}
		now := rig.Median(all[last], name)
		fmt.Fprintf(t, "\t%s\t%s", rig.Ratio(now/rig.Median(all[0], name)), m.targets[name])
		if len(sides) > 2 {
			fmt.Fprintf(t, "\t%s\t%s\t%s", rig.Number(now/rig.Median(all[1], name)), rig.Spread(all[1], name), rig.Spread(all[last], name))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func (s *side) pollsOf(ctx context.Context, anew bool) (rig.Figures, error) {
	callers, err := s.callers(ctx, s.plan.callers)
	defer hangUp(callers)
	if err != nil {
		return nil, err
	}
	return s.polls(ctx, callers, anew)
}

func (s *side) fleetOf(ctx context.Context) (rig.Figures, error) {
	if s.plan.fleet == 0 {
		return nil, nil
	}
	callers, err := s.callers(ctx, s.plan.fleet)
	defer hangUp(callers)
	if err != nil {
		return nil, err
	}
	return s.fleet(ctx, callers)
}

func hangUp(callers []*rig.Caller) {
	for _, c := range callers {
		c.Close()
	}
}

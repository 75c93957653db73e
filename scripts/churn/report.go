package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report writes what clients asked for.
func report(out io.Writer, clients []*client) {
	for _, c := range clients {
		fmt.Fprintf(out, "  %-42s %4d deltas of %8d bytes, %d of them to fetch all, %d full lists of %8d bytes, %d hashcodes did not match, %d of them after more than %s\n",
			c, c.deltas.count, c.deltas.mean(), c.told, c.full.count, c.full.mean(), c.mismatches, c.late, deltaInterval)
	}
}

// mean returns the bytes of an answer.
func (t traffic) mean() int { return t.bytes / max(1, t.count) }

// verdict writes what happened. A client of ours whose hashcode did not match though it polled
// in time, and a wrong list of ours, is an error.
func (w *world) verdict(out io.Writer, clients []*client) error {
	for _, kind := range slices.Sorted(maps.Keys(w.changes)) {
		fmt.Fprintf(out, "%s %d, ", kind, w.changes[kind])
	}
	fmt.Fprintf(out, "comparisons %d, wrong lists %d\n", w.compared, len(w.wrong))
	bad := 0
	for _, c := range clients {
		if c.kind != stockKind {
			bad += c.mismatches - c.late
		}
	}
	for _, wrong := range w.wrong {
		fmt.Fprintln(out, "wrong list:", wrong)
		if !strings.HasPrefix(wrong, stockKind) {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d mismatches and wrong lists", bad)
	}
	return nil
}

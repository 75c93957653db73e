package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/gaissmai/bart"
	"golang.org/x/sys/unix"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/mappingtest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Lookups run in rounds, on slices of the queries. Rounds are short, so that other
// work on the machine disturbs two neighbours alike.
const rounds, perRound = 160, 1 << 16

// measureLookup times the same lookups in the mapping and in a bare table with the
// same prefixes, in turns. The median of the rounds counts. The bare table has the
// Facts of each prefix. The second pair of figures includes reading what was found.
func measureLookup(dir string, entries int) ([]row, error) {
	table, err := load(filepath.Join(dir, "mapping.csv"))
	if err != nil {
		return nil, err
	}
	bare := &bart.Table[*location.Facts]{}
	for prefix, found := range table.All() {
		facts := found.Facts()
		bare.Insert(prefix, &facts)
	}
	queries := mappingtest.Queries(mappingtest.Entries(entries), 1<<20)
	pure := compare(queries,
		func(addr netip.Addr) { bare.Lookup(addr) },
		func(addr netip.Addr) { table.Lookup(addr) })
	used := compare(queries,
		func(addr netip.Addr) {
			if f, ok := bare.Lookup(addr); ok {
				use(f.Identity, f.SETFrom)
			}
		},
		func(addr netip.Addr) { useOurs(table, addr) })
	allocs := testing.AllocsPerRun(1000, func() { useOurs(table, queries[0]) })
	return []row{
		{"lookup: bare table, mapping", pure.String(), ""},
		{"lookup, ratio", fmt.Sprintf("%.2f", pure.ratio), "<= 1.3"},
		{"lookup, allocations", fmt.Sprintf("%.0f", allocs), "0"},
		{"lookup and read: bare table, mapping", used.String(), ""},
		{"lookup and read, ratio", fmt.Sprintf("%.2f", used.ratio), ""},
	}, nil
}

var read int

func useOurs(table *location.Table, addr netip.Addr) {
	if found, ok := table.Lookup(addr); ok {
		use(*found.Identity, found.Facts().SETFrom)
	}
}

// use reads what routing reads, and the line that says the SET.
func use(id location.Identity, from *location.Origin) {
	read += len(id.Region) + len(id.Campus) + len(id.SET)
	if from != nil {
		read += from.Line
	}
}

// comparison is the medians: nanoseconds for a lookup in either table, and their
// ratio.
type comparison struct {
	bare, ours, ratio float64
}

func (c comparison) String() string { return fmt.Sprintf("%.0f ns, %.0f ns", c.bare, c.ours) }

func compare(queries []netip.Addr, bare, ours func(netip.Addr)) comparison {
	var times [3][]float64
	for round := range rounds {
		slice := queries[round*perRound%len(queries):][:perRound]
		a, b := perLookup(slice, bare), perLookup(slice, ours)
		for i, v := range []float64{a, b, b / a} {
			times[i] = append(times[i], v)
		}
	}
	return comparison{median(times[0]), median(times[1]), median(times[2])}
}

func load(name string) (*location.Table, error) {
	var problems strict.Problems
	file, ok := strict.ReadFile(name, &problems)
	if !ok {
		return nil, problems.Err()
	}
	return location.LoadMapping([]strict.File{file}, &problems), problems.Err()
}

// perLookup returns the CPU time of one lookup, in nanoseconds.
func perLookup(queries []netip.Addr, lookup func(netip.Addr)) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
	for _, addr := range queries {
		lookup(addr)
	}
	return float64((cpuTime(unix.CLOCK_THREAD_CPUTIME_ID) - start).Nanoseconds()) / float64(len(queries))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gaissmai/bart"

	"github.com/polaris-contrib/setrouter/internal/mappingtest"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// measureLookup times the same lookups in the mapping and in a bare table with
// the same prefixes, in turns; the median of the rounds counts.
func measureLookup(dir string, entries int) ([]row, error) {
	table, err := load(filepath.Join(dir, "mapping.csv"))
	if err != nil {
		return nil, err
	}
	bare := &bart.Table[*int]{}
	for prefix := range table.All() {
		bare.Insert(prefix, new(int))
	}
	queries := mappingtest.Queries(mappingtest.Entries(entries), 1<<20)
	var times [2][]float64
	var ratios []float64
	for range 15 {
		a := perLookup(queries, func(addr netip.Addr) bool { _, ok := bare.Lookup(addr); return ok })
		b := perLookup(queries, func(addr netip.Addr) bool { _, ok := table.Lookup(addr); return ok })
		times[0], times[1], ratios = append(times[0], a), append(times[1], b), append(ratios, b/a)
	}
	allocs := testing.AllocsPerRun(1000, func() { table.Lookup(queries[0]) })
	return []row{
		{"lookup, bare table library", fmt.Sprintf("%.0f ns", median(times[0])), ""},
		{"lookup, mapping", fmt.Sprintf("%.0f ns, %.0f allocations", median(times[1]), allocs), "0 allocations"},
		{"lookup, ratio", fmt.Sprintf("%.2f", median(ratios)), "<= 1.3"},
	}, nil
}

func load(name string) (*location.Table, error) {
	var problems strict.Problems
	file, ok := strict.ReadFile(name, &problems)
	if !ok {
		return nil, problems.Err()
	}
	return location.LoadMapping([]strict.File{file}, &problems), problems.Err()
}

var found int

// perLookup is in nanoseconds.
func perLookup(queries []netip.Addr, lookup func(netip.Addr) bool) float64 {
	start := time.Now()
	for _, addr := range queries {
		if lookup(addr) {
			found++
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(len(queries))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

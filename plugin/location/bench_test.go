package location_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/gaissmai/bart"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/mappingtest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// BenchmarkLookup asks the mapping and the bare table for the same addresses of
// a million prefixes.
func BenchmarkLookup(b *testing.B) {
	entries := mappingtest.Entries(1_000_000)
	queries := mappingtest.Queries(entries, 1<<20)
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: mappingtest.CSV(entries)}}, &problems)
	bare := &bart.Table[*int]{}
	for _, e := range entries {
		bare.Insert(e.Prefix, new(int))
	}
	run := func(name string, lookup func(netip.Addr) bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				lookup(queries[i%len(queries)])
			}
		})
	}
	run("bare", func(addr netip.Addr) bool { _, ok := bare.Lookup(addr); return ok })
	run("ours", func(addr netip.Addr) bool { _, ok := table.Lookup(addr); return ok })
}

// BenchmarkLosses is what the shrink guard takes for a reload in which one entry of ten
// is another one, with 20,000 callers.
func BenchmarkLosses(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		entries := mappingtest.Entries(n)
		callers := mappingtest.Queries(entries, 20_000)
		var problems strict.Problems
		load := func() *location.Table {
			return location.LoadMapping([]strict.File{{Name: "m.csv", Data: mappingtest.CSV(entries)}}, &problems)
		}
		old := load()
		for i := range entries {
			if i%10 == 0 {
				entries[i].SET = "a.b.c"
			}
		}
		next := load()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				old.Losses(next, slices.Values(callers))
			}
		})
	}
}

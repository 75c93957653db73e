package location_test

import (
	"net/netip"
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

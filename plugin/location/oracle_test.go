package location

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// oracleEntry is one entry of a mapping, with one prefix.
type oracleEntry struct {
	prefix netip.Prefix
	id     Identity
}

// oracle asks package slow.
func oracle(entries []oracleEntry, addr netip.Addr) (Identity, bool) {
	var list []slow.Entry
	for _, e := range entries {
		id := slow.Identity{Place: slow.Place{e.id.Region, e.id.Zone, e.id.Campus}, Labels: e.id.Labels}
		if e.id.SET != "" {
			id.SETs = []string{string(e.id.SET)}
		}
		list = append(list, slow.Entry{Prefix: e.prefix, Identity: id})
	}
	id, ok := slow.Lookup(list, addr)
	out := Identity{Location: Location{id.Place[0], id.Place[1], id.Place[2]}, Labels: id.Labels}
	if len(id.SETs) > 0 {
		out.SET = SET(id.SETs[0])
	}
	return out, ok
}

// A small space of addresses, so that prefixes nest.
var somePrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
	last := byte(rapid.IntRange(0, 31).Draw(t, "last"))
	addr, low := netip.AddrFrom4([4]byte{10, 0, 0, last}), 24
	if rapid.Bool().Draw(t, "v6") {
		addr, low = netip.AddrFrom16([16]byte{0: 0xfd, 15: last}), 120
	}
	if rapid.IntRange(0, 9).Draw(t, "everything") == 0 {
		return netip.PrefixFrom(addr, 0).Masked()
	}
	return netip.PrefixFrom(addr, low+rapid.IntRange(0, 8).Draw(t, "bits")).Masked()
})

var someIdentity = rapid.Custom(func(t *rapid.T) Identity {
	id := Identity{SET: rapid.SampledFrom([]SET{"", "a.b.c", "a.b.*"}).Draw(t, "set"), Labels: map[string]string{}}
	// A zone is under one region everywhere, as the loader demands.
	switch rapid.IntRange(0, 5).Draw(t, "location") {
	case 1:
		id.Region = "r"
	case 2:
		id.Location = Location{"r", "z", "c1"}
	case 3:
		id.Zone = "z"
	case 4:
		id.Campus = rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "campus")
	case 5:
		id.Zone, id.Campus = "z2", "c3"
	}
	for _, k := range []string{"k", "l"} {
		if rapid.Bool().Draw(t, "has "+k) {
			id.Labels[k] = rapid.SampledFrom([]string{"1", "2"}).Draw(t, k)
		}
	}
	if id.SET == "" && id.Location == (Location{}) && len(id.Labels) == 0 {
		id.SET = "x.y.z"
	}
	return id
})

func TestLookupAgreesWithOracle(t *testing.T) { rapid.Check(t, lookupAgreesWithOracle) }

func lookupAgreesWithOracle(t *rapid.T) {
	var entries []oracleEntry
	var text strings.Builder
	text.WriteString("version: 1\nmappings:\n  - {match: 192.0.2.0/24, set: t.e.st}\n")
	for _, p := range rapid.SliceOfNDistinct(somePrefix, 0, 12, rapid.ID[netip.Prefix]).Draw(t, "prefixes") {
		id := someIdentity.Draw(t, "identity")
		entries = append(entries, oracleEntry{p, id})
		fmt.Fprintf(&text, "  - {match: %q, region: %q, zone: %q, campus: %q, set: %q, labels: {", p, id.Region, id.Zone, id.Campus, id.SET)
		for k, v := range id.Labels {
			fmt.Fprintf(&text, "%s: %q, ", k, v)
		}
		text.WriteString("}}\n")
	}
	table, fault := loadAll(text.String())
	if fault != "" {
		t.Fatalf("%s\n%s", fault, text.String())
	}
	addr := somePrefix.Draw(t, "addr").Addr()
	want, wantOK := oracle(entries, addr)
	facts, ok := table.Lookup(addr)
	if ok != wantOK {
		t.Fatalf("%s: known %t, want %t", addr, ok, wantOK)
	}
	if !ok {
		return
	}
	got := facts.Identity
	if fmt.Sprint(got.Location, got.SET, got.Labels) != fmt.Sprint(want.Location, want.SET, want.Labels) {
		t.Fatalf("%s: %v %v %v\noracle: %v %v %v\n%s", addr, got.Location, got.SET, got.Labels, want.Location, want.SET, want.Labels, text.String())
	}
}

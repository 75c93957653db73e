package location

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// oracleEntry is one entry of a mapping, with one prefix or range.
type oracleEntry struct {
	span
	id Identity
}

// match returns the span as mapping files have it.
func (s span) match() string {
	if prefix, ok := netipx.IPRangeFrom(s.first, s.last).Prefix(); ok {
		return prefix.String()
	}
	return s.first.String() + "-" + s.last.String()
}

// oracle asks package slow.
func oracle(entries []oracleEntry, addr netip.Addr) (Identity, bool) {
	var list []slow.Entry
	for _, e := range entries {
		id := slow.Identity{Place: slow.Place{e.id.Region, e.id.Zone, e.id.Campus}, Labels: e.id.Labels}
		if e.id.SET != "" {
			id.SETs = []string{string(e.id.SET)}
		}
		list = append(list, slow.Entry{First: e.first, Last: e.last, Identity: id})
	}
	id, ok := slow.Lookup(list, addr)
	out := Identity{Location: Location{id.Place[0], id.Place[1], id.Place[2]}, Labels: id.Labels}
	if len(id.SETs) > 0 {
		out.SET = SET(id.SETs[0])
	}
	return out, ok
}

// A small space of addresses, so that spans nest and cross.
var somePrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
	addr, low := someAddr.Draw(t, "addr"), 24
	if addr.Is6() {
		low = 120
	}
	if rapid.IntRange(0, 9).Draw(t, "everything") == 0 {
		return netip.PrefixFrom(addr, 0).Masked()
	}
	return netip.PrefixFrom(addr, low+rapid.IntRange(0, 8).Draw(t, "bits")).Masked()
})

var someAddr = rapid.Custom(func(t *rapid.T) netip.Addr {
	last := byte(rapid.IntRange(0, 31).Draw(t, "last"))
	if rapid.Bool().Draw(t, "v6") {
		return netip.AddrFrom16([16]byte{0: 0xfd, 15: last})
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, last})
})

// someSpan draws a prefix or a range.
var someSpan = rapid.Custom(func(t *rapid.T) span {
	prefix := somePrefix.Draw(t, "prefix")
	s := span{prefix.Addr(), netipx.PrefixLastIP(prefix)}
	if to := someAddr.Draw(t, "to"); rapid.Bool().Draw(t, "range") && to.BitLen() == s.first.BitLen() && s.first.Less(to) {
		s.last = to
	}
	return s
})

// crosses reports whether two spans have addresses in common, and neither holds the other.
func (s span) crosses(other span) bool {
	meet := !s.last.Less(other.first) && !other.last.Less(s.first)
	return meet && !s.holds(other) && !other.holds(s)
}

func (s span) holds(other span) bool { return !other.first.Less(s.first) && !s.last.Less(other.last) }

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

// someEntries draws entries of different addresses that load, unless two of them cross.
func someEntries(t *rapid.T) []oracleEntry {
	var entries []oracleEntry
	for _, s := range rapid.SliceOfNDistinct(someSpan, 0, 12, rapid.ID[span]).Draw(t, "spans") {
		entries = append(entries, oracleEntry{s, someIdentity.Draw(t, "identity")})
	}
	for n := range entries { // a place needs the wider levels
		e := &entries[n]
		around := slices.DeleteFunc(slices.Clone(entries), func(o oracleEntry) bool { return !o.holds(e.span) })
		id, _ := oracle(around, e.first)
		if id.Zone == "" && id.Campus != "" {
			e.id.Zone = "z"
		}
		if id.Region == "" && (id.Zone != "" || id.Campus != "") {
			e.id.Region = "r"
			if e.id.Zone == "" {
				e.id.Zone = id.Zone
			}
		}
	}
	return entries
}

// mappingText returns entries as a mapping file.
func mappingText(entries []oracleEntry) string {
	var text strings.Builder
	text.WriteString("version: 1\nmappings:\n  - {match: 192.0.2.0/24, set: t.e.st}\n")
	for _, e := range entries {
		fmt.Fprintf(&text, "  - {match: %q, region: %q, zone: %q, campus: %q, set: %q, labels: {", e.match(), e.id.Region, e.id.Zone, e.id.Campus, e.id.SET)
		for k, v := range e.id.Labels {
			fmt.Fprintf(&text, "%s: %q, ", k, v)
		}
		text.WriteString("}}\n")
	}
	return text.String()
}

func TestLookupAgreesWithOracle(t *testing.T) { rapid.Check(t, lookupAgreesWithOracle) }

func lookupAgreesWithOracle(t *rapid.T) {
	entries := someEntries(t)
	text := mappingText(entries)
	table, fault := loadAll(text)
	crossing := slices.ContainsFunc(entries, func(e oracleEntry) bool {
		return slices.ContainsFunc(entries, func(o oracleEntry) bool { return e.crosses(o.span) })
	})
	if crossing != strings.Contains(fault, " crosses ") {
		t.Fatalf("crossing %t, and the fault %q\n%s", crossing, fault, text)
	}
	if crossing {
		return
	}
	if fault != "" {
		t.Fatalf("%s\n%s", fault, text)
	}
	if table.Len() != len(entries)+1 {
		t.Fatalf("%d entries, want %d\n%s", table.Len(), len(entries)+1, text)
	}
	addr := someAddr.Draw(t, "addr")
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
		t.Fatalf("%s: %v %v %v\noracle: %v %v %v\n%s", addr, got.Location, got.SET, got.Labels, want.Location, want.SET, want.Labels, text)
	}
}

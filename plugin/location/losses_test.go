package location

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/shrink"
)

// lossEntry is an entry of the mappings of TestLossesAgreeWithOracle.
type lossEntry struct {
	spans  []span
	id     Identity
	shared bool
}

// says reports whether the entry itself says a fact.
func (e lossEntry) says(f fact) bool {
	switch f {
	case factSET:
		return e.id.SET != ""
	case factPlace:
		return e.id.Location != Location{}
	}
	return true
}

func lossText(entries []lossEntry) string {
	var text strings.Builder
	text.WriteString("version: 1\nmappings:\n  - {match: 192.0.2.0/24, set: t.e.st}\n")
	for _, e := range entries {
		var matches []string
		for _, s := range e.spans {
			matches = append(matches, s.match())
		}
		fmt.Fprintf(&text, "  - {match: %q, region: %q, zone: %q, campus: %q, set: %q", matches, e.id.Region, e.id.Zone, e.id.Campus, e.id.SET)
		if e.shared {
			text.WriteString(", shared: true")
		}
		text.WriteString(", labels: {")
		for k, v := range e.id.Labels {
			fmt.Fprintf(&text, "%s: %q, ", k, v)
		}
		text.WriteString("}}\n")
	}
	return strings.ReplaceAll(strings.ReplaceAll(text.String(), `" "`, `", "`), ", labels: {}", "")
}

// lossSpan draws a prefix or a range of 64 IPv4 and 64 IPv6 addresses.
var lossSpan = rapid.Custom(func(t *rapid.T) span {
	at := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, last}) }
	low := 26
	if rapid.Bool().Draw(t, "v6") {
		at, low = func(last byte) netip.Addr { return netip.AddrFrom16([16]byte{0: 0xfd, 15: last}) }, 122
	}
	first := rapid.IntRange(0, 63).Draw(t, "first")
	if rapid.IntRange(0, 2).Draw(t, "range") == 0 {
		return span{at(byte(first)), at(byte(rapid.IntRange(first, 63).Draw(t, "last")))}
	}
	prefix := netip.PrefixFrom(at(byte(first)), low+rapid.IntRange(0, 6).Draw(t, "bits")).Masked()
	return span{prefix.Addr(), netipx.PrefixLastIP(prefix)}
})

// someMapping draws entries of which no two cross.
var someMapping = rapid.Custom(func(t *rapid.T) (entries []lossEntry) {
	var spans []span
	for _, s := range rapid.SliceOfNDistinct(lossSpan, 0, 12, rapid.ID[span]).Draw(t, "spans") {
		if slices.ContainsFunc(spans, s.crosses) {
			continue
		}
		spans = append(spans, s)
		if len(entries) > 0 && rapid.IntRange(0, 4).Draw(t, "in the same list") == 0 {
			last := &entries[len(entries)-1]
			last.spans = append(last.spans, s)
			continue
		}
		e := lossEntry{spans: []span{s}, id: someIdentity.Draw(t, "identity"), shared: rapid.IntRange(0, 5).Draw(t, "shared") == 0}
		if e.shared {
			e.id.SET, e.id.Labels = "", nil
		}
		entries = append(entries, e)
	}
	return entries
})

// addWiderLevels gives entries the wider levels of their places, where no entry around
// them does.
func addWiderLevels(entries []lossEntry) []lossEntry {
	entries = slices.Clone(entries)
	for n := range entries {
		if loc := &entries[n].id.Location; *loc != (Location{}) && loc.Region == "" {
			loc.Region = "r"
			if loc.Zone == "" {
				loc.Zone = "z"
			}
		}
	}
	return entries
}

// lossAt returns, for each fact of an address, the entries that decide it. It reads as
// docs/design.md, 3: narrow before wide, field by field.
func lossAt(entries []lossEntry, addr netip.Addr) (deciding [factKinds]map[int]bool) {
	type candidate struct {
		span
		entry int
	}
	var holding []candidate
	for n, e := range entries {
		for _, s := range e.spans {
			if s.holds(span{addr, addr}) {
				holding = append(holding, candidate{s, n})
			}
		}
	}
	slices.SortFunc(holding, func(a, b candidate) int { return b.compare(a.span) })
	for f := range deciding {
		deciding[f] = map[int]bool{}
	}
	var known Location
	var set SET
	labels, hasOwn, behindShared := map[string]bool{}, false, false
	for n, c := range holding {
		e, old := entries[c.entry], known
		says := func(f fact, field *string, value string) {
			if value != "" {
				*field, deciding[f][c.entry], deciding[factAny][c.entry] = value, true, true
			}
		}
		if old.Region == "" {
			says(factPlace, &known.Region, e.id.Region)
		}
		if old.Region == "" && old.Zone == "" {
			says(factPlace, &known.Zone, e.id.Zone)
		}
		if old == (Location{}) {
			says(factPlace, &known.Campus, e.id.Campus)
		}
		if set == "" && !behindShared {
			says(factSET, (*string)(&set), string(e.id.SET))
		}
		for key := range e.id.Labels {
			if !labels[key] && !behindShared {
				labels[key], deciding[factAny][c.entry] = true, true
			}
		}
		if n == 0 || e.shared && !hasOwn && !behindShared {
			deciding[factAny][c.entry] = true
		}
		hasOwn, behindShared = hasOwn || e.id.SET != "" || len(e.id.Labels) > 0, behindShared || e.shared
	}
	return deciding
}

// slowLosses counts address by address.
func slowLosses(before, after []lossEntry) (group []shrink.Loss) {
	for f := range factKinds {
		loss := shrink.Loss{What: entryLosses[f]}
		for n, e := range before {
			if !e.says(f) {
				continue
			}
			lost, kept := 0, 0
			for addr := range smallSpace {
				if !lossAt(before, addr)[f][n] {
					continue
				}
				if len(lossAt(after, addr)[f]) == 0 {
					lost++
				} else {
					kept++
				}
			}
			if lost+kept > 0 || ownsPrefix(before, e) {
				loss.Total++
			}
			if lost > kept {
				loss.Lost++
			}
		}
		group = append(group, loss)
	}
	return group
}

// ownsPrefix reports whether a prefix of an entry is the entry's in the table: no narrower
// entry has the same prefix.
func ownsPrefix(entries []lossEntry, e lossEntry) bool {
	for _, s := range e.spans {
		for _, prefix := range s.prefixes() {
			isTaken := func(o lossEntry) bool {
				return slices.ContainsFunc(o.spans, func(narrow span) bool {
					return narrow != s && s.holds(narrow) && slices.Contains(narrow.prefixes(), prefix)
				})
			}
			if !slices.ContainsFunc(entries, isTaken) {
				return true
			}
		}
	}
	return false
}

// smallSpace iterates over the addresses of lossSpan.
func smallSpace(yield func(netip.Addr) bool) {
	for last := range byte(64) {
		if !yield(netip.AddrFrom4([4]byte{10, 0, 0, last})) || !yield(netip.AddrFrom16([16]byte{0: 0xfd, 15: last})) {
			return
		}
	}
}

func TestLossesAgreeWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := someMapping.Draw(t, "before"), someMapping.Draw(t, "after")
		if rapid.Bool().Draw(t, "much stays") { // as in a real reload
			after = slices.Concat(before[rapid.IntRange(0, len(before)).Draw(t, "from"):])
			for n := range after {
				if rapid.IntRange(0, 3).Draw(t, "changed") == 0 {
					after[n].id = someIdentity.Draw(t, "identity")
					after[n].shared = false
				}
			}
		}
		before, after = addWiderLevels(before), addWiderLevels(after)
		old, fault := loadAll(lossText(before))
		next, otherFault := loadAll(lossText(after))
		if fault+otherFault != "" {
			t.Fatalf("%s %s\n%s%s", fault, otherFault, lossText(before), lossText(after))
		}
		want := slowLosses(before, after)
		for n, extra := range []int{1, 0, 1} { // the entry that every mapping has
			want[n].Total += extra
		}
		got := old.Losses(next, nil).Groups[0]
		for n := range got {
			got[n].Example = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s\nbefore: %s\nafter: %s", diff, lossText(before), lossText(after))
		}
	})
}

package location

import (
	"iter"
	"net/netip"

	"github.com/gaissmai/bart"
	"go4.org/netipx"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Table is a mapping. For an address it has the facts of the longest prefix that
// holds the address. A Table is immutable and safe for concurrent use. A nil
// *Table is empty.
type Table struct {
	prefixes   bart.Table[ref]
	identities []Identity // ordered by the first prefix of each
	origins    []FactOrigins
	rows       []Origin // the origin of each entry
	fallback   Facts    // the `default` of the mapping files
	topology   topology // nil: the mapping files have no topology
	warnings   []strict.Problem
}

// ref is what the table keeps for a prefix: indices into its lists.
type ref struct {
	identity, origins, row uint32
}

// Lookup returns the facts of the longest prefix that holds addr; ok is false if
// no prefix does. Lookup does not allocate, and does not read the facts.
func (t *Table) Lookup(addr netip.Addr) (found Found, ok bool) {
	if t == nil {
		return Found{}, false
	}
	r, ok := t.prefixes.Lookup(addr.Unmap()) // the lookup ignores zones; Normalize would cost a tenth more
	if !ok {
		return Found{}, false
	}
	return t.found(r), true
}

func (t *Table) found(r ref) Found {
	return Found{&t.identities[r.identity], &t.origins[r.origins], &t.rows[r.row]}
}

// AddrOf returns the first address of prefix, a prefix of the table, that no
// narrower prefix holds; ok is false if narrower prefixes hold them all.
func (t *Table) AddrOf(prefix netip.Prefix) (addr netip.Addr, ok bool) {
	return t.AddrIn(prefix, prefix)
}

// AddrIn is AddrOf for the addresses of prefix that are in part, a prefix inside it.
func (t *Table) AddrIn(prefix, part netip.Prefix) (addr netip.Addr, ok bool) {
	for addr = part.Addr(); part.Contains(addr); {
		longest, _, _ := t.prefixes.LookupPrefixLPM(netip.PrefixFrom(addr, addr.BitLen()))
		if longest == prefix {
			return addr, true
		}
		addr = netipx.PrefixLastIP(longest).Next()
	}
	return netip.Addr{}, false
}

// Inside returns how many entries have an address, a prefix or a part of a range inside a
// prefix, and the origin of one of them. The origin is nil if there are none.
func (t *Table) Inside(prefix netip.Prefix) (entries int, one *Origin) {
	if t == nil {
		return 0, nil
	}
	rows := map[uint32]bool{}
	for _, r := range t.prefixes.Subnets(prefix) {
		if len(rows) == 0 {
			one = &t.rows[r.row]
		}
		rows[r.row] = true
	}
	return len(rows), one
}

// LookupHost is Lookup for the host of an instance; ok is false for a host name.
func (t *Table) LookupHost(host string) (found Found, ok bool) {
	addr, ok := HostAddr(host)
	if !ok {
		return Found{}, false
	}
	return t.Lookup(addr)
}

// TableSource is the source of callers that the mapping in force knows.
type TableSource struct {
	Table func() *Table // returns the mapping in force
}

// Facts implements Source.
func (s TableSource) Facts(addr netip.Addr) (Found, bool) { return s.Table().Lookup(addr) }

var noFacts = new(Facts).Found()

// Default returns the `default` of the mapping files; it is empty if they have
// none. The default comes after all sources.
func (t *Table) Default() Found {
	if t == nil {
		return noFacts
	}
	return t.fallback.Found()
}

// Warnings returns what the load found in the mapping files that is likely a mistake: read
// only.
func (t *Table) Warnings() []strict.Problem {
	if t == nil {
		return nil
	}
	return t.warnings
}

// Identities returns the identities of all prefixes, each once: read only.
func (t *Table) Identities() []Identity {
	if t == nil {
		return nil
	}
	return t.identities
}

// Len returns the number of entries, as they are written: an entry with many addresses is
// one.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.rows)
}

// All iterates over the prefixes, wide before narrow, each with its facts.
func (t *Table) All() iter.Seq2[netip.Prefix, Found] {
	if t == nil {
		return func(func(netip.Prefix, Found) bool) {}
	}
	return func(yield func(netip.Prefix, Found) bool) {
		for prefix, r := range t.prefixes.AllSorted() {
			if !yield(prefix, t.found(r)) {
				return
			}
		}
	}
}

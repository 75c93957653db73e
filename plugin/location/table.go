package location

import (
	"iter"
	"net/netip"

	"github.com/gaissmai/bart"
	"go4.org/netipx"
)

// Table is the mapping in force: for an address, what the longest prefix that
// holds it says, field by field. It is immutable and safe for concurrent use. A
// nil *Table is an empty one.
type Table struct {
	prefixes   bart.Table[ref]
	identities []Identity // in the order of the prefixes that have them first
	origins    []FactOrigins
	places     []Origin // of entries
	fallback   Facts
	topology   topology // nil: none given
}

// ref is what the table has for a prefix: numbers in its lists.
type ref struct {
	identity, origins, place uint32
}

// Lookup returns the facts of the longest prefix that holds addr. It does not
// allocate, and reads nothing of them.
func (t *Table) Lookup(addr netip.Addr) (Found, bool) {
	if t == nil {
		return Found{}, false
	}
	r, ok := t.prefixes.Lookup(addr.Unmap()) // which looks at no zone; Normalize costs a tenth more
	if !ok {
		return Found{}, false
	}
	return t.found(r), true
}

func (t *Table) found(r ref) Found {
	return Found{&t.identities[r.identity], &t.origins[r.origins], &t.places[r.place]}
}

// AddrOf returns an address for which a prefix of the table is the longest one:
// the first that no narrower prefix holds. It is not ok where they hold all.
func (t *Table) AddrOf(prefix netip.Prefix) (addr netip.Addr, ok bool) {
	for addr = prefix.Addr(); prefix.Contains(addr); {
		longest, _, _ := t.prefixes.LookupPrefixLPM(netip.PrefixFrom(addr, addr.BitLen()))
		if longest == prefix {
			return addr, true
		}
		addr = netipx.PrefixLastIP(longest).Next()
	}
	return netip.Addr{}, false
}

// LookupHost is Lookup for the host of an instance; a name is in no mapping.
func (t *Table) LookupHost(host string) (Found, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return Found{}, false
	}
	return t.Lookup(addr)
}

// TableSource knows callers from the mapping in force.
type TableSource struct {
	Table func() *Table
}

// Facts implements Source.
func (s TableSource) Facts(addr netip.Addr) (Found, bool) { return s.Table().Lookup(addr) }

var noFacts = new(Facts).Found()

// Default is the `default` of the mapping files, empty if there is none. It
// comes after all other sources.
func (t *Table) Default() Found {
	if t == nil {
		return noFacts
	}
	return t.fallback.Found()
}

// Identities are those of all prefixes, each once: read only.
func (t *Table) Identities() []Identity {
	if t == nil {
		return nil
	}
	return t.identities
}

// Len is the number of prefixes.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return t.prefixes.Size()
}

// All iterates over the prefixes, wide before narrow, each with all that holds
// for it.
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

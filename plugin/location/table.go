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
	prefixes bart.Table[ref]
	origins  []origin
	sets     []SET
	labels   []*labels // the first is nil
	places   []Place   // of entries
	fallback Facts
	topology topology // nil: none given
}

// ref is what the table has for a prefix: numbers in its lists.
type ref struct {
	origin, set, labels, place uint32
}

// Lookup returns the facts of the longest prefix that holds addr; their maps
// are shared: read only. It is small enough to be inlined, and does not
// allocate where the caller does not keep the facts.
func (t *Table) Lookup(addr netip.Addr) (*Facts, bool) {
	f := new(Facts)
	return f, t.lookup(addr, f)
}

func (t *Table) lookup(addr netip.Addr, f *Facts) bool {
	if t == nil {
		return false
	}
	r, ok := t.prefixes.Lookup(Normalize(addr))
	if ok {
		t.fill(f, r)
	}
	return ok
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
func (t *Table) LookupHost(host string) (*Facts, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil, false
	}
	return t.Lookup(addr)
}

// TableSource knows callers from the mapping in force.
type TableSource struct {
	Table func() *Table
}

// Facts implements Source.
func (s TableSource) Facts(addr netip.Addr) (*Facts, bool) { return s.Table().Lookup(addr) }

var noFacts = &Facts{}

// Default is the `default` of the mapping files, empty if there is none. It
// comes after all other sources.
func (t *Table) Default() *Facts {
	if t == nil {
		return noFacts
	}
	return &t.fallback
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
func (t *Table) All() iter.Seq2[netip.Prefix, *Facts] {
	if t == nil {
		return func(func(netip.Prefix, *Facts) bool) {}
	}
	return func(yield func(netip.Prefix, *Facts) bool) {
		for prefix, r := range t.prefixes.AllSorted() {
			f := new(Facts)
			t.fill(f, r)
			if !yield(prefix, f) {
				return
			}
		}
	}
}

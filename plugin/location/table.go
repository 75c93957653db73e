package location

import (
	"iter"
	"maps"
	"net/netip"

	"github.com/gaissmai/bart"
	"go4.org/netipx"
)

// Table is the mapping in force: for an address, what the longest prefix that
// holds it says, field by field. It is immutable and safe for concurrent use. A
// nil *Table is an empty one.
type Table struct {
	prefixes bart.Table[*Facts]
	fallback Facts
	topology topology // nil: none given
}

// Lookup returns the facts of the longest prefix that holds addr. They are
// shared: read only. It does not allocate.
func (t *Table) Lookup(addr netip.Addr) (*Facts, bool) {
	if t == nil {
		return nil, false
	}
	return t.prefixes.Lookup(Normalize(addr))
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
	return t.prefixes.AllSorted()
}

// inherit completes what an entry says by what the next wider one has (design
// section 3). Location is one field for this: an entry that sets the region
// inherits no zone or campus, one that sets only the zone inherits the region,
// one that sets only the campus inherits both.
func (f *Facts) inherit(wider *Facts) {
	if f.Region == "" {
		f.Region, f.RegionFrom = wider.Region, wider.RegionFrom
		if f.Zone == "" {
			f.Zone, f.ZoneFrom = wider.Zone, wider.ZoneFrom
			if f.Campus == "" {
				f.Campus, f.CampusFrom = wider.Campus, wider.CampusFrom
			}
		}
	}
	if f.Shared != nil {
		return
	}
	if f.SET == "" {
		f.SET, f.SETFrom = wider.SET, wider.SETFrom
		if len(f.Labels) == 0 {
			f.Shared = wider.Shared
		}
	}
	if len(f.Labels) == 0 {
		f.Labels, f.LabelsFrom = wider.Labels, wider.LabelsFrom
		return
	}
	if len(wider.Labels) == 0 {
		return
	}
	labels, from := maps.Clone(wider.Labels), maps.Clone(wider.LabelsFrom)
	maps.Copy(labels, f.Labels)
	maps.Copy(from, f.LabelsFrom)
	f.Labels, f.LabelsFrom = labels, from
}

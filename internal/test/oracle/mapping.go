package oracle

import (
	"cmp"
	"net/netip"
	"slices"
)

// Identity is what is known of an address.
type Identity struct {
	Place  Place
	SETs   []string // a caller can have several
	Shared bool     // many stand behind the address
	Labels map[string]string
}

// Entry is a prefix or range of a mapping entry, and what the entry says.
type Entry struct {
	First, Last netip.Addr
	Identity
}

// Holds reports whether an address is in the entry.
func (e Entry) Holds(addr netip.Addr) bool {
	return e.First.BitLen() == addr.BitLen() && e.First.Compare(addr) <= 0 && addr.Compare(e.Last) <= 0
}

// Lookup returns what a mapping says of an address (docs/design.md, 3). It goes
// through the entries around the address from the narrowest to the widest, and
// takes each field from the first entry that has the field. Of each two entries
// around an address, one is inside the other.
func Lookup(entries []Entry, addr netip.Addr) (id Identity, found bool) {
	id.Labels = map[string]string{}
	var around []Entry
	for _, e := range entries {
		if e.Holds(addr) {
			around = append(around, e)
		}
	}
	slices.SortFunc(around, func(a, b Entry) int { return cmp.Or(b.First.Compare(a.First), a.Last.Compare(b.Last)) })
	open := 3 // location levels, from the widest, not decided yet
	for _, e := range around {
		id.Shared = id.Shared || e.Shared
		if len(id.SETs) == 0 {
			id.SETs = e.SETs
		}
		for k, v := range e.Labels {
			if _, ok := id.Labels[k]; !ok {
				id.Labels[k] = v
			}
		}
		open = id.Place.inherit(e.Place, open)
	}
	return id, len(around) > 0
}

// inherit takes the levels that are open from a wider entry, and returns how many
// are open after that. If the entry has a region, all levels below it are the
// entry's, or unknown. If it has a zone and no region, the campus is.
func (p *Place) inherit(wider Place, open int) (stillOpen int) {
	for level, name := range wider {
		if name == "" || level >= open {
			continue
		}
		for below := level; below < open; below++ {
			p[below] = wider[below]
		}
		return level
	}
	return open
}

package oracle

import "net/netip"

// Identity is what is known of an address.
type Identity struct {
	Place  Place
	SET    string
	Labels map[string]string
}

// Entry is one prefix of a mapping, and what it says.
type Entry struct {
	Prefix netip.Prefix
	Identity
}

// Lookup is docs/design.md, 3: of the entries that hold the address, from the
// narrowest to the widest, each field from the first that has it.
func Lookup(entries []Entry, addr netip.Addr) (id Identity, found bool) {
	id.Labels = map[string]string{}
	open := 3 // location levels, from the widest, not decided yet
	for bits := 128; bits >= 0; bits-- {
		for _, e := range entries {
			if e.Prefix.Bits() != bits || !e.Prefix.Contains(addr) {
				continue
			}
			found = true
			if id.SET == "" {
				id.SET = e.SET
			}
			for k, v := range e.Labels {
				if _, has := id.Labels[k]; !has {
					id.Labels[k] = v
				}
			}
			open = id.Place.inherit(e.Place, open)
		}
	}
	return id, found
}

// inherit takes what a wider entry says of the levels that are open: with a
// region the rest is that entry's, or unknown; with a zone the campus is.
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

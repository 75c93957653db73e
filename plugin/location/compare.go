package location

import (
	"iter"
	"net/netip"
	"slices"
)

// refs are what two tables have for the same prefix, or for the same addresses.
type refs struct {
	old, next     ref
	inOld, inNext bool // whether they have anything
}

// refPairs iterates over the prefixes of two tables, wide before narrow.
func refPairs(old, next *Table) iter.Seq2[netip.Prefix, refs] {
	return func(yield func(netip.Prefix, refs) bool) {
		pull, stop := iter.Pull2(next.prefixes.AllSorted())
		defer stop()
		nextPrefix, nextRef, more := pull()
		for prefix, r := range old.prefixes.AllSorted() {
			for ; more && comparePrefixes(nextPrefix, prefix) < 0; nextPrefix, nextRef, more = pull() {
				if !yield(nextPrefix, refs{next: nextRef, inNext: true}) {
					return
				}
			}
			found := refs{old: r, inOld: true}
			if more && nextPrefix == prefix {
				found.next, found.inNext = nextRef, true
				nextPrefix, nextRef, more = pull()
			}
			if !yield(prefix, found) {
				return
			}
		}
		for ; more; nextPrefix, nextRef, more = pull() {
			if !yield(nextPrefix, refs{next: nextRef, inNext: true}) {
				return
			}
		}
	}
}

// comparePrefixes orders prefixes by their addresses, wide before narrow.
func comparePrefixes(a, b netip.Prefix) int {
	if order := a.Addr().Compare(b.Addr()); order != 0 {
		return order
	}
	return a.Bits() - b.Bits()
}

// comparison compares what the addresses get from two tables, prefix by prefix.
type comparison struct {
	old, next *Table
	open      []region // the prefixes that hold the current one, widest first
	rows      []rowTally
	deciding  []decidingRows // of each element of old.origins
}

// decidingRows are the entries that decide each fact, each once, by their numbers.
type decidingRows [factKinds][]int

// ownRow is the number that stands for the entry's own row.
const ownRow = -1

// region is the addresses of a prefix. In each table all of them have one longest
// prefix, except for the addresses of regions inside of it.
type region struct {
	prefix netip.Prefix
	refs          // of the longest prefixes
	inside amount // addresses of the regions directly inside
}

// rowTally is what becomes of the addresses that an entry decides.
type rowTally struct {
	says [factKinds]bool
	// balance is, of each fact, the addresses that lose it less those that keep it.
	// Numbers above 2^53 are rounded, which matters to no share that can be read.
	balance [factKinds]float64
}

func newComparison(old, next *Table) *comparison {
	c := &comparison{old: old, next: next, rows: make([]rowTally, len(old.rows)), deciding: make([]decidingRows, len(old.origins))}
	numbers := map[*Origin]int{}
	for n := range old.origins {
		for _, origin := range old.origins[n].deciding()[factAny] {
			numbers[origin] = ownRow
		}
	}
	for n := range old.rows {
		if _, ok := numbers[&old.rows[n]]; ok {
			numbers[&old.rows[n]] = n
		}
	}
	for n := range old.origins {
		for f, origins := range old.origins[n].deciding() {
			for _, origin := range origins {
				c.deciding[n][f] = append(c.deciding[n][f], numbers[origin])
			}
		}
	}
	return c
}

// enter opens the region of a prefix.
func (c *comparison) enter(prefix netip.Prefix, found refs) {
	depth := len(c.open)
	for depth > 0 && !c.open[depth-1].prefix.Contains(prefix.Addr()) {
		depth--
	}
	c.leaveTo(depth)
	if depth > 0 {
		wider := &c.open[depth-1]
		wider.inside = wider.inside.plus(addressesOf(prefix))
		if !found.inOld {
			found.old, found.inOld = wider.old, wider.inOld
		}
		if !found.inNext {
			found.next, found.inNext = wider.next, wider.inNext
		}
	}
	c.open = append(c.open, region{prefix: prefix, refs: found})
}

// leaveTo closes the regions that are open, except for the depth widest ones.
func (c *comparison) leaveTo(depth int) {
	for len(c.open) > depth {
		c.count(&c.open[len(c.open)-1])
		c.open = c.open[:len(c.open)-1]
	}
}

// count counts the addresses of a region for the entries that decide them.
func (c *comparison) count(r *region) {
	if !r.inOld {
		return
	}
	own := addressesOf(r.prefix).minus(r.inside).float()
	for f, rows := range c.deciding[r.old.origins] {
		change := own
		if r.inNext && c.next.found(r.next).has(fact(f)) {
			change = -own
		}
		for _, number := range rows {
			row := &c.rows[r.old.row]
			if number != ownRow {
				row = &c.rows[number]
			}
			row.balance[f] += change
			row.says[f] = true // who decides a fact says it
		}
	}
}

// deciding returns the origins of each fact, each once. The entry with the narrowest
// addresses always decides something.
func (o *FactOrigins) deciding() (list [factKinds][]*Origin) {
	list[factSET] = addOrigins(nil, o.SETFrom)
	list[factPlace] = addOrigins(nil, o.RegionFrom, o.ZoneFrom, o.CampusFrom)
	list[factAny] = addOrigins([]*Origin{rowOrigin}, o.RegionFrom, o.ZoneFrom, o.CampusFrom, o.SETFrom, o.Shared)
	for _, origin := range o.LabelsFrom {
		list[factAny] = addOrigins(list[factAny], origin)
	}
	return list
}

// addOrigins adds origins to a list in which each stands once. It leaves out nil.
func addOrigins(list []*Origin, origins ...*Origin) []*Origin {
	for _, origin := range origins {
		if origin != nil && !slices.Contains(list, origin) {
			list = append(list, origin)
		}
	}
	return list
}

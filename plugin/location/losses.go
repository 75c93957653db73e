package location

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/shrink"
)

// fact is a sort of what an entry can say of its addresses.
type fact int

const (
	factSET   fact = iota
	factPlace      // of any level
	factAny        // anything at all
	factKinds      // how many there are
)

// entryLosses and callerLosses are the words for what is lost of each fact.
var (
	entryLosses = [factKinds]string{
		"entries that say a SET would leave their addresses without one",
		"entries that say a place would leave their addresses without one",
		"entries would leave their addresses without anything",
	}
	callerLosses = [factKinds]string{
		"callers seen lately with a SET would be left without one",
		"callers seen lately with a place would be left without one",
		"callers seen lately in the mapping would be left without anything",
	}
)

// Losses returns what the addresses would lose if next took the place of t
// (docs/design.md, 3). An entry decides a fact of an address if the fact comes from
// the entry. An entry is lost if more than half of the addresses of which it decides
// a fact would get no such fact from entries any more; the default does not count.
// Callers are the addresses that asked lately.
func (t *Table) Losses(next *Table, callers iter.Seq[netip.Addr]) shrink.Losses {
	if t == nil {
		t = &Table{}
	}
	if next == nil {
		next = &Table{}
	}
	c := newComparison(t, next)
	for prefix, found := range refPairs(t, next) {
		c.enter(prefix, found)
	}
	c.leaveTo(0)
	losses := c.losses()
	losses.Groups = append(losses.Groups, t.callersLost(next, callers))
	return losses
}

// losses returns what is lost of entries.
func (c *comparison) losses() shrink.Losses {
	group := make([]shrink.Loss, factKinds)
	byFile := map[string]int{}
	for n := range c.rows {
		row, origin, isLost := &c.rows[n], &c.old.rows[n], false
		for f := range factKinds {
			loss := &group[f]
			loss.What = entryLosses[f]
			if !row.says[f] {
				continue
			}
			loss.Total++
			if row.balance[f] > 0 {
				isLost = true
				loss.Lose(func() string { return entryText(origin) })
			}
		}
		if isLost {
			byFile[origin.File]++
		}
	}
	return shrink.Losses{Groups: [][]shrink.Loss{group}, ByFile: byFile}
}

// entryText returns an entry for people: "conf/mapping/a.yaml:12 (10.1.0.0/16)".
func entryText(o *Origin) string { return fmt.Sprintf("%s:%d (%s)", o.File, o.Line, o.Match) }

// callersLost returns what the callers would lose that entries say of them.
func (t *Table) callersLost(next *Table, callers iter.Seq[netip.Addr]) []shrink.Loss {
	group := make([]shrink.Loss, factKinds)
	for f := range group {
		group[f].What = callerLosses[f]
	}
	if callers == nil {
		return group
	}
	for _, addr := range slices.SortedFunc(callers, netip.Addr.Compare) {
		before, ok := t.Lookup(addr)
		if !ok {
			continue
		}
		then, isKnown := next.Lookup(addr)
		for f := range factKinds {
			if !before.has(f) {
				continue
			}
			group[f].Total++
			if !isKnown || !then.has(f) {
				group[f].Lose(func() string { return fmt.Sprintf("%s by %s", addr, entryText(before.originOf(f))) })
			}
		}
	}
	return group
}

// has reports whether entries say a fact of the addresses.
func (f Found) has(kind fact) bool {
	switch kind {
	case factSET:
		return f.SET != ""
	case factPlace:
		return f.Location != Location{}
	}
	return true
}

// originOf returns the entry that says a fact.
func (f Found) originOf(kind fact) *Origin {
	switch from := f.origins.resolve(f.row); kind {
	case factSET:
		return from.SETFrom
	case factPlace:
		for _, origin := range []*Origin{from.CampusFrom, from.ZoneFrom, from.RegionFrom} {
			if origin != nil {
				return origin
			}
		}
	}
	return f.row
}

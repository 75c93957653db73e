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

// The words for what is lost.
var (
	entryLosses = [factKinds]string{
		"entries that say a SET would leave their addresses without one",
		"entries that say a place would leave their addresses without one",
		"entries would leave their addresses without anything",
	}
	callerLoss = "callers seen lately would lose their SET, their place or everything"
	factNames  = [factKinds]string{"the SET", "the place", "everything"}
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
	losses.Groups = append(losses.Groups, []shrink.Loss{t.callersLost(next, callers)})
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

// callersLost returns how many of the callers would lose a fact.
func (t *Table) callersLost(next *Table, callers iter.Seq[netip.Addr]) shrink.Loss {
	loss := shrink.Loss{What: callerLoss}
	if callers == nil {
		return loss
	}
	for _, addr := range slices.SortedFunc(callers, netip.Addr.Compare) {
		loss.Total++
		before, ok := t.Lookup(addr)
		then, isKnown := next.Lookup(addr)
		for f := range factKinds {
			if ok && before.has(f) && !(isKnown && then.has(f)) {
				loss.Lose(func() string { return fmt.Sprintf("%s %s of %s", addr, factNames[f], entryText(before.originOf(f))) })
				break
			}
		}
	}
	return loss
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

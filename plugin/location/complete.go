package location

import (
	"slices"

	"go4.org/netipx"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// complete fills the table: the addresses of each entry get what the entry says and
// inherits. complete checks the locations that result, and that no two entries cross.
func (l *mappingLoader) complete() {
	l.table.rows = slices.Clip(slices.Clone(l.table.rows)) // pointers into rows stay valid from here on
	l.sortRanges()
	c := &completion{mappingLoader: l, check: newLocationCheck(l)}
	next := 0
	for prefix, ref := range l.refs.AllSorted() {
		s := span{prefix.Addr(), netipx.PrefixLastIP(prefix)}
		for ; next < len(l.ranges) && l.ranges[next].compare(s) < 0; next++ {
			c.addRange(&l.ranges[next])
		}
		if e := (openEntry{span: s, entryRef: ref}); c.enter(&e) {
			l.table.prefixes.Insert(prefix, c.add(e))
		}
	}
	for ; next < len(l.ranges); next++ {
		c.addRange(&l.ranges[next])
	}
	c.check.report()
	l.table.warnings = l.repeats.warnings()
	l.table.identities, l.table.origins = slices.Clip(l.pool.identities.list), slices.Clip(l.pool.origins.list)
	l.completeDefault(c.check)
}

// completeDefault checks the `default`, and puts it into the table.
func (l *mappingLoader) completeDefault(check *locationCheck) {
	if l.fallback == nil {
		return
	}
	for level := range 3 {
		if err := CheckPlaceName(level, l.fallback.facts.Level(level)); err != nil {
			at := l.fallback.levels[level]
			l.problems.Add(strict.Problem{File: l.fallback.file, Line: at.line, Col: at.col, Message: err.Error()})
			return
		}
	}
	if err := check.checkDefault(&l.fallback.facts); err != nil {
		l.problems.Add(l.fallback.problem("%v", err))
	}
	l.table.fallback = l.fallback.facts
}

// completion adds entries to a table, wide before narrow.
type completion struct {
	*mappingLoader
	check *locationCheck
	open  []openEntry // the entries that hold the current one, widest first
}

// openEntry is an entry into which narrower ones may come.
type openEntry struct {
	span
	entryRef
	match     *rangeRef // nil: the span is a prefix
	statement statement // after inheritance
	resolved  bool      // the statement has the entry's row as an origin
	crossed   bool      // there is a problem about the entry already
}

// addRange adds the entry of a range.
func (c *completion) addRange(r *rangeRef) {
	e := openEntry{span: r.span, entryRef: r.entryRef, match: r}
	if !c.enter(&e) {
		return
	}
	ref := c.add(e)
	for _, prefix := range r.prefixes() {
		c.table.prefixes.Insert(prefix, ref)
	}
}

// enter closes the entries that do not hold e. If the narrowest entry that remains ends
// inside of e, enter adds a problem and returns false.
func (c *completion) enter(e *openEntry) bool {
	for len(c.open) > 0 && c.narrowest().last.Less(e.first) {
		c.open = c.open[:len(c.open)-1]
	}
	if len(c.open) == 0 || !c.narrowest().last.Less(e.last) {
		return true
	}
	c.cross(c.narrowest(), e)
	return false
}

func (c *completion) narrowest() *openEntry { return &c.open[len(c.open)-1] }

// cross adds the problem of two entries that cross. At least one of them is a range. The
// problem stands at the range, and of two ranges at the one that was read later. A range
// has one such problem, whatever crosses it.
func (c *completion) cross(wider, e *openEntry) {
	if wider.crossed {
		return
	}
	at, other := e, wider
	if e.match == nil || wider.match != nil && wider.row > e.row {
		at, other = wider, e
	}
	wider.crossed = e.match == nil
	row := &c.table.rows[other.row]
	match := c.matchOf(*at.match)
	c.problems.Add(match.problem("%s crosses %s of %s:%d, expected one inside the other, or no address in both", at.span, other.span, row.File, row.Line))
}

// add opens an entry, and returns what the table keeps for its prefixes. A narrower
// entry comes later, and takes the place of a wider one that has the same prefix.
func (c *completion) add(e openEntry) ref {
	e.statement = c.pool.statements.list[e.entryRef.statement]
	if wider := c.wider(); wider != nil {
		e.statement.inherit(wider)
		if e.statement.Shared == nil {
			e.statement.labels = c.pool.inheritLabels(e.statement.labels, wider.labels)
		}
	}
	c.check.checkEntry(e.entryRef, e.statement.Location)
	c.open = append(c.open, e)
	return c.pool.ref(&e.statement, e.row)
}

// wider returns the statement of the narrowest open entry; nil for none.
func (c *completion) wider() *statement {
	if len(c.open) == 0 {
		return nil
	}
	last := c.narrowest()
	if !last.resolved {
		last.statement, last.resolved = last.statement.resolve(&c.table.rows[last.row]), true
	}
	return &last.statement
}

package location

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// span is a run of addresses of one family.
type span struct{ first, last netip.Addr }

// compare orders spans by their first addresses, wide before narrow.
func (s span) compare(other span) int {
	if order := s.first.Compare(other.first); order != 0 {
		return order
	}
	return other.last.Compare(s.last)
}

// prefixes returns the prefixes that cover exactly the span.
func (s span) prefixes() []netip.Prefix { return netipx.IPRangeFrom(s.first, s.last).Prefixes() }

// String returns the span as mapping files have it: a prefix, or a range.
func (s span) String() string {
	if prefix, ok := netipx.IPRangeFrom(s.first, s.last).Prefix(); ok {
		return fmt.Sprintf("prefix %q", prefix)
	}
	return fmt.Sprintf("range %q", s.first.String()+"-"+s.last.String())
}

// rangeRef is what the loader keeps for a range that is no prefix.
type rangeRef struct {
	span
	entryRef
	line, matchCol int32 // of the match
}

// sortRanges sorts the ranges. Of equal ones it keeps the first that was read.
func (l *mappingLoader) sortRanges() {
	slices.SortStableFunc(l.ranges, func(a, b rangeRef) int { return a.compare(b.span) })
	kept := l.ranges[:0]
	for _, r := range l.ranges {
		if n := len(kept); n > 0 && kept[n-1].span == r.span {
			l.repeat(l.matchOf(r), r.String(), kept[n-1].entryRef, r.entryRef)
			continue
		}
		kept = append(kept, r)
	}
	l.ranges = kept
}

// matchOf returns where the match of a range stands.
func (l *mappingLoader) matchOf(r rangeRef) entry {
	return entry{file: l.table.rows[r.row].File, line: int(r.line), col: int(r.matchCol)}
}

// repeat adds the problem of a match that an earlier entry has: a fault, or a warning if
// both entries say the same.
func (l *mappingLoader) repeat(match entry, name string, first, again entryRef) {
	row := &l.table.rows[first.row]
	if first.statement == again.statement {
		l.repeats.add(match, name, row)
		return
	}
	l.problems.Add(match.problem("%s is given twice with different content, first in %s:%d", name, row.File, row.Line))
}

// repeats are the entries that say again what an earlier entry says.
type repeats struct {
	files []string // in the order of their first repeats
	found map[string]*repeated
}

// repeated is the first repeat in a file, and how many there are.
type repeated struct {
	match entry
	name  string
	first *Origin
	count int
}

func (r *repeats) add(match entry, name string, first *Origin) {
	if r.found == nil {
		r.found = map[string]*repeated{}
	}
	known := r.found[match.file]
	if known == nil {
		origin := *first // rows move while they are read
		known = &repeated{match: match, name: name, first: &origin}
		r.found[match.file], r.files = known, append(r.files, match.file)
	}
	known.count++
}

// warnings returns one warning for each file with repeats.
func (r *repeats) warnings() (list []strict.Problem) {
	for _, file := range r.files {
		known, others := r.found[file], ""
		switch known.count {
		case 1:
		case 2:
			others = ", and 1 other match of this file, too"
		default:
			others = fmt.Sprintf(", and %d other matches of this file, too", known.count-1)
		}
		list = append(list, strict.Warning(known.match.file, known.match.line, known.match.col, "%s is given twice with the same content, first in %s:%d%s",
			known.name, known.first.File, known.first.Line, others))
	}
	return list
}

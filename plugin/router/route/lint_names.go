package route

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

var segmentWords = [3]string{"business", "area", "group"}

// mappedSET is a SET name of the mapping files.
type mappedSET struct {
	name    location.SET
	entries int
	origin  *location.Origin // of the first entry
}

// collectSETs returns the SET names in the order of their first entries.
func collectSETs(table *location.Table) []*mappedSET {
	var out []*mappedSET
	byName, counted := map[location.SET]*mappedSET{}, map[*location.Origin]bool{}
	for _, found := range table.All() {
		facts := found.Facts()
		if facts.SET == "" || counted[facts.SETFrom] {
			continue
		}
		counted[facts.SETFrom] = true
		m := byName[facts.SET]
		if m == nil {
			m = &mappedSET{name: facts.SET, origin: facts.SETFrom}
			byName[facts.SET] = m
			out = append(out, m)
		}
		m.entries++
		if facts.SETFrom.Before(m.origin) {
			m.origin = facts.SETFrom
		}
	}
	slices.SortFunc(out, func(a, b *mappedSET) int {
		if a.origin.Before(b.origin) {
			return -1
		}
		return 1
	})
	return out
}

// warnNames warns of SET names of the mapping that break the naming, and of SET names
// that look like a slip of the pen for another SET.
func (l *linter) warnNames() {
	checkNaming := l.rules.Naming()
	// Segments are compared with their siblings: areas of one business, groups
	// of one area.
	siblings := map[string]map[string]*segmentUse{}
	for _, m := range l.sets {
		if err := checkNaming(m.name); err != nil {
			l.warnSET(m, "%v", err)
			continue
		}
		parent := ""
		for i := 1; i <= 3; i++ {
			segment := m.name.Segment(i)
			uses := siblings[parent]
			if uses == nil {
				uses = map[string]*segmentUse{}
				siblings[parent] = uses
			}
			if uses[segment] == nil {
				uses[segment] = &segmentUse{word: segment, kind: segmentWords[i-1], first: m}
			}
			uses[segment].entries += m.entries
			parent += segment + "."
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(siblings)) {
		l.warnSlips(siblings[parent])
	}
}

// segmentUse is a segment of SET names and how often it is used.
type segmentUse struct {
	word, kind string
	entries    int
	first      *mappedSET
}

// warnSlips warns of each two segments that are one letter apart, at the rarer one.
func (l *linter) warnSlips(uses map[string]*segmentUse) {
	words := slices.Sorted(maps.Keys(uses))
	for i, a := range words {
		for _, b := range words[i+1:] {
			if !oneLetterApart(a, b) {
				continue
			}
			rare, often := uses[a], uses[b]
			if rare.entries > often.entries {
				rare, often = often, rare
			}
			l.warnSET(rare.first, "SET %q: %s %q is one letter apart from %q of %s:%d; are they the same?",
				rare.first.name, rare.kind, rare.word, often.word, often.first.origin.File, often.first.origin.Line)
		}
	}
}

// minSlip is the least length of words that are compared. Shorter words, as "bj" and
// "nj", are often one letter apart by intention.
const minSlip = 4

// oneLetterApart reports whether two words differ by one letter that is changed, left
// out, or swapped with its neighbour. Words that differ by a digit, or by a letter
// that stands alone as in sh-a and sh-b, differ by intention.
func oneLetterApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b) < minSlip || len(b)-len(a) > 1 {
		return false
	}
	if strings.EqualFold(a, b) {
		return a != b
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch {
	case len(a) < len(b):
		return a[i:] == b[i+1:] && isLetter(b, i)
	case a[i+1:] == b[i+1:]:
		return isLetter(a, i) && isLetter(b, i) || lookAlike(a[i], b[i])
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// lookAlike reports whether one byte is a letter and the other a digit that looks
// like the letter.
func lookAlike(a, b byte) bool {
	for _, pair := range []string{"l1", "I1", "o0", "O0"} {
		if strings.IndexByte(pair, a) >= 0 && strings.IndexByte(pair, b) >= 0 {
			return true
		}
	}
	return false
}

// isLetter reports whether byte i of s is a letter with another letter beside it.
func isLetter(s string, i int) bool {
	letter := func(i int) bool { return i >= 0 && i < len(s) && unicode.IsLetter(rune(s[i])) }
	return letter(i) && (letter(i-1) || letter(i+1))
}

// covers reports whether p fits every service that later fits.
func (p pattern) covers(later pattern) bool {
	switch {
	case p.isExact:
		return later.isExact && p.exact == later.exact
	case later.isExact:
		return later.exact.Namespace != SystemNamespace && p.matches(later.exact)
	}
	return p.namespace.covers(later.namespace) && p.name.covers(later.name)
}

// covers reports whether w allows every caller that later allows.
func (w when) covers(later when) bool {
	place := func(a, b string) bool { return a == "" || a == b }
	if !place(w.region, later.region) || !place(w.zone, later.zone) || !place(w.campus, later.campus) {
		return false
	}
	if w.set != nil && (later.set == nil || !w.set.covers(later.set)) {
		return false
	}
	if !contains(later.labels, w.labels) || !contains(later.serviceMetadata, w.serviceMetadata) {
		return false
	}
	return len(w.ip) == 0 || len(later.ip) > 0 && location.AllInside(later.ip, w.ip)
}

package route

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

var segmentWords = [3]string{"business", "area", "group"}

// warnNames warns of SET names of the mapping that break the naming, and of those
// that look like another one misspelt.
func (l *linter) warnNames() {
	keeps := l.rules.Naming()
	// Segments are compared with their siblings: areas of one business, groups
	// of one area.
	siblings := map[string]map[string]*segmentUse{}
	for _, m := range l.sets {
		if err := keeps(m.name); err != nil {
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

// warnSlips warns of the rarer of two segments that are one letter apart.
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

// minSlip is the length from which a word is unlikely to be one letter apart
// from another one by intention, as "h" and "z" or "bj" and "nj" are.
const minSlip = 4

// oneLetterApart tells whether two words differ by a letter changed, left out,
// or swapped with its neighbour. Digits, and letters that stand alone as in
// sh-a and sh-b, tell things apart by intention.
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

// lookAlike tells letters from the digits that they are mistaken for.
func lookAlike(a, b byte) bool {
	for _, pair := range []string{"l1", "I1", "o0", "O0"} {
		if strings.IndexByte(pair, a) >= 0 && strings.IndexByte(pair, b) >= 0 {
			return true
		}
	}
	return false
}

// isLetter tells a letter that is part of a longer word.
func isLetter(s string, i int) bool {
	letter := func(i int) bool { return i >= 0 && i < len(s) && unicode.IsLetter(rune(s[i])) }
	return letter(i) && (letter(i-1) || letter(i+1))
}

// covers tells whether r matches all requests that later matches. It errs
// towards no.
func (r *Rule) covers(later *Rule) bool {
	for _, p := range later.services {
		if !slices.ContainsFunc(r.services, func(e pattern) bool { return e.covers(p) }) {
			return false
		}
	}
	return r.when.covers(later.when)
}

func (p pattern) covers(later pattern) bool {
	switch {
	case p.isExact:
		return later.isExact && p.exact == later.exact
	case later.isExact:
		return later.exact.Namespace != SystemNamespace && p.matches(later.exact)
	}
	return p.namespace.covers(later.namespace) && p.name.covers(later.name)
}

func (w when) covers(later when) bool {
	place := func(a, b string) bool { return a == "" || a == b }
	if !place(w.region, later.region) || !place(w.zone, later.zone) || !place(w.campus, later.campus) {
		return false
	}
	if w.set != nil && (later.set == nil || !w.set.covers(later.set)) {
		return false
	}
	for k, v := range w.labels {
		if later.labels[k] != v {
			return false
		}
	}
	return len(w.ip) == 0 || len(later.ip) > 0 && location.AllInside(later.ip, w.ip)
}

package route

import (
	"cmp"
	"slices"
	"strings"
)

// index finds the rules for a name without looking at every rule. Rules for exact
// services are in a map. A glob is found by the literal text before its first
// wildcard, or by the literal text after its last one, whichever is longer: a search
// never looks at globs whose text the name does not have. Globs without such a text,
// as "*/*", are candidates for every name.
//
// An index is immutable; the zero value has no rules. Its size is linear in the
// patterns of the rules, and does not depend on the names that callers ask for.
type index struct {
	rules    []*Rule
	exact    map[Service][]candidate
	prefixes textIndex
	suffixes textIndex   // by reversed text
	rest     []candidate // globs without a literal text at either end
}

// candidate is a rule that may be for a name.
type candidate struct {
	rule int      // its number
	glob *pattern // nil: the rule is for the name
}

// newIndex indexes rules. The order of the slice is the order of the rules.
func newIndex(rules []*Rule) index {
	x := index{rules: rules, exact: map[Service][]candidate{}}
	prefixes, suffixes := map[string][]candidate{}, map[string][]candidate{}
	for n, rule := range rules {
		for p := range rule.services {
			pattern := &rule.services[p]
			if pattern.isExact {
				x.exact[pattern.exact] = append(x.exact[pattern.exact], candidate{n, nil})
				continue
			}
			text := pattern.String()
			prefix, suffix := text[:strings.IndexAny(text, "*?")], text[strings.LastIndexAny(text, "*?")+1:]
			switch {
			case prefix == "" && suffix == "":
				x.rest = append(x.rest, candidate{n, pattern})
			case len(prefix) >= len(suffix):
				prefixes[prefix] = append(prefixes[prefix], candidate{n, pattern})
			default:
				reversed := string(reverse([]byte(suffix)))
				suffixes[reversed] = append(suffixes[reversed], candidate{n, pattern})
			}
		}
	}
	x.prefixes, x.suffixes = newTextIndex(prefixes), newTextIndex(suffixes)
	return x
}

// search goes through the rules for a name in their order.
type search struct {
	index *index
	name  Name
	lists [][]candidate // of candidates, each in the order of rules
	last  int           // the rule that was returned last
}

// search begins a search for the rules of a name.
func (x *index) search(name Name) search {
	s := search{index: x, name: name, lists: make([][]candidate, 0, 4), last: -1}
	s.add(name.Service)
	for _, service := range name.Read {
		s.add(service)
	}
	if !name.isSystem() {
		s.addList(x.rest)
	}
	return s
}

// add adds the candidates for one service.
func (s *search) add(service Service) {
	s.addList(s.index.exact[service])
	if s.name.isSystem() {
		return // globs do not match services of the server itself
	}
	text := append(append(append(make([]byte, 0, 128), service.Namespace...), '/'), service.Name...)
	for n := s.index.prefixes.longest(text); n >= 0; n = s.index.prefixes[n].shorter {
		s.addList(s.index.prefixes[n].candidates)
	}
	if len(s.index.suffixes) == 0 {
		return
	}
	text = reverse(text)
	for n := s.index.suffixes.longest(text); n >= 0; n = s.index.suffixes[n].shorter {
		s.addList(s.index.suffixes[n].candidates)
	}
}

// addList adds a list of candidates.
func (s *search) addList(list []candidate) {
	if len(list) > 0 {
		s.lists = append(s.lists, list)
	}
}

// next returns the next rule for the name, and nil after the last one.
func (s *search) next() *Rule {
	for {
		first := -1
		for n, list := range s.lists {
			if len(list) > 0 && (first < 0 || list[0].rule < s.lists[first][0].rule) {
				first = n
			}
		}
		if first < 0 {
			return nil
		}
		c := s.lists[first][0]
		s.lists[first] = s.lists[first][1:]
		if c.rule != s.last && s.fits(c) {
			s.last = c.rule
			return s.index.rules[c.rule]
		}
	}
}

// fits reports whether a candidate is for the name.
func (s *search) fits(c candidate) bool {
	return c.glob == nil || c.glob.matches(s.name.Service) || slices.ContainsFunc(s.name.Read, c.glob.matches)
}

// textIndex finds all of its texts that a name begins with. The texts are sorted, and
// each entry knows the longest other text that its text begins with.
//
// Of the texts "a", "abc" and "abd", the name "abcx" begins with "a" and "abc". The last
// text that does not sort after the name is "abc", and "abc" leads to "a". It is so for
// every name: a text that sorts between a beginning of the name and the name itself
// begins with that beginning.
type textIndex []textEntry

// textEntry is a text with its candidates.
type textEntry struct {
	text       string
	candidates []candidate
	shorter    int // the number of the longest other text that this text begins with; -1: none
}

// newTextIndex indexes candidates by their texts.
func newTextIndex(candidates map[string][]candidate) textIndex {
	x := make(textIndex, 0, len(candidates))
	for text, list := range candidates {
		x = append(x, textEntry{text, list, -1})
	}
	slices.SortFunc(x, func(a, b textEntry) int { return cmp.Compare(a.text, b.text) })
	for n := 1; n < len(x); n++ {
		shorter := n - 1
		for shorter >= 0 && !strings.HasPrefix(x[n].text, x[shorter].text) {
			shorter = x[shorter].shorter
		}
		x[n].shorter = shorter
	}
	return x
}

// longest returns the number of the longest text that a name begins with, and -1 if
// there is none.
func (x textIndex) longest(name []byte) int {
	low, high := 0, len(x) // x[low-1].text <= name < x[high].text
	for low < high {
		if middle := (low + high) / 2; x[middle].text <= string(name) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	n := low - 1
	for n >= 0 && (len(x[n].text) > len(name) || string(name[:len(x[n].text)]) != x[n].text) {
		n = x[n].shorter
	}
	return n
}

// reverse reverses text in place, and returns it.
func reverse(text []byte) []byte {
	slices.Reverse(text)
	return text
}

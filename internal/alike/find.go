package alike

import (
	"cmp"
	"slices"
	"unicode"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/text/unicode/norm"
)

// Name is a name, and how many entries say it.
type Name struct {
	Text    string
	Entries int
}

// Pair is two names of a list that look alike, by their numbers in the list. Usual is the
// name that more entries say.
type Pair struct {
	Odd, Usual int
	// Slip is true if the names differ by one letter in a word: by a slip of the pen.
	Slip bool
}

// What makes a difference of one letter a slip.
const (
	minSlipWord = 5 // letters in the word of the usual name
	usualLeast  = 5 // entries that say the usual name
	oddMost     = 1 // entries that say the odd name
)

// Find returns the names that look alike, each odd name once, in the order of the odd
// names. The names must differ from each other. Find takes a time that grows with the
// letters of all names, and not with the number of pairs.
func Find(names []Name) []Pair {
	f := finder{names: names, folded: make([]string, len(names)), class: make([]int, len(names))}
	f.classify()
	pairs := f.classPairs()
	isPaired := make([]bool, len(names))
	for _, p := range pairs {
		isPaired[p.Odd] = true
	}
	for _, p := range f.slips() {
		if !isPaired[p.Odd] {
			pairs = append(pairs, p)
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return a.Odd - b.Odd })
	return pairs
}

type finder struct {
	names  []Name
	folded []string // the form lower of each name
	class  []int    // of each name: the number of another name that looks alike, or its own
}

// classify puts names that have a form in common into one class.
func (f *finder) classify() {
	first := make(map[string]int, len(f.names))
	join := func(form string, n int) {
		other, ok := first[form]
		if !ok {
			first[form] = n
			return
		}
		f.class[f.root(n)] = f.root(other)
	}
	for n, name := range f.names {
		f.class[n] = n
		lower, latin := fold(name.Text)
		f.folded[n] = lower
		join(lower, n)
		if latin != lower {
			join(latin, n)
		}
	}
}

// root returns the name that stands for the class of a name.
func (f *finder) root(n int) int {
	for f.class[n] != n {
		f.class[n] = f.class[f.class[n]]
		n = f.class[n]
	}
	return n
}

// classPairs returns, for each name of a class, the name of the class that most entries
// say; of equal ones the plainest, and of these the first.
func (f *finder) classPairs() (pairs []Pair) {
	usual := map[int]int{}
	for n := range f.names {
		root := f.root(n)
		best, ok := usual[root]
		if ok {
			ok = cmp.Or(f.names[best].Entries-f.names[n].Entries, oddity(f.names[n].Text)-oddity(f.names[best].Text)) >= 0
		}
		if !ok {
			usual[root] = n
		}
	}
	for n := range f.names {
		if best := usual[f.root(n)]; best != n {
			pairs = append(pairs, Pair{Odd: n, Usual: best})
		}
	}
	return pairs
}

// oddity returns 0 for a name that keyboards make, and more for others.
func oddity(text string) int {
	switch {
	case isASCII(text):
		return 0
	case norm.NFKC.IsNormalString(text):
		return 1
	}
	return 2
}

// slips returns, for each name that hardly any entry says, the name said by most entries
// that is one letter away.
func (f *finder) slips() (pairs []Pair) {
	var odd, usual []int
	for n, name := range f.names {
		if name.Entries >= usualLeast {
			usual = append(usual, n)
		} else if name.Entries <= oddMost {
			odd = append(odd, n)
		}
	}
	best := map[int]int{}
	f.eachNear(odd, usual, func(n, other int) {
		known, ok := best[n]
		if isSlip(f.folded[n], f.folded[other]) && (!ok || f.before(other, known)) {
			best[n] = other
		}
	})
	for n, other := range best {
		pairs = append(pairs, Pair{Odd: n, Usual: other, Slip: true})
	}
	return pairs
}

// before reports whether a name is said by more entries than another, or comes first.
func (f *finder) before(n, other int) bool {
	return cmp.Or(f.names[other].Entries-f.names[n].Entries, n-other) < 0
}

// eachNear calls do with each odd and usual name that are equal when at most one letter
// of a long word is left out of each. It may call do with others, and several times. The
// shorter list is kept in memory.
func (f *finder) eachNear(odd, usual []int, do func(odd, usual int)) {
	kept, asked, visit := usual, odd, do
	if len(odd) < len(usual) {
		kept, asked, visit = odd, usual, func(a, b int) { do(b, a) }
	}
	type link struct{ name, next int32 } // next is the number of a link with the same key; 0: none
	links, last := make([]link, 1), map[uint64]int32{}
	for _, n := range kept {
		eachShortened(f.folded[n], func(key uint64) {
			links = append(links, link{int32(n), last[key]})
			last[key] = int32(len(links) - 1)
		})
	}
	if len(last) == 0 {
		return
	}
	for _, n := range asked {
		eachShortened(f.folded[n], func(key uint64) {
			for at := last[key]; at != 0; at = links[at].next {
				visit(n, int(links[at].name))
			}
		})
	}
}

// eachShortened calls do with a hash of the text, and of the text without each letter of
// its long words.
func eachShortened(text string, do func(key uint64)) {
	runes := []rune(text)
	var buffer []byte
	isFirst := true
	for start := 0; start < len(runes); {
		end := start
		for end < len(runes) && isWordLetter(runes[end]) {
			end++
		}
		if end-start >= minSlipWord-1 {
			if isFirst {
				do(xxhash.Sum64String(text))
				isFirst = false
			}
			for i := start; i < end; i++ {
				buffer = append(append(buffer[:0], string(runes[:i])...), string(runes[i+1:])...)
				do(xxhash.Sum64(buffer))
			}
		}
		start = max(end, start+1)
	}
}

// isWordLetter reports whether a character is a letter of a word. Chinese characters, and
// others that are words by themselves, are not: 东区 and 西区 differ by intention.
func isWordLetter(r rune) bool {
	if r < 0x80 {
		return 'a' <= r && r <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.M) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// isSlip reports whether a text differs from the usual one by one letter in a word of
// minSlipWord letters or more: changed, missing, added, or swapped with its neighbour.
func isSlip(odd, usual string) bool {
	a, b := []rune(odd), []rune(usual)
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	restA, restB := a[i:], b[i:]
	switch {
	case len(a)+1 == len(b):
		return slices.Equal(restA, restB[1:]) && wordAround(b, i) >= minSlipWord
	case len(a) == len(b)+1:
		return slices.Equal(restA[1:], restB) && wordAround(a, i)-1 >= minSlipWord
	case len(a) != len(b) || len(restA) == 0:
		return false
	case slices.Equal(restA[1:], restB[1:]):
		return isWordLetter(a[i]) && wordAround(b, i) >= minSlipWord
	}
	swapped := len(restA) > 1 && restA[0] == restB[1] && restA[1] == restB[0] && slices.Equal(restA[2:], restB[2:])
	return swapped && isWordLetter(b[i+1]) && wordAround(b, i) >= minSlipWord
}

// wordAround returns how many letters the word at a position has; 0 where there is no
// letter.
func wordAround(s []rune, i int) int {
	if !isWordLetter(s[i]) {
		return 0
	}
	start, end := i, i
	for start > 0 && isWordLetter(s[start-1]) {
		start--
	}
	for end < len(s) && isWordLetter(s[end]) {
		end++
	}
	return end - start
}

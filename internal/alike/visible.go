package alike

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden returns the first character of a text that nobody can see, or that looks like a
// blank and is none; ok is false if there is no such character.
func Hidden(s string) (r rune, ok bool) {
	for _, r := range s {
		if isHidden(r) {
			return r, true
		}
	}
	return 0, false
}

func isHidden(r rune) bool {
	return r >= utf8.RuneSelf && (!strconv.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r) || r == brailleBlank) || r < utf8.RuneSelf && unicode.IsControl(r)
}

const brailleBlank = '\u2800'

// Seen returns a text without hidden characters, and without blanks at its ends.
func Seen(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if isHidden(r) {
			return -1
		}
		return r
	}, s))
}

// hiddenNames are the hidden characters that people meet.
var hiddenNames = map[rune]string{
	'\t': "a tab", '\n': "a line end", '\r': "a line end", '\u00a0': "a no-break space", '\u00ad': "a soft hyphen",
	'\u200b': "a zero-width space", '\u200c': "a zero-width non-joiner", '\u200d': "a zero-width joiner",
	'\u200e': "a left-to-right mark", '\u200f': "a right-to-left mark", '\u202f': "a narrow no-break space",
	'\u2060': "a word joiner", '\u3000': "an ideographic space", '\ufeff': "a byte order mark",
}

// Describe returns the words for a character: U+200B (a zero-width space).
func Describe(r rune) string {
	if name, ok := hiddenNames[r]; ok {
		return fmt.Sprintf("%U (%s)", r, name)
	}
	return fmt.Sprintf("%U", r)
}

// Difference says where two different texts differ: "N" is not "n". Characters that
// are not ASCII have their code points.
func Difference(a, b string) string {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] && !startsWithMark(x[1:]) && !startsWithMark(y[1:]) {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] && !unicode.Is(unicode.M, x[len(x)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	switch {
	case len(x) == 0:
		return quote(y) + " is missing"
	case len(y) == 0:
		return quote(x) + " is too many"
	}
	return quote(x) + " is not " + quote(y)
}

// startsWithMark reports whether a text begins with a character that is written over the
// one before it.
func startsWithMark(s []rune) bool { return len(s) > 0 && unicode.Is(unicode.M, s[0]) }

// quote returns characters in quotes, with their code points if they are not ASCII.
func quote(s []rune) string {
	text := strconv.Quote(string(s))
	if isASCII(string(s)) {
		return text
	}
	codes := make([]string, len(s))
	for n, r := range s {
		codes[n] = fmt.Sprintf("%U", r)
	}
	return text + " (" + strings.Join(codes, " ") + ")"
}

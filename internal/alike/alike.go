// Package alike finds names that look alike and are not the same (docs/design.md, 3),
// and says in words how they differ.
package alike

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Alike reports whether two different names look the same: they are equal in NFKC, in
// lower case, with every dash as "_", and with Cyrillic and Greek letters as the Latin
// letters that they look like.
func Alike(a, b string) bool {
	if a == b {
		return false
	}
	lowerA, latinA := fold(a)
	lowerB, latinB := fold(b)
	return lowerA == lowerB || latinA == latinB || lowerA == latinB || latinA == lowerB
}

// fold returns two forms of a name. Names that look alike have one of the forms in
// common. In the form lower, letters become lower case before they become Latin; in the
// form latin, after that. The Greek Ν looks like N, and its lower case ν like v.
func fold(s string) (lower, latin string) {
	if isASCII(s) {
		lower = strings.ReplaceAll(strings.ToLower(s), "-", "_")
		return lower, lower
	}
	s = strings.Map(dashes, norm.NFKD.String(s)) // equal in NFKD is equal in NFKC
	return strings.Map(toLatin, strings.ToLower(s)), strings.ToLower(strings.Map(toLatin, s))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// dashes returns "_" for a dash or a minus sign, and other characters as they are.
func dashes(r rune) rune {
	if unicode.Is(unicode.Pd, r) || r == '\u2212' {
		return '_'
	}
	return r
}

// toLatin returns the Latin letter that a Cyrillic or Greek letter looks like. It returns
// other characters as they are.
func toLatin(r rune) rune {
	if latin, ok := latinLetters[r]; ok {
		return latin
	}
	return r
}

var latinLetters = pairs(
	// Cyrillic. Small letters that look like capitals go with their capitals.
	"АВЕКМНОРСТУХЅІЈԀԚԜҮҺӀЬѴ", "ABEKMHOPCTYXSIJDQWYHIBV",
	"авекмнорстухѕіјԁԛԝүһӏьѵг", "abekmhopctyxsijdqwyhlbvr",
	// Greek.
	"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳ", "ABEZHIKMNOPTYXCj",
	"αγηικνορτυχϲ", "aynikvoptuxc",
)

// pairs returns a map of the letters of each first text to those of the text after it.
func pairs(texts ...string) map[rune]rune {
	letters := map[rune]rune{}
	for n := 0; n < len(texts); n += 2 {
		from, to := []rune(texts[n]), []rune(texts[n+1])
		for i := range from {
			letters[from[i]] = to[i]
		}
	}
	return letters
}

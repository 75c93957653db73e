package strict

import (
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"github.com/polaris-contrib/setrouter/internal/alike"
)

// expected returns the end of a message: the nearest word, or else all words.
func expected(got string, words []string) string {
	if near, ok := Nearest(got, words); ok {
		return DidYouMean(got, near)
	}
	return ", expected one of " + strings.Join(words, ", ")
}

// DidYouMean returns the end of a message that suggests a word. If nobody can see how the
// two differ, it says how.
func DidYouMean(got, near string) string {
	hint := "; did you mean \"" + near + "\"?"
	if isASCII := func(r rune) bool { return r < utf8.RuneSelf }; alike.Alike(got, near) && strings.TrimLeftFunc(got+near, isASCII) != "" {
		hint += " (" + alike.Difference(got, near) + ")"
	}
	return hint
}

// Nearest returns the word at the smallest edit distance from s; ok is false if no
// word is near enough for a typing error.
func Nearest(s string, words []string) (word string, ok bool) {
	best, nearest := 3, ""
	for _, w := range words {
		if alike.Alike(s, w) {
			return w, true
		}
	}
	length := utf8.RuneCountInString(s)
	for _, w := range words {
		if other := utf8.RuneCountInString(w); length-other >= best || other-length >= best {
			continue // the distance is at least best
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(s), strings.ToLower(w)); d < best && d < length {
			best, nearest = d, w
		}
	}
	return nearest, nearest != ""
}

package strict

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// expected returns the end of a message: the nearest word, or else all words.
func expected(got string, words []string) string {
	if near, ok := Nearest(got, words); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ", expected one of " + strings.Join(words, ", ")
}

// Nearest returns the word at the smallest edit distance from s; ok is false if no
// word is near enough for a typing error.
func Nearest(s string, words []string) (word string, ok bool) {
	best, nearest := 3, ""
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

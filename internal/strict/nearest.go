package strict

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

func expected(got string, words []string) string {
	if near, ok := Nearest(got, words); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ", expected one of " + strings.Join(words, ", ")
}

// Nearest returns the word at the smallest edit distance from s, when that is
// small enough for a slip of the fingers.
func Nearest(s string, words []string) (string, bool) {
	best, near := 3, ""
	length := utf8.RuneCountInString(s)
	for _, w := range words {
		if other := utf8.RuneCountInString(w); length-other >= best || other-length >= best {
			continue // at least that far
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(s), strings.ToLower(w)); d < best && d < length {
			best, near = d, w
		}
	}
	return near, near != ""
}

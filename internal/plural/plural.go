// Package plural writes numbers with their nouns.
package plural

import "strconv"

// Count returns a number with its noun, as "1 entry" or "2 entries".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// What check prints of problems of one kind: all of a few, of many the first ones and how
// many more there are. JSON has all.
const (
	manyAlike = 10
	firstFew  = 3
)

// kindOfProblem is what problems have in common that differ in names and numbers.
type kindOfProblem struct {
	file, shape string
	warning     bool
}

// quotedOrNumber is what differs between messages of one kind.
var quotedOrNumber = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9]+`)

func kindOf(p strict.Problem) kindOfProblem {
	return kindOfProblem{p.File, quotedOrNumber.ReplaceAllString(p.Message, "#"), p.Warning}
}

// writeProblems writes problems: faults before warnings, and in the order of the files.
func writeProblems(w io.Writer, problems []strict.Problem) {
	sorted := slices.SortedStableFunc(slices.Values(problems), func(a, b strict.Problem) int {
		return cmp.Compare(rank(a), rank(b))
	})
	total, written := map[kindOfProblem]int{}, map[kindOfProblem]int{}
	for _, p := range sorted {
		total[kindOf(p)]++
	}
	for _, p := range sorted {
		kind := kindOf(p)
		written[kind]++
		switch n := written[kind]; {
		case total[kind] <= manyAlike || n <= firstFew:
			fmt.Fprintln(w, p)
		case n == firstFew+1:
			fmt.Fprintf(w, "%s: and %d more like the last; -o json has all\n", p.File, total[kind]-firstFew)
		}
	}
}

// rank orders faults before warnings.
func rank(p strict.Problem) int {
	if p.Warning {
		return 1
	}
	return 0
}

package alike

import (
	"fmt"
	"testing"
)

// The pairs that are looked at grow with the names, and not with the pairs of names, also
// where all names have a long word in common.
func TestFindLooksAtFewPairs(t *testing.T) {
	for _, n := range []int{1000, 8000} {
		names := make([]Name, n)
		for i := range names {
			names[i] = Name{fmt.Sprintf("business%d.novel.group%d", i%100, i), 1 + i%9}
		}
		for i := range 100 { // slips of the same name
			names[i*9].Text = fmt.Sprintf("busines%d.novel.group%d", i%7, 4+9*i)
		}
		f := finder{names: names, folded: make([]string, n), class: make([]int, n)}
		f.classify()
		var odd, usual []int
		for i, name := range names {
			if name.Entries == oddMost {
				odd = append(odd, i)
			} else if name.Entries >= usualLeast {
				usual = append(usual, i)
			}
		}
		visits := 0
		f.eachNear(odd, usual, func(int, int) { visits++ })
		if visits > 2*n {
			t.Errorf("%d names: %d pairs were looked at", n, visits)
		}
	}
}

// A capital of another alphabet looks like a Latin capital, whose small letter looks like
// another one: the Greek Ν, ν are as N, v.
func TestFindComparesCapitals(t *testing.T) {
	for _, names := range [][]Name{{{"Νorth", 1}, {"North", 2}}, {{"Νorth", 1}, {"north", 2}}, {{"νorth", 1}, {"vorth", 2}}} {
		if got := Find(names); len(got) != 1 || got[0] != (Pair{Odd: 0, Usual: 1}) {
			t.Errorf("%v: %v", names, got)
		}
	}
}

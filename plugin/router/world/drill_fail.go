package world

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// drillChanges are the words that `setctl drill --fail-on` takes besides load=N.
var drillChanges = []Change{ChangeEmpty, ChangeUnusable, ChangeCrossRegion, ChangeCrossZone}

// DrillFailWords returns the words of `setctl drill --fail-on`.
func DrillFailWords() []string {
	return append(textsOf(drillChanges, func(c Change) string { return string(c) }), "load=3")
}

// DrillFailure is a word of --fail-on that holds for a drill.
type DrillFailure struct {
	Word   string
	Losses int // for which the word holds
}

// Fails returns the words that hold for a loss. It fails for a text that is no word.
func (d Drill) Fails(words []string) (out []DrillFailure, err error) {
	for _, word := range words {
		holds, err := drillWord(word)
		if err != nil {
			return nil, err
		}
		f := DrillFailure{Word: word}
		for _, l := range d.Losses {
			if holds(l) {
				f.Losses++
			}
		}
		if f.Losses > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// drillWord returns the function that says whether a word holds for a loss.
func drillWord(word string) (func(Loss) bool, error) {
	if slices.Contains(drillChanges, Change(word)) {
		return func(l Loss) bool { return l.Counts[Change(word)].Pairs > 0 }, nil
	}
	if text, ok := strings.CutPrefix(word, "load="); ok {
		limit, err := strconv.ParseFloat(text, 64)
		if err != nil || !(limit >= 1 && limit <= 1e6) {
			return nil, fmt.Errorf("--fail-on %q is no load, expected a number from 1, as load=3", word)
		}
		return func(l Loss) bool { return l.Load > limit }, nil
	}
	return nil, fmt.Errorf("--fail-on %q is no word of a drill, expected one of %s", word, strings.Join(DrillFailWords(), ", "))
}

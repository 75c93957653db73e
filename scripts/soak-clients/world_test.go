package main

import (
	"testing"
	"time"
)

// A list is right if the caller's SET and the instances that make it met at some time
// of the interval.
func TestWorld(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(second int) time.Time { return begin.Add(time.Duration(second) * time.Second) }
	w := &world{}
	w.remap(at(0), [2]int{0, 1})
	w.change(at(0), instances{"a": 0, "b": 1, "p": pool, "x": 3})
	w.change(at(10), instances{"b": 1, "p": pool, "x": 3})
	w.remap(at(20), [2]int{3, 1})
	w.change(at(30), instances{"b": 1, "c": 1, "p": pool, "x": 3})
	for _, c := range []struct {
		name     string
		city     int
		list     string
		from, to int
		want     bool
	}{
		{"its own", 0, "a", 0, 5, true},
		{"another SET's", 0, "b", 0, 40, false},
		{"of the other city", 1, "b", 0, 5, true},
		{"the pool, too early", 0, "p", 0, 9, false},
		{"the pool", 0, "p", 0, 10, true},
		{"its own, still in the interval", 0, "a", 9, 15, true},
		{"its own, too late", 0, "a", 11, 15, false},
		{"the other business by the mapping", 0, "x", 15, 25, true},
		{"the other business, too early", 0, "x", 0, 19, false},
		{"the pool, after the mapping", 0, "p", 21, 25, false},
		{"a mapping of before with instances of after", 0, "p", 15, 40, true},
		{"a part", 1, "c", 0, 40, false},
		{"both", 1, "b c", 25, 40, true},
		{"none", 0, "", 0, 40, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.was(c.city, c.list, at(c.from), at(c.to)); got != c.want {
				t.Errorf("%q in city %d from %d to %d: %t, want %t", c.list, c.city, c.from, c.to, got, c.want)
			}
		})
	}
	if got := w.now(0) + ", " + w.now(1); got != "x, b c" {
		t.Errorf("now: %s", got)
	}
}

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// deeds is a log of what was done to the cluster. It is safe for concurrent use.
type deeds struct {
	mu      sync.Mutex
	list    []deed
	counts  map[string]int
	failed  int
	verbose io.Writer // nil: silent
}

type deed struct {
	at   time.Time
	text string
}

// done notes a deed of a kind, and whether it could be done: with a database
// that is away some cannot.
func (d *deeds) done(kind string, err error, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := kind + ": " + fmt.Sprintf(format, args...)
	if err != nil {
		d.failed++
		text += fmt.Sprintf(" (failed: %.200v)", err)
	} else {
		d.counts[kind]++
	}
	d.list = append(d.list, deed{time.Now(), text})
	if d.verbose != nil {
		fmt.Fprintln(d.verbose, time.Now().Format("15:04:05.000"), text)
	}
}

// before tells what was done in the time before a moment.
func (d *deeds) before(end time.Time, within time.Duration) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, one := range d.list {
		if age := end.Sub(one.at); age < within && age > -2*time.Second {
			fmt.Fprintf(&b, "    %6.2f s before: %s\n", age.Seconds(), one.text)
		}
	}
	return b.String()
}

// most tells whether more could be done than could not.
func (d *deeds) most() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	done := 0
	for _, n := range d.counts {
		done += n
	}
	return done > d.failed
}

// summary counts deeds by kind.
func (d *deeds) summary() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var words []string
	for _, kind := range sorted(slices.Collect(maps.Keys(d.counts))) {
		words = append(words, fmt.Sprintf("%s %d", kind, d.counts[kind]))
	}
	return fmt.Sprintf("%s; failed while something was away: %d", strings.Join(words, ", "), d.failed)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

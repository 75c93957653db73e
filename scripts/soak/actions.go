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

// actionLog is a log of what was done to the cluster. It is safe for concurrent
// use.
type actionLog struct {
	mu      sync.Mutex
	list    []action
	counts  map[string]int
	failed  int
	verbose io.Writer // nil: silent
}

type action struct {
	time time.Time
	text string
}

// note notes an action of a kind, and whether it succeeded: without its database
// a server cannot do everything.
func (l *actionLog) note(kind string, err error, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := kind + ": " + fmt.Sprintf(format, args...)
	if err != nil {
		l.failed++
		text += fmt.Sprintf(" (failed: %.200v)", err)
	} else {
		l.counts[kind]++
	}
	l.list = append(l.list, action{time.Now(), text})
	if l.verbose != nil {
		fmt.Fprintln(l.verbose, time.Now().Format("15:04:05.000"), text)
	}
}

// lately returns what was done in the time before a moment.
func (l *actionLog) lately(end time.Time, within time.Duration) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, a := range l.list {
		if age := end.Sub(a.time); age < within && age > -2*time.Second {
			fmt.Fprintf(&b, "    %6.2f s before: %s\n", age.Seconds(), a.text)
		}
	}
	return b.String()
}

// mostSucceeded reports whether more actions succeeded than failed.
func (l *actionLog) mostSucceeded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := 0
	for _, n := range l.counts {
		done += n
	}
	return done > l.failed
}

// summary counts the actions by kind.
func (l *actionLog) summary() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var words []string
	for _, kind := range sorted(slices.Collect(maps.Keys(l.counts))) {
		words = append(words, fmt.Sprintf("%s %d", kind, l.counts[kind]))
	}
	return fmt.Sprintf("%s; failed while something was away: %d", strings.Join(words, ", "), l.failed)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

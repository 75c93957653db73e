package nacos

import (
	"sync"
	"testing"
	"time"
)

// clock is a clock of a test, in milliseconds.
type clock struct{ ms int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms) }

// Stamps are the clock, grow, and stay near the clock.
func TestStamps(t *testing.T) {
	c := &clock{ms: 1_000_000}
	s := stamps{now: c.now}
	for _, step := range []struct {
		name     string
		at, want int64
	}{
		{"the clock", 1_000_000, 1_000_000},
		{"at once again", 1_000_000, 1_000_001},
		{"a millisecond later", 1_000_001, 1_000_002},
		{"a second later", 1_001_000, 1_001_000},
		{"the clock is put back a little", 1_000_900, 1_001_001},
		{"the clock is put back", 900_000, 1_001_002},
		{"it goes on", 900_001, 1_001_003},
		{"it has caught up", 1_002_000, 1_002_000},
	} {
		c.ms = step.at
		if got := s.next(); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
}

// However many lists are sent in a moment, the stamps are not far ahead of the clock.
func TestManyStamps(t *testing.T) {
	c := &clock{ms: 1_000_000}
	s := stamps{now: c.now}
	for range 10_000 {
		if got := s.next(); got > c.ms+maxAhead {
			t.Fatalf("%d ms ahead of the clock", got-c.ms)
		}
	}
}

// Callers that ask at the same time get different stamps.
func TestStampsOfManyCallers(t *testing.T) {
	const callers, lists = 8, 50
	s := stamps{now: (&clock{ms: 1}).now}
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[int64]bool{}
	for range callers {
		all.Go(func() {
			for range lists {
				stamp := s.next()
				mu.Lock()
				seen[stamp] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != callers*lists {
		t.Errorf("%d stamps for %d lists", len(seen), callers*lists)
	}
}

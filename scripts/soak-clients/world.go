package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The service that all clients follow.
const (
	namespace = "default"
	service   = "novel"
)

const routing = `
version: 1
rules:
  - {name: novel, service: default/novel, set: {}, degrade: {holdDown: 0s}}
`

// sets are the SETs of instances. The instances of a SET are at 10.N.0.1 and up, by
// the SET's place in this list, from 11 on.
var sets = []string{"qb.novel.h", "qb.novel.z", "qb.novel.*", "ams.core.h"}

const pool = 2 // the place of the pool

// mappings give the callers in the two cities their SETs, by places in sets.
var mappings = [][2]int{{0, 1}, {3, 1}, {1, 0}}

func mappingFile(cities [2]int) string {
	text := "version: 1\nmappings:\n"
	for city, set := range cities {
		text += fmt.Sprintf("  - {match: 127.%d.0.0/16, region: east, zone: z%d, campus: c%d, set: %s}\n", city+1, city, city, sets[set])
	}
	return text
}

// instances are those that are usable, by host, with the places of their SETs.
type instances map[string]int

// list returns what a caller with a SET must get: its own, else the pool.
func (all instances) list(set int) string {
	var own, rest []string
	for host, of := range all {
		switch of {
		case set:
			own = append(own, host)
		case pool:
			if sharesPool(set) {
				rest = append(rest, host)
			}
		}
	}
	if len(own) == 0 {
		own = rest
	}
	slices.Sort(own)
	return strings.Join(own, " ")
}

// sharesPool reports whether the pool is of the SET's business.
func sharesPool(set int) bool { return strings.HasPrefix(sets[set], "qb.novel.") }

// past is what was true from a moment on.
type past[T any] struct {
	from time.Time
	what T
}

// world is what the clients' lists must follow, now and before. It is safe for
// concurrent use.
type world struct {
	mu        sync.Mutex
	instances []past[instances]
	mappings  []past[[2]int]
}

// change notes that instances were about to change at a moment.
func (w *world) change(from time.Time, now instances) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instances = append(w.instances, past[instances]{from, maps.Clone(now)})
}

// remap notes that the mapping was about to change at a moment.
func (w *world) remap(from time.Time, now [2]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mappings = append(w.mappings, past[[2]int]{from, now})
}

// now returns what a caller in a city must have.
func (w *world) now(city int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.instances[len(w.instances)-1].what.list(w.mappings[len(w.mappings)-1].what[city])
}

// was reports whether a list was right for a city at some time between two moments.
// Instances and mapping reach the server by two ways, so that each mapping of the time
// may meet each state of the instances.
func (w *world) was(city int, list string, from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range within(w.mappings, from, to) {
		for _, i := range within(w.instances, from, to) {
			if i.list(m[city]) == list {
				return true
			}
		}
	}
	return false
}

// within returns what was true at some time between two moments.
func within[T any](all []past[T], from, to time.Time) (out []T) {
	for i, p := range all {
		if ended := i+1 < len(all) && all[i+1].from.Before(from); !ended && !p.from.After(to) {
			out = append(out, p.what)
		}
	}
	return out
}

// registered is an instance of a SET, by its number from 0 on.
func registered(set, number int) polaristest.Instance {
	return polaristest.Instance{
		Namespace: namespace, Service: service, Host: fmt.Sprintf("10.%d.0.%d", 11+set, 1+number), Port: 80, Weight: 100, Healthy: true,
		Metadata: map[string]string{"internal-set-name": sets[set]},
	}
}

// draw draws by a seed.
type draw struct{ *rand.Rand }

func (d draw) oneOf(n int) bool { return d.IntN(n) == 0 }

func (d draw) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.Int64N(int64(high-low)))
}

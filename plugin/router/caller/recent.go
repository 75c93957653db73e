package caller

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is remembered of callers: keys in a generation, and how long a
// generation lasts. What is recent is in the last two generations.
const (
	maxRecent          = 1 << 17
	generationInterval = 5 * time.Minute
)

// Recent counts requests by a key, as the caller's address. The zero value is ready for
// use. Counting a key that is known takes one load and one addition, and no lock.
type Recent[K comparable] struct {
	current, previous atomic.Pointer[generation]
}

type generation struct {
	began time.Time
	keys  sync.Map // K to *atomic.Uint64
	count atomic.Int64
}

// Count counts a request. Keys beyond the bound are not remembered.
func (r *Recent[K]) Count(key K) {
	g := r.current.Load()
	if g == nil {
		r.current.CompareAndSwap(nil, &generation{})
		g = r.current.Load()
	}
	n, ok := g.keys.Load(key)
	if !ok {
		if g.count.Load() >= maxRecent {
			return
		}
		if n, ok = g.keys.LoadOrStore(key, new(atomic.Uint64)); !ok {
			g.count.Add(1)
		}
	}
	n.(*atomic.Uint64).Add(1)
}

// Age begins a new generation where the present one is old enough, and forgets
// the generation before the last. One goroutine calls Age, every few seconds.
func (r *Recent[K]) Age(now time.Time) {
	var began time.Time
	if g := r.current.Load(); g != nil {
		began = g.began
	}
	if now.Sub(began) >= generationInterval {
		r.previous.Store(r.current.Swap(&generation{began: now}))
	}
}

// Requests returns how many requests were counted lately of each key.
func (r *Recent[K]) Requests() map[K]uint64 {
	sum := map[K]uint64{}
	for _, g := range []*generation{r.previous.Load(), r.current.Load()} {
		if g == nil {
			continue
		}
		g.keys.Range(func(key, n any) bool {
			sum[key.(K)] += n.(*atomic.Uint64).Load()
			return true
		})
	}
	return sum
}

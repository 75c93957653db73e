package caller

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is remembered of callers: addresses in a generation, and how
// long a generation lasts. Recent callers are the callers of the last two
// generations.
const (
	maxRecent          = 1 << 17
	generationInterval = 5 * time.Minute
)

// Recent counts requests by caller. The zero value is ready for use. Counting
// an address that is known takes one load and one addition, and no lock.
type Recent struct {
	current, previous atomic.Pointer[generation]
}

type generation struct {
	began   time.Time
	callers sync.Map // netip.Addr to *atomic.Uint64
	count   atomic.Int64
}

// Count counts a request. Addresses beyond the bound are not remembered.
func (r *Recent) Count(addr netip.Addr) {
	g := r.current.Load()
	if g == nil {
		r.current.CompareAndSwap(nil, &generation{})
		g = r.current.Load()
	}
	n, ok := g.callers.Load(addr)
	if !ok {
		if !addr.IsValid() || g.count.Load() >= maxRecent {
			return
		}
		if n, ok = g.callers.LoadOrStore(addr, new(atomic.Uint64)); !ok {
			g.count.Add(1)
		}
	}
	n.(*atomic.Uint64).Add(1)
}

// Age begins a new generation where the present one is old enough, and forgets
// the generation before the last. One goroutine calls Age, every few seconds.
func (r *Recent) Age(now time.Time) {
	var began time.Time
	if g := r.current.Load(); g != nil {
		began = g.began
	}
	if now.Sub(began) >= generationInterval {
		r.previous.Store(r.current.Swap(&generation{began: now}))
	}
}

// Requests returns how many requests each recent caller made.
func (r *Recent) Requests() map[netip.Addr]uint64 {
	sum := map[netip.Addr]uint64{}
	for _, g := range []*generation{r.previous.Load(), r.current.Load()} {
		if g == nil {
			continue
		}
		g.callers.Range(func(addr, n any) bool {
			sum[addr.(netip.Addr)] += n.(*atomic.Uint64).Load()
			return true
		})
	}
	return sum
}

package router

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/world"
)

// Bounds of what is remembered of callers: addresses in a generation, and how
// long it lasts. Callers seen lately are those of the last two.
const (
	seenKept     = 1 << 17
	seenInterval = 5 * time.Minute
)

// seenCallers counts requests by caller. The zero value is ready for use.
// Counting takes no lock that matters: an address that is known is one load
// and one addition.
type seenCallers struct {
	now, before atomic.Pointer[seenGeneration]
}

type seenGeneration struct {
	began   time.Time
	callers sync.Map // netip.Addr to *atomic.Uint64
	count   atomic.Int64
}

// note counts a request. Addresses beyond the bound are not remembered.
func (s *seenCallers) note(addr netip.Addr) {
	g := s.now.Load()
	if g == nil {
		s.now.CompareAndSwap(nil, &seenGeneration{})
		g = s.now.Load()
	}
	n, there := g.callers.Load(addr)
	if !there {
		if !addr.IsValid() || g.count.Load() >= seenKept {
			return
		}
		if n, there = g.callers.LoadOrStore(addr, new(atomic.Uint64)); !there {
			g.count.Add(1)
		}
	}
	n.(*atomic.Uint64).Add(1)
}

// rotate begins a new generation and forgets the one before the last.
func (s *seenCallers) rotate(now time.Time) { s.before.Store(s.now.Swap(&seenGeneration{began: now})) }

// since is when the generation began.
func (s *seenCallers) since() time.Time {
	if g := s.now.Load(); g != nil {
		return g.began
	}
	return time.Time{}
}

// lately are the callers of the last two generations.
func (s *seenCallers) lately() []world.Seen {
	sum := map[netip.Addr]uint64{}
	for _, g := range []*seenGeneration{s.before.Load(), s.now.Load()} {
		if g == nil {
			continue
		}
		g.callers.Range(func(addr, n any) bool {
			sum[addr.(netip.Addr)] += n.(*atomic.Uint64).Load()
			return true
		})
	}
	out := make([]world.Seen, 0, len(sum))
	for addr, n := range sum {
		out = append(out, world.Seen{Addr: addr, Requests: n})
	}
	return out
}

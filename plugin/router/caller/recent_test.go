package caller

import (
	"net/netip"
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	var r Recent[netip.Addr]
	now := time.Now()
	expect := func(step string, callers int, requests uint64) {
		t.Helper()
		counts, sum := r.Requests(), uint64(0)
		for _, n := range counts {
			sum += n
		}
		if len(counts) != callers || sum != requests {
			t.Errorf("%s: %v, want %d callers and %d requests", step, counts, callers, requests)
		}
	}
	a, b := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1")
	for _, addr := range []netip.Addr{a, a, a, b} {
		r.Count(addr)
	}
	expect("counted", 2, 4)
	r.Age(now)
	expect("one generation later", 2, 4)
	r.Age(now.Add(generationInterval - 1))
	expect("too early for the next", 2, 4)
	r.Age(now.Add(generationInterval))
	expect("two generations later", 0, 0)
	r.current.Load().count.Store(maxRecent)
	r.Count(a)
	expect("beyond the bound", 0, 0)
}

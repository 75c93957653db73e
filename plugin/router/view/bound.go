package view

import (
	"cmp"
	"container/heap"
	"container/list"
	"net/netip"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// What a view takes, in bytes, as TestViewSize finds it: by itself, for each instance
// in it, and for each instance whose weight is another one.
const (
	viewBytes     = 3000
	instanceBytes = 24
	weightedBytes = 400
)

// staleTicks is how many calls of Prune a view was not asked for when a new view of the same
// service or client may take its place: 15 s, longer than clients wait between polls.
const staleTicks = 3

// bound bounds the views that are kept, of all services together (docs/design.md, 5.4).
// Each view is in two groups: of its service, and of the client that asked for it first.
// When there is no room, the largest group gives its least recently asked view away. A new
// view that would be of the largest group itself is not kept instead, unless that group has
// a view that nobody asks for any more. So neither a service with many kinds of callers nor
// a client that asks for everything pushes out what others use.
//
// The zero value keeps nothing. A bound is safe for concurrent use.
type bound struct {
	mu      sync.Mutex
	limit   int64 // bytes
	used    int64
	count   int
	clients map[netip.Prefix]*group
	largest groups
	born    int // groups so far

	evicted, refused uint64 // views that were given away, and that were not kept
	counted          uint64 // of these at the last tick
	lastFull         time.Time
}

// group is the views of a service, or of a client. Whoever uses a group has the lock of its
// bound.
type group struct {
	cells list.List // of *cell, the least recently asked first
	bytes int64
	born  int // the number of the group
	index int // in the heap; -1: the group is empty
	// retired says that nothing is kept any more: other rules are in force, or the service
	// is gone.
	retired bool
}

// held is where a cell stands in a bound. Whoever uses it has the bound's lock.
type held struct {
	bytes    int64 // 0: the bound does not hold the cell
	kinds    *kinds
	client   netip.Prefix
	groups   [2]*group // of the service, and of the client; the latter may be nil
	elements [2]*list.Element
}

// clientOf returns who stands for an address: the address, or the /64 of an IPv6 address. The
// invalid address has nobody.
func clientOf(addr netip.Addr) netip.Prefix {
	addr = addr.WithZone("")
	if addr.Is6() {
		p, _ := addr.Prefix(64)
		return p
	}
	if !addr.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

// add keeps a cell that is in kinds, if there is room. The client is who asked for it.
func (b *bound) add(k *kinds, c *cell, client netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(k, c, client)
}

// replace keeps a cell in the place of another, which gives the room and the client.
func (b *bound) replace(k *kinds, old, c *cell, client netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old.held.bytes > 0 {
		client = old.held.client
		b.remove(old)
	}
	b.put(k, c, client)
}

func (b *bound) put(k *kinds, c *cell, client netip.Prefix) {
	if k.group.retired {
		return
	}
	c.held = held{kinds: k, client: client, groups: [2]*group{&k.group, b.groupOf(client)}}
	b.resize(c, viewBytes)
	for n, g := range c.held.groups {
		if g != nil {
			c.held.elements[n] = g.cells.PushBack(c)
		}
	}
	b.count++
	b.fit(c)
}

// groupOf returns the group of a client, nil for nobody.
func (b *bound) groupOf(client netip.Prefix) *group {
	if !client.IsValid() {
		return nil
	}
	g := b.clients[client]
	if g == nil {
		if b.clients == nil {
			b.clients = map[netip.Prefix]*group{}
		}
		g = &group{index: -1}
		b.clients[client] = g
	}
	return g
}

// grow adds to what a cell takes. It reports whether the cell is kept.
func (b *bound) grow(c *cell, bytes int64) (kept bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.held.bytes == 0 {
		return false
	}
	b.resize(c, bytes)
	b.fit(c)
	return c.held.bytes > 0
}

// drop gives up a cell that its kinds do not have any more.
func (b *bound) drop(c *cell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(c)
}

// retire gives up all cells of kinds, for good.
func (b *bound) retire(k *kinds) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := k.group.cells.Front(); e != nil; e = k.group.cells.Front() {
		b.remove(e.Value.(*cell))
	}
	k.group.retired = true
}

// asked notes that cells of kinds were asked for since the last tick.
func (b *bound) asked(cells []*cell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range cells {
		for n, g := range c.held.groups {
			if g != nil && c.held.bytes > 0 {
				g.cells.MoveToBack(c.held.elements[n])
			}
		}
	}
}

// fit gives views away until there is room. The cell is the one that came, or grew.
func (b *bound) fit(c *cell) {
	for b.used > b.limit {
		g := b.largest[0]
		victim := g.cells.Front().Value.(*cell)
		if (g == c.held.groups[0] || g == c.held.groups[1]) && victim.use.idle.Load() < staleTicks {
			victim = c
			b.refused++
			countRefused.Inc()
		} else {
			b.evicted++
			countEvicted.Inc()
		}
		victim.held.kinds.cells.CompareAndDelete(victim.kind, victim)
		victim.forget()
		if b.remove(victim); victim == c {
			return
		}
	}
}

// resize adds to what a cell takes in its groups.
func (b *bound) resize(c *cell, bytes int64) {
	c.held.bytes, b.used = c.held.bytes+bytes, b.used+bytes
	for _, g := range c.held.groups {
		switch {
		case g == nil:
		case g.bytes == 0:
			b.born++
			g.bytes, g.born = bytes, b.born
			heap.Push(&b.largest, g)
		default:
			g.bytes += bytes
			if g.bytes == 0 {
				heap.Remove(&b.largest, g.index)
				continue
			}
			heap.Fix(&b.largest, g.index)
		}
	}
}

// remove takes a cell out of its groups, if it is in them.
func (b *bound) remove(c *cell) {
	if c.held.bytes == 0 {
		return
	}
	b.resize(c, -c.held.bytes)
	for n, g := range c.held.groups {
		if g != nil {
			g.cells.Remove(c.held.elements[n])
		}
	}
	if g := c.held.groups[1]; g != nil && g.bytes == 0 {
		delete(b.clients, c.held.client)
	}
	b.count--
	c.held = held{}
}

// groups is a heap of groups that have something, the largest first, and of equal ones the
// older one.
type groups []*group

func (g groups) Len() int { return len(g) }
func (g groups) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(g[j].bytes, g[i].bytes), cmp.Compare(g[i].born, g[j].born)) < 0
}
func (g groups) Swap(i, j int) {
	g[i], g[j] = g[j], g[i]
	g[i].index, g[j].index = i, j
}

// Push implements heap.Interface.
func (g *groups) Push(x any) {
	x.(*group).index = len(*g)
	*g = append(*g, x.(*group))
}

// Pop implements heap.Interface.
func (g *groups) Pop() any {
	last := (*g)[len(*g)-1]
	last.index = -1
	(*g)[len(*g)-1] = nil
	*g = (*g)[:len(*g)-1]
	return last
}

// tick notes whether there was no room for a view since the last tick, and sets the metrics.
func (b *bound) tick(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sum := b.evicted + b.refused; sum != b.counted {
		b.counted, b.lastFull = sum, now
	}
	observe.Views.Set(float64(b.count))
	observe.ViewsBytes.Set(float64(b.used))
}

var (
	countEvicted = observe.ViewsGivenUp.WithLabelValues("evicted")
	countRefused = observe.ViewsGivenUp.WithLabelValues("refused")
)

// Kept says how many views are kept, and what they take.
type Kept struct {
	Views int
	Bytes int64
	Limit int64 // of Bytes
	// Evicted and Refused count views that were given away for others, and that were made
	// for one request and not kept, since the start.
	Evicted, Refused uint64
	LastFull         time.Time // when this last happened, as far as Prune knows; zero: never
}

// Kept returns how many views are kept at this moment.
func (s *Store) Kept() Kept {
	b := &s.bound
	b.mu.Lock()
	defer b.mu.Unlock()
	return Kept{Views: b.count, Bytes: b.used, Limit: b.limit, Evicted: b.evicted, Refused: b.refused, LastFull: b.lastFull}
}

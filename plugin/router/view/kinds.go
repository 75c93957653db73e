package view

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// idleTicks is how many calls of Prune a view outlives that nobody asks for: the
// server calls it every 5 s, so that a view goes after a minute.
const idleTicks = 12

// epoch is a moment before every view. Times are kept as the time since then, which
// a step of the wall clock does not change.
var epoch = clock.Now()

// Kind is a kind of caller of one service: callers of one kind get one list.
type Kind struct {
	route.Route
	OnlyHealthy bool // the request asks for healthy instances only
}

// kinds are the views of a service for all kinds of callers. Snapshots that
// follow each other share them, so that a view stays until something changes
// that it depends on. They are safe for concurrent use.
type kinds struct {
	cells sync.Map // Kind to *cell
	group group    // of the cells, in the bound of the store
	use   usage    // of the service as a whole

	// inherited are the memories from the rules before, of kinds of callers that
	// have not asked yet. They go after idleTicks.
	inherited atomic.Pointer[map[Kind]inheritance]
	age       atomic.Int64 // ticks, counted by prune
}

func newKinds() *kinds {
	k := &kinds{group: group{index: -1}}
	k.use.note()
	return k
}

// cell is where the view of one kind of caller stands. The view is built once.
type cell struct {
	kind       Kind
	seq        uint64    // of the snapshot that the view is built from
	ownService *Snapshot // of a lane address, if the view depends on it
	build      func() (*View, error)

	until   atomic.Int64  // when the kind has to be decided again, after epoch; 0: never
	goodFor atomic.Uint64 // the last snapshot that the view was found good for
	use     usage
	roads   atomic.Pointer[Roads] // nil: nobody has asked for them
	got     atomic.Pointer[got]   // of the view, for the callers that have it; nil: there is no view yet
	held    held                  // by the bound of the store
}

// forget lets the list of a view go that is not kept any more. Callers that have the list
// are told of without it.
func (c *cell) forget() {
	if what := c.got.Load(); what != nil {
		what.list.Store(nil)
	}
}

// usage says whether anybody asks for something.
type usage struct {
	asked atomic.Bool  // since the last tick
	idle  atomic.Int32 // ticks, counted by prune
}

// note is called for each request, so that it writes only where it must.
func (u *usage) note() {
	if !u.asked.Load() {
		u.asked.Store(true)
	}
}

// tick reports whether somebody has asked since the last tick, and whether nobody has asked
// for long.
func (u *usage) tick() (asked, idle bool) {
	if u.asked.Swap(false) {
		u.idle.Store(0)
		return true, false
	}
	return false, u.idle.Add(1) > idleTicks
}

// cell returns where the view of a kind of caller stands, which a client asks for. Concurrent requests for a view
// that is not there yet wait for one build of it. A view that could not be built is not
// tried again before the service, the files or the pods change: a bug costs each
// request a line in the log, and not a build.
func (s *Store) cell(q *Query, snap *Snapshot, kind Kind, ownService *Snapshot, client netip.Addr) *cell {
	cause, before := "", route.Memory{}
	present, ok := snap.kinds.cells.Load(kind)
	if ok {
		old := present.(*cell)
		if cause = old.stale(snap, ownService, s.Now()); cause == "" {
			old.use.note()
			return old
		}
		before = old.memory()
	} else {
		before = snap.kinds.inheritedMemory(kind)
	}
	fresh := &cell{kind: kind, seq: snap.seq, ownService: ownService}
	fresh.use.note()
	fresh.build = sync.OnceValues(func() (*View, error) {
		v, err := s.build(snap, kind, ownService, before)
		if err != nil || !q.Kept {
			return v, err
		}
		fresh.got.Store(v.got)
		if !s.bound.grow(fresh, v.bytes()-viewBytes) {
			fresh.forget()
		}
		if until := v.Decision.HeldUntil(); !until.IsZero() {
			fresh.until.Store(int64(until.Sub(epoch)))
		}
		if !kind.OnlyHealthy {
			observe.Safely("a change of a view", func() { s.changes.note(q.Service, kind, v, snap, cause, s.Now()) })
		}
		return v, nil
	})
	return s.put(q, snap, present, fresh, clientOf(client))
}

// memory returns the memory of the kind of caller after its view was built, and an
// empty one if the view could not be built.
func (c *cell) memory() route.Memory {
	if v, err := c.build(); err == nil {
		return v.memory
	}
	return route.Memory{}
}

// stale says why the cell does not have the view of a snapshot any more. It is
// empty while the cell has it.
func (c *cell) stale(snap, ownService *Snapshot, now time.Time) (cause string) {
	until := c.until.Load()
	switch {
	case c.ownService != ownService:
		if last := snap.lastChange; last.seq > c.seq && last.cause != causeInstances {
			return last.cause // files or pods: both services have changed
		}
		return causeOwnService
	case until != 0 && int64(now.Sub(epoch)) >= until:
		return causeHoldDown
	case c.seq >= snap.seq || c.goodFor.Load() >= snap.seq:
		return ""
	}
	v, err := c.build()
	if err != nil {
		return snap.lastChange.cause
	}
	if last := v.dependency(snap); last.seq > c.seq {
		return last.cause
	}
	c.goodFor.Store(snap.seq)
	return ""
}

// put keeps a fresh cell in the place of the present one, which is nil where there is none,
// if there is room. It returns the cell to use: the cell of another request, where that
// request was faster.
func (s *Store) put(q *Query, snap *Snapshot, present any, fresh *cell, client netip.Prefix) *cell {
	k := snap.kinds
	if present != nil && k.cells.CompareAndSwap(fresh.kind, present, fresh) {
		if q.Kept {
			s.bound.replace(k, present.(*cell), fresh, client)
		}
		return fresh
	}
	v, ok := k.cells.LoadOrStore(fresh.kind, fresh)
	if !ok {
		if q.Kept {
			s.bound.add(k, fresh, client)
		}
		return fresh
	}
	if first := v.(*cell); first.stale(snap, fresh.ownService, s.Now()) == "" {
		return first
	}
	return fresh
}

// prune drops what nobody asks for, and reports whether nobody asks for the service at all.
// One goroutine calls it.
func (k *kinds) prune(b *bound) (idle bool) {
	if k.age.Add(1) > idleTicks {
		k.inherited.Store(nil)
	}
	var used []*cell
	k.cells.Range(func(key, v any) bool {
		c := v.(*cell)
		switch asked, idle := c.use.tick(); {
		case idle:
			k.cells.CompareAndDelete(key, v)
			b.drop(c)
		case asked:
			used = append(used, c)
		}
		return true
	})
	b.asked(used)
	_, idle = k.use.tick()
	return idle
}

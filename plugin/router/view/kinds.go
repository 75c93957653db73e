package view

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Bounds of the views kept of one service: how many, and their instances. There
// are as many views as there are SETs and locations of callers. Clients report
// locations, so that operators alone do not decide how many there are.
const (
	maxViews   = 1 << 15
	maxMembers = 1 << 24
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
	cells   sync.Map // Kind to *cell
	count   atomic.Int64
	members atomic.Int64
	use     usage // of the service as a whole

	// inherited are the memories from the rules before, of kinds of callers that
	// have not asked yet. They go after idleTicks.
	inherited atomic.Pointer[map[Kind]inheritance]
	age       atomic.Int64 // ticks, counted by prune
}

func newKinds() *kinds {
	k := &kinds{}
	k.use.note()
	return k
}

// cell is where the view of one kind of caller stands. The view is built once.
type cell struct {
	kind       Kind
	seq        uint64    // of the snapshot that the view is built from
	ownService *Snapshot // of a lane address, if the view depends on it
	build      func() (*View, error)

	size    atomic.Int64  // instances of the view
	until   atomic.Int64  // when the kind has to be decided again, after epoch; 0: never
	goodFor atomic.Uint64 // the last snapshot that the view was found good for
	use     usage
	roads   atomic.Pointer[Roads] // nil: nobody has asked for them
}

// usage says whether anybody asks for something.
type usage struct {
	asked atomic.Bool // since the last tick
	idle  int         // ticks, counted by prune
}

// note is called for each request, so that it writes only where it must.
func (u *usage) note() {
	if !u.asked.Load() {
		u.asked.Store(true)
	}
}

// tick reports whether nobody has asked for long.
func (u *usage) tick() (idle bool) {
	u.idle++
	if u.asked.Swap(false) {
		u.idle = 0
	}
	return u.idle > idleTicks
}

// cell returns where the view of a kind of caller stands. Concurrent requests for a view
// that is not there yet wait for one build of it. A view that could not be built is not
// tried again before the service, the files or the pods change: a bug costs each
// request a line in the log, and not a build.
func (s *Store) cell(q *Query, snap *Snapshot, kind Kind, ownService *Snapshot) *cell {
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
		v.cell = fresh
		fresh.size.Store(int64(len(v.Answer.Instances)))
		if until := v.Decision.HeldUntil(); !until.IsZero() {
			fresh.until.Store(int64(until.Sub(epoch)))
		}
		snap.kinds.members.Add(fresh.size.Load())
		if !kind.OnlyHealthy {
			observe.Safely("a change of a view", func() { s.changes.note(q.Service, kind, v, snap, cause, s.Now()) })
		}
		return v, nil
	})
	return snap.put(kind, present, fresh, s.Now())
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

// put keeps a fresh cell in the place of the present one, which is nil where
// there is none, if there is room. It returns the cell to use: the cell of
// another request, where that request was faster.
func (s *Snapshot) put(kind Kind, present any, fresh *cell, now time.Time) *cell {
	k := s.kinds
	if present != nil {
		if k.cells.CompareAndSwap(kind, present, fresh) {
			k.members.Add(-present.(*cell).size.Load())
			return fresh
		}
	} else if k.count.Load() >= maxViews || k.members.Load() >= maxMembers {
		return fresh
	}
	v, ok := k.cells.LoadOrStore(kind, fresh)
	if !ok {
		k.count.Add(1)
		return fresh
	}
	if first := v.(*cell); first.stale(s, fresh.ownService, now) == "" {
		return first
	}
	return fresh
}

// prune drops what nobody asks for, and reports whether nobody asks for the
// service at all. One goroutine calls it.
func (k *kinds) prune() (idle bool) {
	if k.age.Add(1) > idleTicks {
		k.inherited.Store(nil)
	}
	var count, members int64
	k.cells.Range(func(key, v any) bool {
		c := v.(*cell)
		if c.use.tick() {
			k.cells.CompareAndDelete(key, v)
			return true
		}
		count, members = count+1, members+c.size.Load()
		return true
	})
	k.count.Store(count)
	k.members.Store(members)
	return k.use.tick()
}

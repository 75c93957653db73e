package router

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Bounds of the views kept of one service: how many, and their instances. There
// are as many as there are SETs and locations of callers; clients report
// locations, so that their number is not the operators' alone to decide.
const (
	maxViews   = 1 << 15
	maxMembers = 1 << 24
)

// idleTicks is after how many ticks a view that nobody asks for goes.
const idleTicks = 12

// epoch is before every view: what is counted from it is not moved by a step of
// the wall clock.
var epoch = clock.Now()

// viewKey is a kind of caller of one service.
type viewKey struct {
	kind        route.Route
	onlyHealthy bool
}

// views are those of a service for kinds of callers. Snapshots that follow each
// other share them, so that a view stays until something changes that it
// depends on. It is safe for concurrent use.
type views struct {
	cells   sync.Map // viewKey to *viewCell
	count   atomic.Int64
	members atomic.Int64
	use     usage // of the service as a whole

	// inherited is what kinds of callers that have not asked yet held under the
	// rules before. It goes after idleTicks.
	inherited atomic.Pointer[map[viewKey]inherited]
	age       atomic.Int64 // ticks, counted by prune
}

func newViews() *views {
	x := &views{}
	x.use.note()
	return x
}

// viewCell is the place of a view, which is built once.
type viewCell struct {
	seq   uint64    // of the snapshot that it is built from
	own   *snapshot // of the own service of a lane address, if the view depends on it
	build func() (*view, error)

	size  atomic.Int64  // instances of the view
	until atomic.Int64  // when it has to be decided again, after epoch; 0: never
	holds atomic.Uint64 // the last snapshot that it was found good for
	use   usage
}

// usage tells whether something is asked for.
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

// tick tells whether nobody has asked for long.
func (u *usage) tick() (idle bool) {
	u.idle++
	if u.asked.Swap(false) {
		u.idle = 0
	}
	return u.idle > idleTicks
}

// view returns the view for a kind of caller. Concurrent requests for one that
// is not there yet wait for one build of it.
func (s *snapshot) view(r *request, key viewKey, own *snapshot) (*view, error) {
	why, before := "", route.Held{}
	v, there := s.views.cells.Load(key)
	if there {
		old := v.(*viewCell)
		if why = old.stale(s, own, r.now()); why == "" {
			old.use.note()
			return old.build()
		}
		before = old.held()
	} else {
		before = s.views.heldBefore(key)
	}
	fresh := &viewCell{seq: s.seq, own: own}
	fresh.use.note()
	fresh.build = sync.OnceValues(func() (*view, error) {
		built, err := s.build(r, key, own, before)
		if err != nil || !r.keeps() {
			return built, err
		}
		fresh.size.Store(int64(len(built.resp.Instances)))
		if !built.decision.Until.IsZero() {
			fresh.until.Store(int64(built.decision.Until.Sub(epoch)))
		}
		s.views.members.Add(fresh.size.Load())
		if !key.onlyHealthy {
			r.changes.note(r.asked, key.kind, built, s, why, r.now())
		}
		return built, nil
	})
	return s.put(key, v, fresh, r.now()).build()
}

// peek is view for those who only look: it keeps nothing and notes nothing.
func (s *snapshot) peek(r *request, key viewKey, own *snapshot) (*view, error) {
	before := s.views.heldBefore(key)
	if v, there := s.views.cells.Load(key); there {
		old := v.(*viewCell)
		if old.stale(s, own, r.now()) == "" {
			return old.build()
		}
		before = old.held()
	}
	return s.build(r, key, own, before)
}

// held is what the kind of caller has by the cell, nothing where its view could
// not be built.
func (c *viewCell) held() route.Held {
	if v, err := c.build(); err == nil {
		return v.held
	}
	return route.Held{}
}

// stale says why a view is not the one of a snapshot any more; it is empty
// while the view is.
func (c *viewCell) stale(s, own *snapshot, now time.Time) string {
	until := c.until.Load()
	switch {
	case c.own != own:
		return whyOwn
	case until != 0 && int64(now.Sub(epoch)) >= until:
		return whyHeld
	case c.seq >= s.seq || c.holds.Load() >= s.seq:
		return ""
	}
	v, err := c.build()
	if err != nil {
		return s.any.why
	}
	if last := v.dependsOn(s); last.seq > c.seq {
		return last.why
	}
	c.holds.Store(s.seq)
	return ""
}

// put keeps a fresh cell in the place of an old one, which is nil where there
// is none, if there is room; it returns the one to use: another request's,
// where that was faster.
func (s *snapshot) put(key viewKey, old any, fresh *viewCell, now time.Time) *viewCell {
	x := s.views
	if old != nil {
		if x.cells.CompareAndSwap(key, old, fresh) {
			x.members.Add(-old.(*viewCell).size.Load())
			return fresh
		}
	} else if x.count.Load() >= maxViews || x.members.Load() >= maxMembers {
		return fresh
	}
	v, there := x.cells.LoadOrStore(key, fresh)
	if !there {
		x.count.Add(1)
		return fresh
	}
	if first := v.(*viewCell); first.stale(s, fresh.own, now) == "" {
		return first
	}
	return fresh
}

// prune drops what nobody asks for, and tells whether that is everything. It is
// called by one goroutine only.
func (x *views) prune() (idle bool) {
	if x.age.Add(1) > idleTicks {
		x.inherited.Store(nil)
	}
	var count, members int64
	x.cells.Range(func(key, v any) bool {
		c := v.(*viewCell)
		if c.use.tick() {
			x.cells.CompareAndDelete(key, v)
			return true
		}
		count, members = count+1, members+c.size.Load()
		return true
	})
	x.count.Store(count)
	x.members.Store(members)
	return x.use.tick()
}

package eureka

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Bounds of a memory. An address takes some 300 bytes, a cell 8 to 16. Beyond the bounds
// nothing new is remembered: clients fetch all.
const (
	maxAddresses = 1 << 17 // each in each namespace
	maxCells     = 1 << 22 // applications in views, and instances in applications
	maxLeft      = 64      // views that clients at an address can have, beside the last one
)

// checkEvery is after how many intervals the clients of an address are told once more to
// fetch all.
const checkEvery = 32

// memory remembers which views were given to an address in a namespace. It is safe for
// concurrent use.
type memory struct {
	interval time.Duration // what is older is forgotten
	now      func() time.Time

	mu        sync.Mutex
	began     time.Time // of the present generation
	addresses generations[addressKey, *history]
	views     generations[string, *view] // by the numbers of their applications
	apps      generations[appKey, *appView]
	appCount  uint64 // numbers given
	seed      maphash.Seed
}

type addressKey struct {
	addr      netip.Addr
	namespace string
}

// appKey names the content of an application.
type appKey struct {
	name     string
	revision string // of the lists that were made for callers
	sum      uint64 // of what is registered
	count    int
}

// history is what was given to an address in a namespace.
type history struct {
	first, last time.Time // of the polls, without a gap longer than the interval
	view        *view     // the last one
	left        []leftView
}

// leftView is a view in the place of which the address was given another.
type leftView struct {
	*view
	until time.Time
}

func newMemory(interval time.Duration, now func() time.Time) *memory {
	return &memory{
		interval: interval, now: now, began: now(), seed: maphash.MakeSeed(),
		addresses: newGenerations[addressKey](func(*history) int { return 1 }),
		views:     newGenerations[string](func(v *view) int { return 1 + len(v.apps) }),
		apps:      newGenerations[appKey](func(a *appView) int { return 1 + len(a.instances) }),
	}
}

// view returns the view that has applications. Where nothing changed, that is the same one
// as before.
func (m *memory) view(apps []application) *view {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age()
	fresh := &view{isKept: true}
	key := make([]byte, 0, 8*len(apps))
	for _, a := range apps {
		app, ok := m.app(a)
		fresh.isKept = fresh.isKept && ok
		if len(app.instances) > 0 {
			fresh.apps = append(fresh.apps, app)
			key = binary.LittleEndian.AppendUint64(key, app.number)
		}
	}
	if fresh.isKept {
		if v, ok := m.views.get(string(key)); ok {
			return v
		}
	}
	fresh.hashcode = hashcode(instancesOf(fresh.blocks()))
	if fresh.isKept = fresh.isKept && m.hasRoom(m.views.weight(fresh)); fresh.isKept {
		m.views.put(string(key), fresh)
	}
	return fresh
}

// app returns the application as clients keep it. It is not ok where there is no room to
// keep it.
func (m *memory) app(a application) (app *appView, ok bool) {
	key := m.key(a)
	if app, ok = m.apps.get(key); ok {
		return app, true
	}
	app = newAppView(a)
	m.appCount++
	app.number = m.appCount
	if ok = m.hasRoom(m.apps.weight(app)); ok {
		m.apps.put(key, app)
	}
	return app, ok
}

func (m *memory) hasRoom(cells int) bool { return m.views.total+m.apps.total+cells <= maxCells }

// key names the content of an application. A change of what is registered of an instance
// gives the instance another revision.
func (m *memory) key(a application) appKey {
	key := appKey{name: a.name, revision: a.revision}
	if !a.isRegistered {
		return key
	}
	for _, i := range a.instances {
		if isShown(i) {
			key.sum += maphash.Comparable(m.seed, recordKey(i)) // in any order
			key.count++
		}
	}
	return key
}

func recordKey(i *apiservice.Instance) [3]string {
	return [3]string{i.GetId().GetValue(), i.GetRevision().GetValue(), eurekaStatus(i)}
}

// give notes that an address is given a view, and returns the views that its clients can
// have. The result is nil where that is not known: at the first poll, in the interval after
// it, and in one interval of every checkEvery. Another client at the address may have what
// it got from another node, or was silent for longer than the interval.
func (m *memory) give(key addressKey, v *view) (before []*view) {
	if !key.addr.IsValid() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age()
	now := m.now()
	h, ok := m.addresses.get(key)
	switch {
	case !v.isKept || !ok && m.addresses.total >= maxAddresses:
		observe.EurekaForgotten.Inc()
		m.addresses.drop(key)
		return nil
	case !ok && len(v.apps) == 0: // a name that a client made up, maybe
		return nil
	case !ok:
		h = &history{}
		m.addresses.put(key, h)
	}
	if now.Sub(h.last) > m.interval {
		*h = history{first: now, last: now, view: v}
		return nil
	}
	if h.move(v, now, m.interval); len(h.left) > maxLeft {
		observe.EurekaForgotten.Inc()
		m.addresses.drop(key)
		return nil
	}
	if h.isChecked(now, m.interval) {
		return nil
	}
	before = []*view{v}
	for _, left := range h.left {
		before = append(before, left.view)
	}
	return before
}

// move puts a view in the place of the last one, and forgets those that were left before
// the interval. While clients are told to fetch all, one that looks at no hashcode keeps
// what it has: what was left is remembered for an interval after that.
func (h *history) move(v *view, now time.Time, interval time.Duration) {
	if v != h.view {
		h.left = append(h.left, leftView{h.view, now})
	}
	h.left = slices.DeleteFunc(h.left, func(left leftView) bool { return left.view == v || now.Sub(left.until) > interval })
	h.view, h.last = v, now
	for n := range h.left {
		if h.isChecked(now, interval) {
			h.left[n].until = now
		}
	}
}

// isChecked reports whether the clients at the address are told to fetch all.
func (h *history) isChecked(now time.Time, interval time.Duration) bool {
	return now.Sub(h.first)%(checkEvery*interval) <= interval
}

// forget forgets what was given to an address in a namespace: its clients get something
// else.
func (m *memory) forget(key addressKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addresses.drop(key)
}

// age begins a new generation where the present one has lasted for the interval.
func (m *memory) age() {
	now := m.now()
	if now.Sub(m.began) <= m.interval {
		return
	}
	m.began = now
	m.addresses.age()
	m.views.age()
	m.apps.age()
}

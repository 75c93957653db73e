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
	maxLeft      = 64      // views of an address within the interval, beside the last one
)

// wholeEvery is after how many intervals an address is sent the whole view once more.
const wholeEvery = 32

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
// have. The result is nil where that is not known. Within the first interval one of these
// is the view without instances: a client that comes with what it had from another node
// finds out by the hashcode of all. So does, every wholeEvery intervals, a client that
// was silent for longer than the interval while another at its address polled.
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
	before = []*view{v}
	for _, left := range h.left {
		before = append(before, left.view)
	}
	if now.Sub(h.first)%(wholeEvery*m.interval) <= m.interval {
		before = append(before, &view{})
	}
	return before
}

// move puts a view in the place of the last one, and forgets those that were left before
// the interval.
func (h *history) move(v *view, now time.Time, interval time.Duration) {
	if v != h.view {
		h.left = append(h.left, leftView{h.view, now})
	}
	h.left = slices.DeleteFunc(h.left, func(left leftView) bool { return left.view == v || now.Sub(left.until) > interval })
	h.view, h.last = v, now
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

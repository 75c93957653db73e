package eureka

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// applicationOf is an application with instances of these ids.
func applicationOf(revision string, ids ...string) []application {
	a := application{name: "APP", revision: revision}
	for _, id := range ids {
		a.instances = append(a.instances, &apiservice.Instance{Id: wrapperspb.String(id), Healthy: wrapperspb.Bool(true)})
	}
	return []application{a}
}

// Many addresses that poll share views, and are bounded. Those that are remembered stay
// so; the others get all each time. What nobody asks for is forgotten.
func TestMemoryIsBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	m := newMemory(time.Minute, func() time.Time { return now })
	v := m.view(applicationOf("1", "a", "b"))
	address := func(n int) addressKey {
		return addressKey{netip.AddrFrom16([16]byte{0x20, 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}), "default"}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	forgotten := testutil.ToFloat64(observe.EurekaForgotten)
	const polls = maxAddresses + 1000
	for n := range polls {
		m.give(address(n), m.view(applicationOf("1", "a", "b")))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d bytes for each of %d addresses", (after.HeapAlloc-before.HeapAlloc)/maxAddresses, maxAddresses)
	if got := testutil.ToFloat64(observe.EurekaForgotten) - forgotten; m.addresses.total != maxAddresses || got != 1000 {
		t.Errorf("%d addresses are remembered, %v were not, want %d and 1000", m.addresses.total, got, maxAddresses)
	}
	now = now.Add(m.interval)
	m.give(address(0), v)
	now = now.Add(1)
	if m.give(address(0), v) == nil || m.give(address(polls-1), v) != nil {
		t.Error("an address that was remembered is not, or the other way")
	}
	if m.views.total != 2 || m.apps.total != 3 {
		t.Errorf("views take %d cells and applications %d, want 2 and 3", m.views.total, m.apps.total)
	}
	for range 3 {
		now = now.Add(m.interval + 1)
		m.view(nil)
	}
	if m.addresses.total != 0 || m.apps.total != 0 {
		t.Errorf("after three intervals %d addresses and %d cells of applications are kept", m.addresses.total, m.apps.total)
	}
}

// A view for which there is no room is not remembered, nor is an address that goes through
// more views within the interval than the bound.
func TestViewsAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	m := newMemory(time.Minute, func() time.Time { return now })
	key := addressKey{netip.MustParseAddr("10.0.0.1"), "default"}
	nth := func(n int) *view { return m.view(applicationOf(fmt.Sprint(n), "a")) }
	for n := range maxLeft + 1 {
		if m.give(key, nth(n)); m.addresses.total != 1 {
			t.Fatalf("after %d views the address is not known", n+1)
		}
	}
	if m.give(key, nth(maxLeft+1)) != nil || m.addresses.total != 0 {
		t.Error("after the bound the address is still known")
	}
	m.give(key, nth(0))
	m.apps.total = maxCells
	if v := nth(maxLeft + 2); v.isKept || len(v.apps) != 1 || m.give(key, v) != nil || m.addresses.total != 0 {
		t.Error("a view is kept for which there is no room")
	}
}

// Of a name that a client makes up nothing is remembered, nor of a caller that cannot be
// told.
func TestNothingIsRememberedOfInventions(t *testing.T) {
	m := newMemory(time.Minute, time.Now)
	m.give(addressKey{netip.MustParseAddr("10.0.0.1"), "nowhere"}, m.view(nil))
	m.give(addressKey{netip.Addr{}, "default"}, m.view(applicationOf("1", "a")))
	if m.addresses.total != 0 {
		t.Errorf("%d addresses are remembered", m.addresses.total)
	}
}

// A delta has what changed within the interval, to the moment.
func TestInterval(t *testing.T) {
	now := time.Unix(1e9, 0)
	m := newMemory(time.Minute, func() time.Time { return now })
	key := addressKey{netip.MustParseAddr("10.0.0.1"), "default"}
	one, two := m.view(applicationOf("1", "a")), m.view(applicationOf("2", "b"))
	poll := func(after time.Duration, v *view) (names string) {
		now = now.Add(after)
		for _, old := range m.give(key, v) {
			names += map[*view]string{one: "one ", two: "two "}[old]
		}
		return names
	}
	for n, tt := range []struct {
		after time.Duration
		view  *view
		want  string
	}{
		{0, one, ""}, // not known
		{30 * time.Second, two, ""},
		{30 * time.Second, two, ""},
		{time.Minute, two, "two one "}, // an interval after clients were told to fetch all
		{1, two, "two "},
		{30 * time.Second, one, "one two "},
		{time.Second, two, "two one "},
		{time.Minute, two, "two one "},
		{1, two, "two "},
		{time.Minute + 1, two, ""},
		{time.Minute, two, ""},
		{1, one, "one two "},
	} {
		if got := poll(tt.after, tt.view); got != tt.want {
			t.Errorf("poll %d: clients can have %q, want %q", n, got, tt.want)
		}
	}
}

// Clients at an address are told to fetch all for an interval, and after checkEvery of them
// for another.
func TestClientsAreChecked(t *testing.T) {
	now := time.Unix(1e9, 0)
	m := newMemory(time.Minute, func() time.Time { return now })
	key := addressKey{netip.MustParseAddr("10.0.0.1"), "default"}
	v := m.view(applicationOf("1", "a"))
	var got []int // half minutes
	for n := range 2 * (checkEvery + 2) {
		if m.give(key, v) == nil {
			got = append(got, n)
		}
		now = now.Add(30 * time.Second)
	}
	if want := []int{0, 1, 2, 64, 65, 66}; !slices.Equal(got, want) {
		t.Errorf("told to fetch all at %d, want %d", got, want)
	}
}

// Many poll at once, while views change.
func TestMemoryConcurrently(t *testing.T) {
	m := newMemory(time.Microsecond, time.Now) // generations change, too
	var polls sync.WaitGroup
	for n := range 8 {
		polls.Go(func() {
			key := addressKey{netip.AddrFrom4([4]byte{10, 0, 0, byte(n / 2)}), "default"}
			for i := range 500 {
				v := m.view(applicationOf(fmt.Sprint(i%7), "a", fmt.Sprint(i%7)))
				if got := hashcode(instancesOf(v.blocks())); got != v.hashcode || got != "UP_2_" {
					t.Errorf("hashcode %s and %s", got, v.hashcode)
				}
				m.give(key, v)
				if i%50 == 0 {
					m.forget(key)
				}
			}
		})
	}
	polls.Wait()
}

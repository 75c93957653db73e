package router

import (
	"iter"
	"maps"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// fakePods is a source whose facts a test changes.
type fakePods struct {
	facts      map[netip.Addr]*location.Facts
	generation uint64
	asked      int
}

func (f *fakePods) Facts(addr netip.Addr) (location.Found, bool) {
	f.asked++
	facts, ok := f.facts[addr]
	if !ok {
		return location.Found{}, false
	}
	return facts.Found(), true
}
func (f *fakePods) Generation() uint64                          { return f.generation }
func (f *fakePods) All() iter.Seq2[netip.Addr, *location.Facts] { return maps.All(f.facts) }
func (f *fakePods) Status(time.Time) sources.Status             { return sources.Status{Addresses: len(f.facts)} }

func (f *fakePods) set(addr string, set location.SET) {
	f.facts[netip.MustParseAddr(addr)] = &location.Facts{Identity: location.Identity{SET: set}}
	f.generation++
}

// The list of a service follows the pods at its instances' hosts, and is made
// anew for nothing else.
func TestSnapshotFollowsPods(t *testing.T) {
	s, stock := newTestServer(t)
	pods := &fakePods{facts: map[netip.Addr]*location.Facts{}}
	s.views.Pods = view.Pods{Source: pods}
	for i, host := range []string{"10.7.0.1", "10.7.0.2", "10.7.0.3", "a-host"} {
		stock.cached[i].Host, stock.cached[i].Metadata = wrapperspb.String(host), nil
	}
	pods.set("10.7.0.1", "a.b.c")
	pods.set("10.7.0.2", "a.b.c")
	expect := func(what, want string, lists int) {
		t.Helper()
		if _, got := get(s, "10.1.0.1", "s", ""); got != want || stock.lists != lists {
			t.Errorf("%s: %s after %d lists, want %s after %d", what, got, stock.lists, want, lists)
		}
	}
	expect("two pods of the caller's SET", "200000 1 2", 1)
	pods.asked = 0
	expect("nothing has changed", "200000 1 2", 1)
	if pods.asked != 0 {
		t.Errorf("the source was asked %d times, want not at all", pods.asked)
	}
	pods.set("10.7.9.9", "a.b.c")
	expect("a pod that is no instance", "200000 1 2", 1)
	if pods.asked != 3 {
		t.Errorf("the source was asked %d times, want once for each host with an address", pods.asked)
	}
	pods.set("10.7.0.2", "a.b.d")
	expect("an instance's pod has another SET", "200000 1", 2)
	if changes := s.Changes("default/s"); len(changes) != 2 || changes[0].Why != "pods changed" {
		t.Errorf("changes %+v, want the last for pods changed", changes)
	}
}

func TestOpenPods(t *testing.T) {
	if pods, err := openPods(&serverconfig.Config{Sources: []string{"mapping"}}); pods.Source != nil || err != nil {
		t.Errorf("not configured: %v, %v, want neither", pods, err)
	}
	const want = `source "kubernetes" is not in this server, expected its package among the imports, as in registry.go`
	if _, err := openPods(&serverconfig.Config{Sources: []string{"kubernetes"}}); err == nil || err.Error() != want {
		t.Errorf("not compiled in: %v, want %s", err, want)
	}
}

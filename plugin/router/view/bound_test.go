package view

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// oldBound is a slow bound, which looks at all views each time.
type oldBound struct {
	limit int64
	views []*oldView // the least recently asked first
	since map[string]int
	born  int
}

type oldView struct {
	name, service, client string
	bytes                 int64
	idle                  int
}

// sums returns what the groups have.
func (o *oldBound) sums() (sums map[string]int64, all int64) {
	sums = map[string]int64{}
	for _, v := range o.views {
		sums["service "+v.service] += v.bytes
		if v.client != "" {
			sums["client "+v.client] += v.bytes
		}
		all += v.bytes
	}
	for group := range o.since {
		if sums[group] == 0 {
			delete(o.since, group)
		}
	}
	return sums, all
}

// note gives numbers to groups that have something since this view came.
func (o *oldBound) note(v *oldView) {
	for _, group := range []string{"service " + v.service, "client " + v.client} {
		if _, ok := o.since[group]; !ok && group != "client " {
			o.born++
			o.since[group] = o.born
		}
	}
}

// fit gives views away until there is room for a view that came, or grew.
func (o *oldBound) fit(v *oldView) {
	for {
		sums, all := o.sums()
		if all <= o.limit {
			return
		}
		largest := ""
		for group, bytes := range sums {
			if largest == "" || bytes > sums[largest] || bytes == sums[largest] && o.since[group] < o.since[largest] {
				largest = group
			}
		}
		in := func(v *oldView) bool { return largest == "service "+v.service || largest == "client "+v.client }
		victim := o.views[slices.IndexFunc(o.views, in)]
		if in(v) && victim.idle < staleTicks {
			victim = v
		}
		if o.remove(victim); victim == v {
			return
		}
	}
}

func (o *oldBound) remove(v *oldView) {
	o.views = slices.DeleteFunc(o.views, func(other *oldView) bool { return other == v })
	o.sums()
}

// The bound keeps what a slow one keeps, whatever comes, grows, rests and goes.
func TestBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := int64(rapid.IntRange(1, 12).Draw(t, "limit")) * viewBytes
		real, slow := &bound{limit: limit}, &oldBound{limit: limit, since: map[string]int{}}
		services, cells := make([]*kinds, 3), map[*cell]*oldView{}
		for n := range services {
			services[n] = newKinds()
		}
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			kept := slices.SortedFunc(func(yield func(*cell) bool) {
				for c, v := range cells {
					if slices.Contains(slow.views, v) && !yield(c) {
						return
					}
				}
			}, func(a, b *cell) int { return strings.Compare(string(a.kind.SETs), string(b.kind.SETs)) })
			switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
			case step < 5 || len(kept) == 0:
				service, client := rapid.IntRange(0, 2).Draw(t, "service"), rapid.SampledFrom([]string{"", "10.0.0.1", "10.0.0.2", "2001:db8::1"}).Draw(t, "client")
				c := &cell{kind: Kind{Route: route.Route{SETs: route.SETs(fmt.Sprintf("%03d", n))}}}
				services[service].cells.Store(c.kind, c)
				var addr netip.Addr
				if client != "" {
					addr = netip.MustParseAddr(client)
				}
				real.add(services[service], c, clientOf(addr))
				v := &oldView{name: string(c.kind.SETs), service: fmt.Sprint(service), client: client, bytes: viewBytes}
				cells[c], slow.views = v, append(slow.views, v)
				slow.note(v)
				slow.fit(v)
			case step == 5:
				c, more := rapid.SampledFrom(kept).Draw(t, "grows"), int64(rapid.IntRange(1, 2*viewBytes).Draw(t, "bytes"))
				real.grow(c, more)
				cells[c].bytes += more
				slow.fit(cells[c])
			case step == 6:
				c := rapid.SampledFrom(kept).Draw(t, "asked")
				c.use.idle.Store(0)
				real.asked([]*cell{c})
				v := cells[c]
				v.idle = 0
				slow.views = append(slices.DeleteFunc(slow.views, func(other *oldView) bool { return other == v }), v)
			case step == 7:
				for _, c := range kept {
					c.use.idle.Add(1)
					cells[c].idle++
				}
			case step == 8:
				c := rapid.SampledFrom(kept).Draw(t, "goes")
				real.drop(c)
				slow.remove(cells[c])
			default:
				service := rapid.IntRange(0, 2).Draw(t, "service")
				real.retire(services[service])
				services[service] = newKinds()
				for _, v := range slices.Clone(slow.views) {
					if v.service == fmt.Sprint(service) {
						slow.remove(v)
					}
				}
			}
			compareBounds(t, real, slow, cells)
		}
	})
}

// compareBounds compares what two bounds keep.
func compareBounds(t *rapid.T, real *bound, slow *oldBound, cells map[*cell]*oldView) {
	var got, want []string
	for c, v := range cells {
		if c.held.bytes > 0 {
			got = append(got, fmt.Sprint(v.name, " ", c.held.bytes))
		}
		if slices.Contains(slow.views, v) {
			want = append(want, fmt.Sprint(v.name, " ", v.bytes))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	sums, all := slow.sums()
	if !slices.Equal(got, want) || real.used != all || real.count != len(want) || len(real.largest) != len(sums) || real.used > real.limit {
		t.Fatalf("the bound keeps %v, %d bytes of %d in %d groups; want %v, %d bytes in %d groups", got, real.used, real.limit, len(real.largest), want, all, len(sums))
	}
}

// Neither a service with many kinds of callers nor a client that asks for everything pushes
// out what others use.
func TestBoundIsFair(t *testing.T) {
	const most = 100
	b := &bound{limit: most * viewBytes}
	n := 0
	add := func(k *kinds, client string) *cell {
		n++
		c := &cell{kind: Kind{Route: route.Route{SETs: route.SETs(fmt.Sprint(n))}}}
		k.cells.Store(c.kind, c)
		b.add(k, c, clientOf(netip.MustParseAddr(client)))
		return c
	}
	large := newKinds()
	for i := range 10 * most {
		add(large, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
	}
	if b.count != most || b.evicted != 0 {
		t.Errorf("one service has %d views, want %d; %d were given away", b.count, most, b.evicted)
	}
	var used []*cell
	for i := range 20 {
		used = append(used, add(newKinds(), fmt.Sprintf("10.2.0.%d", i)))
	}
	for i := range 10 * most {
		add(newKinds(), "10.3.0.1")                           // a client that asks for everything
		add(newKinds(), fmt.Sprintf("2001:db8:0:1::%x", i+1)) // and one with many addresses
		add(large, fmt.Sprintf("10.4.%d.%d", i/250, i%250))   // and more kinds of the large service
	}
	for i, c := range used {
		if c.held.bytes == 0 {
			t.Errorf("the view of caller %d is pushed out", i)
		}
	}
	shares := map[string]int{"service": large.group.cells.Len(), "client": b.clients[clientOf(netip.MustParseAddr("10.3.0.1"))].cells.Len(),
		"network": b.clients[clientOf(netip.MustParseAddr("2001:db8:0:1::1"))].cells.Len()}
	for who, share := range shares {
		if share < 26 || share > 27 {
			t.Errorf("the large %s has %d views of the 80 that are left, want a third: %v", who, share, shares)
		}
	}
}

// What the bound counts for a view is about what the view takes.
func TestViewSize(t *testing.T) {
	const views = 3000
	size := func(instances int) float64 {
		f := newFixture(t)
		f.rule.Nearby = &route.NearbyStage{Match: route.LevelZone, Max: route.LevelAll}
		f.stock.instances = make([]*apiservice.Instance, instances)
		for n := range instances {
			f.stock.set(n, "a.b.*", true, 100)
		}
		q, before := f.query("s"), heapInUse()
		for n := range views {
			at := location.Location{Region: "r", Zone: fmt.Sprint("z", n), Campus: "c"}
			if _, _, err := f.store.View(q, netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c", Location: at}}); err != nil {
				t.Fatal(err)
			}
		}
		taken := float64(heapInUse()-before) / views
		counted := float64(f.store.Kept().Bytes) / views
		t.Logf("%d instances: a view takes %.0f bytes, counted are %.0f", instances, taken, counted)
		if f.store.Kept().Views != views || taken < counted/2 || taken > counted*1.5 {
			t.Errorf("a view of %d instances takes %.0f bytes, counted are %.0f", instances, taken, counted)
		}
		return taken
	}
	one, many := size(1), size(201)
	t.Logf("an instance takes %.0f bytes", (many-one)/200)
}

// heapInUse returns what of the heap is in use.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

package router

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/manyrules"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// fixedServices is a service cache that knows one service, without the cost of
// a mock.
type fixedServices struct {
	cachetypes.ServiceCache
	service *model.Service
}

func (f fixedServices) GetServiceByName(string, string) *model.Service { return f.service }

func (f fixedServices) GetVisibleServicesInOtherNamespace(string, string) []*model.Service {
	return nil
}

// campuses is how many places each SET of a bench service is in.
const campuses = 27

// sizes of the services measured: instances and SETs.
var sizes = []struct{ instances, sets int }{{10000, 50}, {100000, 1000}}

// An unchanged poll: what routing adds to the stock server's own work, with one rule and
// among many.
func BenchmarkUnchangedPoll(b *testing.B) {
	s, stock := newBenchServer(b, 10000, 50)
	ctx := benchCaller(0, 0)
	for _, others := range []int{0, 1000, 10000} {
		rules := benchRules(b, others)
		s.rules = func() *route.Rules { return rules }
		first := askAs(s, 0, 0, "")
		b.Run(fmt.Sprintf("routed, %d other rules", others), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.instances(ctx, &apiservice.DiscoverFilter{}, askFor("s", first.Service.Revision.GetValue()))
			}
		})
	}
	b.Run("stock", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			stock.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, askFor("s", stock.revision))
		}
	})
}

// One instance changes: the snapshot after it, for the first caller who asks.
func BenchmarkChange(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size.instances), func(b *testing.B) {
			s, stock := newBenchServer(b, size.instances, size.sets)
			askAs(s, 0, 0, "")
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				stock.flip(n)
				askAs(s, 0, 0, "")
			}
		})
	}
}

// One instance changes: then every kind of caller asks, of all SETs in all
// campuses, with the revision that it has.
func BenchmarkChangeAllKinds(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size.instances), func(b *testing.B) {
			s, stock := newBenchServer(b, size.instances, size.sets)
			have := make([]string, size.sets*campuses)
			poll := func() {
				for kind := range have {
					if resp := askAs(s, kind/campuses, kind%campuses, have[kind]); resp.Code.GetValue() == 200000 {
						have[kind] = resp.Service.Revision.GetValue()
					}
				}
			}
			poll()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				stock.flip(n)
				poll()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(have)), "µs/caller")
		})
	}
}

// flip changes the health of one instance, as the server's cache does: another
// one takes its place.
func (s *stockServer) flip(n int) {
	i := n % len(s.cached)
	c := *s.cached[i]
	c.Healthy = wrapperspb.Bool(!c.Healthy.GetValue())
	s.cached[i], s.revision = &c, fmt.Sprint("r", n)
}

func benchCaller(set, campus int) context.Context {
	return caller.WithPeer(context.Background(), fmt.Sprintf("10.%d.%d.%d:5000", set>>8, set&255, 1+campus), nil)
}

func askAs(s *Server, set, campus int, revision string) *apiservice.DiscoverResponse {
	return s.instances(benchCaller(set, campus), &apiservice.DiscoverFilter{}, askFor("s", revision))
}

func askFor(name, revision string) *apiservice.Service {
	return &apiservice.Service{Name: wrapperspb.String(name), Namespace: wrapperspb.String("default"), Revision: wrapperspb.String(revision)}
}

// newBenchServer has one service, and a host of each SET in each campus.
// Instances and callers are on them.
func newBenchServer(b *testing.B, instances, sets int) (*Server, *stockServer) {
	s, stock := newTestServer(b)
	s.names.services = func() cachetypes.ServiceCache {
		return fixedServices{service: &model.Service{Name: "s", Namespace: "default"}}
	}
	var mapping strings.Builder
	mapping.WriteString("match,set,region,zone,campus\n")
	for set := range sets {
		for c := range campuses {
			fmt.Fprintf(&mapping, "10.%d.%d.%d,a.b%d.g%d,r%d,r%d-z%d,r%d-z%d-c%d\n", set>>8, set&255, 1+c, set/10, set, c/9, c/9, c/3, c/9, c/3, c)
		}
	}
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping.String())}}, &problems)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	rules := benchRules(b, 0)
	s.table, s.rules = func() *location.Table { return table }, func() *route.Rules { return rules }
	s.sources = []location.Source{location.TableSource{Table: s.table}}
	stock.cached = nil
	for n := range instances {
		set, campus := n%sets, n/sets%campuses
		i := stockInstance(fmt.Sprintf("10.%d.%d.%d", set>>8, set&255, 1+campus), "")
		i.Id, i.Port, i.Metadata = wrapperspb.String(fmt.Sprintf("%08x", uint32(n)*2654435761)), wrapperspb.UInt32(uint32(n)), nil
		stock.cached = append(stock.cached, i)
	}
	return s, stock
}

// benchRules has a rule for the service behind many rules for others.
func benchRules(b *testing.B, others int) *route.Rules {
	text := manyrules.File(others, "{name: r, service: default/s, set: {}, nearby: {}}")
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, time.Now(), &problems)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return rules
}

// Each request comes from another address: with -benchtime 10000000x the memory
// at the end shows that it is bounded.
func BenchmarkDistinctCallers(b *testing.B) {
	s, _ := newBenchServer(b, 10000, 50)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for n := range b.N {
		ip := netip.AddrFrom4([4]byte{byte(20 + n>>24), byte(n >> 16), byte(n >> 8), byte(n)})
		s.instances(caller.WithPeer(context.Background(), netip.AddrPortFrom(ip, 0).String(), nil), &apiservice.DiscoverFilter{}, askFor("s", ""))
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB-more")
	runtime.KeepAlive(s)
}

package router

import (
	"context"
	"fmt"
	"testing"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// fixedServices is a service cache that knows one service, without the cost of
// a mock.
type fixedServices struct {
	cachetypes.ServiceCache
	service *model.Service
}

func (f fixedServices) GetServiceByName(string, string) *model.Service { return f.service }

// An unchanged poll: what routing adds to the stock server's own work.
func BenchmarkUnchangedPoll(b *testing.B) {
	s, stock := newBenchServer(b, 10000)
	first := s.ServiceInstancesCache(withCaller(context.Background(), "10.1.0.1:5000", nil), &apiservice.DiscoverFilter{}, askFor("s", ""))
	revision := first.Service.Revision.GetValue()
	ctx := withCaller(context.Background(), "10.1.0.1:5000", nil)
	b.Run("routed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, askFor("s", revision))
		}
	})
	b.Run("stock", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			stock.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, askFor("s", stock.revision))
		}
	})
}

// A view of a service that has changed: the snapshot made anew, and one view.
func BenchmarkNewSnapshot(b *testing.B) {
	s, stock := newBenchServer(b, 10000)
	ctx := withCaller(context.Background(), "10.1.0.1:5000", nil)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		stock.revision = fmt.Sprint(n)
		s.ServiceInstancesCache(ctx, &apiservice.DiscoverFilter{}, askFor("s", ""))
	}
}

func askFor(name, revision string) *apiservice.Service {
	return &apiservice.Service{Name: wrapperspb.String(name), Namespace: wrapperspb.String("default"), Revision: wrapperspb.String(revision)}
}

func newBenchServer(b *testing.B, instances int) (*Server, *stockServer) {
	s, stock := newTestServer(b)
	services := fixedServices{service: &model.Service{Name: "s", Namespace: "default"}}
	s.services = func() cachetypes.ServiceCache { return services }
	stock.cached = nil
	for n := range instances {
		stock.cached = append(stock.cached, stockInstance(fmt.Sprintf("10.%d.%d.%d", 100+n>>16, n>>8&255, n&255), fmt.Sprintf("a.b.g%d", n%50)))
	}
	return s, stock
}

package router

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang/mock/gomock"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	cachemock "github.com/polarismesh/polaris/cache/mock"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// stockServer answers for one service as the stock server does: copies of what
// it caches, in no certain order, whose metadata is shared.
type stockServer struct {
	service.DiscoverServer
	mu       sync.Mutex
	name     string
	revision string
	cached   []*apiservice.Instance
	refuse   bool
	lists    int // answers with a list
}

func (s *stockServer) ServiceInstancesCache(_ context.Context, _ *apiservice.DiscoverFilter, req *apiservice.Service) *apiservice.DiscoverResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refuse:
		return api.NewDiscoverResponse(apimodel.Code_NotAllowedAccess)
	case req.GetName().GetValue() != s.name:
		return api.NewDiscoverInstanceResponse(apimodel.Code_NotFoundResource, req)
	case req.GetRevision().GetValue() == s.revision:
		return api.NewDiscoverInstanceResponse(apimodel.Code_DataNoChange, req)
	}
	s.lists++
	resp := api.NewDiscoverInstanceResponse(apimodel.Code_ExecuteSuccess, &apiservice.Service{
		Name: req.Name, Namespace: req.Namespace, Revision: wrapperspb.String(s.revision),
	})
	for _, i := range s.cached {
		c := *i
		resp.Instances = append(resp.Instances, &c)
	}
	slices.Reverse(s.cached)
	return resp
}

func stockInstance(id, set string) *apiservice.Instance {
	return &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String(id), Port: wrapperspb.UInt32(80), Weight: wrapperspb.UInt32(100),
		Healthy: wrapperspb.Bool(true), Metadata: map[string]string{"set-group": set},
	}
}

func newTestServer(t testing.TB) (*Server, *stockServer) {
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(`
version: 1
rules: [{name: r, service: [default/s, default/made-up-*], set: {}}]
addresses: [{service: default/lane, target: default/s, set: {callee: a.b.d}}]
`)}}, time.Now(), &problems)
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n10.1.0.0/16,a.b.c\n10.2.0.0/16,a.b.d\n")}}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	services := cachemock.NewMockServiceCache(gomock.NewController(t))
	services.EXPECT().GetServiceByName(gomock.Any(), gomock.Any()).DoAndReturn(func(name, namespace string) *model.Service {
		if name != "s" {
			return nil
		}
		return &model.Service{Name: name, Namespace: namespace}
	}).AnyTimes()
	services.EXPECT().GetVisibleServicesInOtherNamespace(gomock.Any(), gomock.Any()).Return(nil).AnyTimes()
	stock := &stockServer{name: "s", revision: "1", cached: []*apiservice.Instance{
		stockInstance("1", "a.b.c"), stockInstance("2", "a.b.d"), stockInstance("3", "a.b.*"), stockInstance("4", "x.y.z"),
	}}
	return &Server{
		stock: stock, stockWithoutAuth: stock, config: &serverconfig.Config{FailOpen: true},
		table: func() *location.Table { return table }, rules: func() *route.Rules { return rules },
		sources: []location.Source{location.TableSource{Table: func() *location.Table { return table }}},
		names:   names{services: func() cachetypes.ServiceCache { return services }},
		views:   view.NewStore(time.Now, view.Pods{}, 1<<30),
	}, stock
}

// get asks as a caller, and returns the code and the ids in their order.
func get(s *Server, addr, name, revision string) (resp *apiservice.DiscoverResponse, summary string) {
	resp = s.instances(caller.WithPeer(context.Background(), addr+":5000", nil), &apiservice.DiscoverFilter{},
		&apiservice.Service{Name: wrapperspb.String(name), Namespace: wrapperspb.String("default"), Revision: wrapperspb.String(revision)})
	var ids []string
	for _, i := range resp.Instances {
		ids = append(ids, i.Id.GetValue())
	}
	return resp, fmt.Sprintf("%d %s", resp.Code.GetValue(), strings.Join(ids, " "))
}

func TestUnchangedPollBuildsNoList(t *testing.T) {
	s, stock := newTestServer(t)
	selected := 0
	s.views.Decide = func(r route.Route, callee *route.Callee, ownService []route.Instance, before route.Memory, now time.Time) (route.Decision, []route.Member, route.Memory) {
		selected++
		return r.Settle(callee, ownService, before, now)
	}
	first, got := get(s, "10.1.0.1", "s", "")
	if got != "200000 1" {
		t.Fatalf("got %s", got)
	}
	revision := first.Service.Revision.GetValue()
	for range 5 {
		for _, caller := range []string{"10.1.0.1", "10.1.0.2"} {
			if _, got := get(s, caller, "s", revision); got != "200001 " {
				t.Fatalf("got %s", got)
			}
		}
	}
	// A change in another SET: one more list, and nothing to select for this caller.
	i := slices.IndexFunc(stock.cached, func(i *apiservice.Instance) bool { return i.Id.GetValue() == "2" })
	stock.revision, stock.cached[i] = "2", stockInstance("2", "a.b.d")
	stock.cached[i].Healthy = wrapperspb.Bool(false)
	if _, got := get(s, "10.1.0.1", "s", revision); got != "200001 " {
		t.Errorf("after a change in another SET: %s", got)
	}
	if stock.lists != 2 || selected != 1 {
		t.Errorf("%d lists and %d selections, want 2 and one", stock.lists, selected)
	}
}

func TestRefusedCallerLearnsNothing(t *testing.T) {
	s, stock := newTestServer(t)
	get(s, "10.1.0.1", "s", "") // the view is there
	stock.refuse = true
	for _, name := range []string{"s", "lane"} {
		resp, got := get(s, "10.1.0.1", name, "")
		if got != fmt.Sprintf("%d ", apimodel.Code_NotAllowedAccess) || resp.Service != nil || resp.AliasFor != nil {
			t.Errorf("%s: %s, %v", name, got, resp)
		}
	}
}

// A fault in routing, here a panic, never takes discovery down.
func TestFailure(t *testing.T) {
	s, _ := newTestServer(t)
	s.views.Decide = func(route.Route, *route.Callee, []route.Instance, route.Memory, time.Time) (route.Decision, []route.Member, route.Memory) {
		panic("a bug")
	}
	before := testutil.ToFloat64(observe.Failures)
	resp, got := get(s, "10.1.0.1", "s", "")
	ids := strings.Fields(got)[1:]
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"1", "2", "3", "4"}) || resp.Service.Revision.GetValue() != "1" {
		t.Errorf("failed open: %s", got)
	}
	if _, got := get(s, "10.1.0.1", "lane", ""); len(strings.Fields(got)) != 5 {
		t.Errorf("a lane address failed open: %s, want its target's stock answer", got)
	}
	name := route.Service{Namespace: "default", Name: "s"}
	if roads, err := s.Roads(netip.MustParseAddr("10.1.0.1"), name); roads != nil || err != nil {
		t.Errorf("roads failed open: %v, %v, want neither: the stock list", roads, err)
	}
	s.config.FailOpen = false
	if roads, err := s.Roads(netip.MustParseAddr("10.1.0.1"), name); roads != nil || err != ErrNoList {
		t.Errorf("roads failed closed: %v, %v, want %v", roads, err, ErrNoList)
	}
	resp, got = get(s, "10.1.0.1", "s", "")
	if got != "500000 " || resp.Service.GetName().GetValue() != "s" {
		t.Errorf("failed closed: %s for %v", got, resp.Service)
	}
	resp, got = get(s, "10.1.0.1", "s", "the one before")
	if got != "200001 " || resp.Service.GetName().GetValue() != "s" || resp.Service.GetRevision().GetValue() != "the one before" {
		t.Errorf("failed closed, with a list: %s for %v", got, resp.Service)
	}
	if n := testutil.ToFloat64(observe.Failures) - before; n != 6 {
		t.Errorf("%v failures counted, want 6", n)
	}
}

// A request without a service gets an error of its type, with and without rules.
func TestRequestWithoutService(t *testing.T) {
	s, _ := newTestServer(t)
	for range 2 {
		resp := s.instances(t.Context(), &apiservice.DiscoverFilter{}, nil)
		if resp.GetCode().GetValue() != uint32(apimodel.Code_EmptyRequest) || resp.GetType() != apiservice.DiscoverResponse_INSTANCE {
			t.Errorf("the answer is %v", resp)
		}
		s.rules = nil
	}
}

// brokenSource is an identity source with a bug.
type brokenSource struct{}

func (brokenSource) Facts(netip.Addr) (location.Found, bool) { panic("a bug in a source") }

// A fault that comes before anything is known of the caller costs the routing
// only: a service and a lane address have the stock answer, the latter its
// target's.
func TestBrokenIdentitySource(t *testing.T) {
	for _, test := range []struct {
		failOpen bool
		want     map[string]string // by name: code and how many instances
	}{
		{true, map[string]string{"s": "200000 4", "lane": "200000 4", "nowhere": "400202 0"}},
		{false, map[string]string{"s": "500000 0", "lane": "500000 0", "nowhere": "500000 0"}},
	} {
		s, _ := newTestServer(t)
		s.sources, s.config.FailOpen = []location.Source{brokenSource{}}, test.failOpen
		for name, want := range test.want {
			resp, _ := get(s, "10.1.0.1", name, "")
			if got := fmt.Sprint(resp.Code.GetValue(), " ", len(resp.Instances)); got != want {
				t.Errorf("failOpen %t, %s: %s, want %s", test.failOpen, name, got, want)
			}
			if resp.Service.GetName().GetValue() != name {
				t.Errorf("failOpen %t: %s is answered as %v", test.failOpen, name, resp.Service)
			}
		}
	}
}

// A lane address with the name of a working service never takes that service
// away when its target cannot be read.
func TestAddressWithoutATarget(t *testing.T) {
	s, stock := newTestServer(t)
	for _, rollout := range []string{"mode: shadow", "rollout: {percent: 1, by: weight}", "rollout: {percent: 100}"} {
		var problems strict.Problems
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\naddresses: [{service: default/s, target: default/gone, set: {callee: a.b.d}, " + rollout + "}]")}}, time.Now(), &problems)
		if rules == nil {
			t.Fatal(problems.Err())
		}
		s.rules = func() *route.Rules { return rules }
		if _, got := get(s, "10.1.0.1", "s", ""); len(strings.Fields(got)) != 5 {
			t.Errorf("%s: %s, want the stock answer", rollout, got)
		}
		e, err := s.Explain(world.Request{Addr: netip.MustParseAddr("10.1.0.1"), Service: route.Service{Namespace: "default", Name: "s"}})
		if err != nil || e.Answer != explain.AnswerStock || e.Sent != 4 || e.Why != string(route.WhyNoTarget) {
			t.Errorf("%s: explained %v, %+v", rollout, err, e)
		}
	}
	stock.refuse = true
	if _, got := get(s, "10.1.0.1", "s", ""); got != fmt.Sprintf("%d ", apimodel.Code_NotAllowedAccess) {
		t.Errorf("refused: %s", got)
	}
}

// An evacuation ends by itself, with no change of any file or instance, and
// callers go back after the hold-down.
func TestEvacuationEnds(t *testing.T) {
	s, _ := newTestServer(t)
	begin := time.Now()
	var problems strict.Problems
	until := begin.Add(time.Hour).UTC().Format(time.RFC3339)
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [{name: r, service: default/s, set: {}}]\nevacuate: [{set: a.b.c, until: " + until + "}]")}}, begin, &problems)
	if rules == nil {
		t.Fatal(problems.Err())
	}
	s.rules = func() *route.Rules { return rules }
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "200000 3"}, {2 * time.Hour, "200000 3"}, {2*time.Hour + route.DefaultHoldDown, "200000 1"}} {
		s.views.Now = func() time.Time { return begin.Add(step.after) }
		if _, got := get(s, "10.1.0.1", "s", ""); got != step.want {
			t.Errorf("after %s: %s, want %s", step.after, got, step.want)
		}
	}
	changes := s.Changes("")
	if len(changes) != 2 || changes[0].Why != "an earlier road was chosen for the hold-down" || changes[0].Change != "narrowed" {
		t.Errorf("changes %+v, want the last for the hold-down", changes)
	}
}

// One evacuation ends at the moment at which another begins.
func TestEvacuationFollowsAnother(t *testing.T) {
	s, _ := newTestServer(t)
	begin := time.Now().UTC().Truncate(time.Second)
	at := func(hours int) string { return begin.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [{name: r, service: default/s, set: {tiers: [own, siblings]}, degrade: {holdDown: 0s}}]\n" +
		"evacuate: [{set: a.b.c, until: " + at(1) + "}, {set: \"a.b.*\", from: " + at(1) + ", until: " + at(2) + "}]")}}, begin, &problems)
	if rules == nil {
		t.Fatal(problems.Err())
	}
	s.rules = func() *route.Rules { return rules }
	for _, step := range []struct {
		caller string
		after  time.Duration
		want   string
	}{
		{"10.1.0.1", 0, "200000 2 3"},
		{"10.2.0.1", 0, "200000 2"},
		{"10.1.0.1", time.Hour, "200000 1"},
	} {
		s.views.Now = func() time.Time { return begin.Add(step.after) }
		if _, got := get(s, step.caller, "s", ""); got != step.want {
			t.Errorf("%s after %s: %s, want %s", step.caller, step.after, got, step.want)
		}
	}
}

// The metadata of the service that is read meet a condition: for an alias they are those
// of its source.
func TestMetadataOfAnAlias(t *testing.T) {
	services := cachemock.NewMockServiceCache(gomock.NewController(t))
	source := &model.Service{ID: "1", Name: "s", Namespace: "default", Meta: map[string]string{"of": "source"}}
	services.EXPECT().GetServiceByName("alias", "default").Return(&model.Service{ID: "2", Name: "alias", Namespace: "default", Reference: "1", Meta: map[string]string{"of": "alias"}})
	services.EXPECT().GetServiceByID("1").Return(source)
	got := names{services: func() cachetypes.ServiceCache { return services }}.find(route.Service{Namespace: "default", Name: "alias"})
	if want := map[string]string{"of": "source"}; !maps.Equal(got.Metadata, want) || len(got.Read) != 1 {
		t.Errorf("metadata %v of %v, want %v", got.Metadata, got.Read, want)
	}
}

// What is shared with the stock server's cache is never written.
func TestCachedInstancesStayAsTheyAre(t *testing.T) {
	s, stock := newTestServer(t)
	resp, _ := get(s, "10.1.0.1", "s", "")
	if got := resp.Instances[0].Metadata; !maps.Equal(got, map[string]string{"set-group": "a.b.c", "internal-set-name": "a.b.c", "internal-enable-set": "Y"}) {
		t.Errorf("sent metadata %v", got)
	}
	for _, i := range stock.cached {
		if len(i.Metadata) != 1 || i.Location != nil || i.Service != nil {
			t.Errorf("cached instance %v was written", i)
		}
	}
}

// Many callers at once, while the service changes: each gets its own list.
// For the race detector, too.
func TestConcurrentCallers(t *testing.T) {
	s, stock := newTestServer(t)
	var wg sync.WaitGroup
	for n := range 8 {
		caller, want := "10.1.0.1", "1"
		if n%2 == 1 {
			caller, want = "10.2.0.1", "2"
		}
		wg.Go(func() {
			for range 200 {
				if _, got := get(s, caller, "s", ""); got != "200000 "+want {
					t.Errorf("%s got %s, want %s", caller, got, want)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 200 {
			stock.mu.Lock()
			stock.revision = fmt.Sprint("r", n)
			stock.mu.Unlock()
		}
	})
	wg.Wait()
}

// After a change, however many callers come at once, the list is asked for once,
// and each view is built once.
func TestOneListForAllAfterAChange(t *testing.T) {
	s, stock := newTestServer(t)
	var selected atomic.Int32
	s.views.Decide = func(r route.Route, callee *route.Callee, ownService []route.Instance, before route.Memory, now time.Time) (route.Decision, []route.Member, route.Memory) {
		selected.Add(1)
		return r.Settle(callee, ownService, before, now)
	}
	s.names.revision = func(string) string {
		stock.mu.Lock()
		defer stock.mu.Unlock()
		return stock.revision
	}
	get(s, "10.1.0.1", "s", "")
	for n := range 20 {
		stock.mu.Lock()
		stock.revision, stock.lists = fmt.Sprint("r", n), 0
		for i, old := range stock.cached {
			stock.cached[i] = stockInstance(old.Id.GetValue(), old.Metadata["set-group"])
			stock.cached[i].Weight = wrapperspb.UInt32(uint32(1 + n))
		}
		stock.mu.Unlock()
		selected.Store(0)
		var wg sync.WaitGroup
		for c := range 32 {
			wg.Go(func() { get(s, fmt.Sprintf("10.%d.0.1", 1+c%2), "s", "") })
		}
		wg.Wait()
		if stock.lists != 1 || selected.Load() != 2 {
			t.Fatalf("%d lists and %d selections, want one list and one view of each SET", stock.lists, selected.Load())
		}
	}
}

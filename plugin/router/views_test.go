package router

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A view that could not be built does not stand in the way of the next one.
func TestFaultPasses(t *testing.T) {
	s, stock := newTestServer(t)
	decide := s.views.Decide
	s.views.Decide = func(route.Route, *route.Callee, []route.Instance, route.Memory, time.Time) (route.Decision, []route.Member, route.Memory) {
		panic("a bug")
	}
	if _, got := get(s, "10.1.0.1", "s", ""); len(strings.Fields(got)) != 5 {
		t.Fatalf("%s, want the stock answer", got)
	}
	s.views.Decide, stock.revision = decide, "2"
	stock.cached[0].Weight = wrapperspb.UInt32(7)
	if _, got := get(s, "10.1.0.1", "s", ""); got != "200000 1" {
		t.Errorf("after the fault: %s", got)
	}
}

// churn is a server whose instances and files change at random.
type churn struct {
	server *Server
	stock  *stockServer
	table  *location.Table
	rules  *route.Rules
	pods   *fakePods
	now    time.Time
	ids    int
	steps  int
}

var churnTables = []string{
	"10.1.0.0/16,a.b.c,r,r-1\n10.2.0.0/16,a.b.d,r,r-2\n10.3.0.0/16,x.y.z,r,r-1\n",
	"10.1.0.0/16,a.b.c,r,r-1\n10.1.0.7,a.b.*,r,r-2\n10.2.0.0/16,a.b.d,r,r-1\n10.3.0.0/16,x.y.*,q,q-1\n",
}

var churnRules = []string{
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {}, nearby: {}}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {tiers: [own, siblings, business]}, onEmpty: all}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, nearby: {}}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {}, rollout: {percent: 30, by: weight}}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {}}]\nevacuate: [{set: a.b.c, until: TOMORROW}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {}}]\nevacuate: [{set: a.b.e, until: TOMORROW}]",
	"rules: [{name: r, service: default/s, degrade: {holdDown: 0s}, set: {tiers: [siblings]}}]\nevacuate: [{set: a.b.c, until: TOMORROW}]",
}

// load changes the mapping, the routing files or both; a number below 0 is none.
func (c *churn) load(t interface{ Fatal(...any) }, table, rules int) {
	var problems strict.Problems
	if table >= 0 {
		c.table = location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set,region,zone\n" + churnTables[table])}}, &problems)
	}
	if rules >= 0 {
		text := strings.ReplaceAll(churnRules[rules], "TOMORROW", c.now.AddDate(0, 0, 1).Format(time.RFC3339))
		c.rules = route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + text)}}, c.now, &problems)
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	c.inForce(c.server)
}

var churnSETs = []string{"a.b.c", "a.b.e", "a.b.*", "x.y.z", "none"}

func (c *churn) inForce(s *Server) {
	s.table, s.rules = func() *location.Table { return c.table }, func() *route.Rules { return c.rules }
	s.views.Pods = view.Pods{Source: c.pods}
	s.sources = []location.Source{location.TableSource{Table: s.table}, c.pods}
	s.views.Now = func() time.Time { return c.now }
}

// changePod gives an address, of an instance or of a caller, to another pod or
// to none.
func (c *churn) changePod(t *rapid.T) {
	addr := fmt.Sprintf("10.%d.0.%d", rapid.SampledFrom([]int{1, 4, 4, 9}).Draw(t, "network"), rapid.SampledFrom([]int{1, 6, 7, 8}).Draw(t, "host"))
	set := rapid.SampledFrom([]location.SET{"", "a.b.c", "a.b.e", "x.y.z"}).Draw(t, "SET")
	c.pods.set(addr, set)
	if set == "" {
		delete(c.pods.facts, netip.MustParseAddr(addr))
	}
}

// change does one thing that happens to instances.
func (c *churn) change(t *rapid.T) {
	n := 0
	if len(c.stock.cached) > 0 {
		n = rapid.IntRange(0, len(c.stock.cached)-1).Draw(t, "instance")
	}
	switch what := rapid.SampledFrom([]string{"add", "remove", "health", "weight", "SET", "again"}).Draw(t, "what"); {
	case what == "add" || n >= len(c.stock.cached):
		c.ids++
		i := stockInstance(fmt.Sprintf("id%d", c.ids*7%100), "")
		i.Metadata = map[string]string{"set-group": rapid.SampledFrom(churnSETs).Draw(t, "SET")}
		i.Host = wrapperspb.String(fmt.Sprintf("10.%d.0.%d", rapid.SampledFrom([]int{1, 2, 3, 4, 4, 4}).Draw(t, "network"), rapid.IntRange(6, 8).Draw(t, "host")))
		c.stock.cached = append(c.stock.cached, i)
	case what == "remove":
		c.stock.cached = append(c.stock.cached[:n:n], c.stock.cached[n+1:]...)
	default:
		i := *c.stock.cached[n]
		i.Id = wrapperspb.String(i.Id.GetValue()) // "again": a record read once more
		switch what {
		case "health":
			i.Healthy = wrapperspb.Bool(!i.Healthy.GetValue())
		case "weight":
			i.Weight = wrapperspb.UInt32(rapid.SampledFrom([]uint32{0, 50, 100}).Draw(t, "weight"))
		case "SET":
			i.Metadata = map[string]string{"set-group": rapid.SampledFrom(churnSETs).Draw(t, "SET")}
		}
		c.stock.cached[n] = &i
	}
	c.steps++
	c.stock.revision = fmt.Sprint("r", c.steps)
}

// However instances and files change, callers get the list, under the revision,
// that a server that just started would give them.
func TestViewsAreThoseOfAFreshServer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { viewsAreThoseOfAFreshServer(t, rt) })
}

func viewsAreThoseOfAFreshServer(t *testing.T, rt *rapid.T) {
	c := &churn{pods: &fakePods{facts: map[netip.Addr]*location.Facts{}}, now: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.server, c.stock = newTestServer(t)
	c.stock.cached = nil
	c.load(rt, 0, 0)
	for range rapid.IntRange(1, 60).Draw(rt, "steps") {
		switch rapid.IntRange(0, 9).Draw(rt, "step") {
		case 0, 1:
			c.load(rt, rapid.IntRange(-1, len(churnTables)-1).Draw(rt, "table"), rapid.IntRange(-1, len(churnRules)-1).Draw(rt, "rules"))
		case 2, 3:
			c.changePod(rt)
		case 4:
			c.now = c.now.AddDate(0, 0, 2)
		default:
			c.change(rt)
		}
		fresh, _ := newTestServer(t)
		fresh.stock, fresh.stockWithoutAuth = c.stock, c.stock
		c.inForce(fresh)
		for _, addr := range []string{"10.1.0.1", "10.1.0.7", "10.2.0.1", "10.3.0.1", "10.9.0.1"} {
			if rapid.IntRange(0, 2).Draw(rt, "asks") == 0 {
				continue
			}
			a, got := get(c.server, addr, "s", "")
			b, want := get(fresh, addr, "s", "")
			if got != want || a.GetService().GetRevision().GetValue() != b.GetService().GetRevision().GetValue() {
				rt.Fatalf("%s: %s %v\na fresh server: %s %v", addr, got, a.Service.Revision, want, b.Service.Revision)
			}
			roads, want := roadsOf(rt, c.server, addr), roadsOf(rt, fresh, addr)
			if roads != want {
				rt.Fatalf("%s: roads %s\na fresh server: %s", addr, roads, want)
			}
			if first, _, _ := strings.Cut(roads, ";"); first != "stock" && "200000 "+first != got {
				rt.Fatalf("%s: the first of the roads %s is not the list %s", addr, roads, got)
			}
			e, err := c.server.Explain(world.Request{Addr: netip.MustParseAddr(addr), Service: route.Service{Namespace: "default", Name: "s"}})
			if err != nil || sentBy(e) != sentIn(a) {
				rt.Fatalf("%s: explained %s, %v, and sent %s", addr, sentBy(e), err, sentIn(a))
			}
		}
	}
}

// roadsOf returns the ids in the priorities of a caller of default/s.
func roadsOf(t interface{ Fatal(...any) }, s *Server, addr string) string {
	roads, err := s.Roads(netip.MustParseAddr(addr), route.Service{Namespace: "default", Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if roads == nil {
		return "stock"
	}
	var priorities []string
	for _, p := range roads.Priorities {
		var ids []string
		for _, i := range p.Instances {
			ids = append(ids, i.GetId().GetValue())
		}
		priorities = append(priorities, strings.Join(ids, " "))
	}
	return strings.Join(priorities, ";")
}

// A service that goes while its name is visible from another namespace, and
// comes back: the list is never the one of before, nor the other service's.
func TestServiceGoesAndComesBack(t *testing.T) {
	s, stock := newTestServer(t)
	there := true
	exists := fixedServices{service: &model.Service{Name: "s", Namespace: "default"}}
	s.names.services = func() cachetypes.ServiceCache {
		if there {
			return exists
		}
		return fixedServices{}
	}
	for n, step := range []struct {
		there     bool
		instances []string
	}{{true, []string{"1"}}, {false, []string{"11"}}, {false, []string{"21"}}, {true, []string{"31"}}, {true, []string{"41", "42"}}} {
		there, stock.revision, stock.cached = step.there, fmt.Sprint("r", n), nil
		for _, id := range step.instances {
			stock.cached = append(stock.cached, stockInstance(id, "a.b.c"))
		}
		for range 2 {
			if _, got := get(s, "10.1.0.1", "s", ""); got != "200000 "+strings.Join(step.instances, " ") {
				t.Errorf("step %d: %s, want %q", n, got, step.instances)
			}
		}
	}
}

// everywhereServices is a cache in which a lane address is visible from any
// namespace.
type everywhereServices struct{ fixedServices }

func (everywhereServices) GetVisibleServicesInOtherNamespace(name, _ string) []*model.Service {
	return []*model.Service{{Name: name, Namespace: "default"}}
}

// Namespaces that a client thinks of keep nothing.
func TestInventedNamespacesKeepNothing(t *testing.T) {
	s, stock := newTestServer(t)
	s.names.services = func() cachetypes.ServiceCache { return everywhereServices{} }
	for n := range 5 {
		stock.lists = 0
		for range 2 {
			req := askFor("lane", "")
			req.Namespace = wrapperspb.String(fmt.Sprint("invented", n))
			resp := s.instances(caller.WithPeer(context.Background(), "10.1.0.1:5000", nil), &apiservice.DiscoverFilter{}, req)
			if resp.Code.GetValue() != 200000 || len(resp.Instances) != 1 {
				t.Errorf("code %d with %d instances, want the lane's", resp.Code.GetValue(), len(resp.Instances))
			}
		}
		if stock.lists != 2 {
			t.Errorf("two requests were answered from %d lists, want a list for each: nothing is kept", stock.lists)
		}
	}
}

// Lists that hold routed and other instances by weight are in the order of ids,
// too.
func TestBlendedListIsInOrder(t *testing.T) {
	s, _ := newTestServer(t)
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [{name: r, service: default/s, set: {}, rollout: {percent: 30, by: weight}}]")}}, time.Now(), &problems)
	s.rules = func() *route.Rules { return rules }
	if _, got := get(s, "10.2.0.1", "s", ""); got != "200000 1 2 3 4" {
		t.Errorf("a.b.d, which is instance 2, gets %s", got)
	}
}

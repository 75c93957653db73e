package view

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/polarismesh/polaris/common/api/v1"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	routerapi "github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// stock is a stock server with instances of one service.
type stock struct {
	code      apimodel.Code // in place of an answer; 0: answer
	revision  string
	metadata  map[string]string // of the service
	instances []*apiservice.Instance
}

func (s *stock) Revision(route.Service) string { return s.revision }

func (s *stock) Answer(source route.Service, revision string) *apiservice.DiscoverResponse {
	service := &apiservice.Service{Namespace: wrapperspb.String(source.Namespace), Name: wrapperspb.String(source.Name), Revision: wrapperspb.String(s.revision), Metadata: s.metadata}
	switch {
	case s.code != 0:
		return api.NewDiscoverInstanceResponse(s.code, service)
	case revision == s.revision:
		return api.NewDiscoverInstanceResponse(apimodel.Code_DataNoChange, service)
	}
	resp := api.NewDiscoverInstanceResponse(apimodel.Code_ExecuteSuccess, service)
	for _, i := range s.instances {
		c := *i
		resp.Instances = append(resp.Instances, &c)
	}
	return resp
}

// set puts an instance of a SET in the place of another one, under a new
// revision.
func (s *stock) set(n int, set location.SET, healthy bool, weight uint32) {
	id := fmt.Sprint(n + 1)
	s.instances[n] = &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String(id), Port: wrapperspb.UInt32(80), Weight: wrapperspb.UInt32(weight),
		Healthy: wrapperspb.Bool(healthy), Metadata: map[string]string{"set-group": string(set)},
	}
	s.revision += "x"
}

// fixture is a store, and one service under a rule with a SET stage.
type fixture struct {
	*testing.T
	store *Store
	stock *stock
	rule  *route.Rule
	rules *route.Rules
}

func newFixture(t *testing.T) *fixture {
	rule := &route.Rule{
		Name: "r", SET: &route.SETStage{Tiers: []route.Tier{route.TierOwn, route.TierPool}},
		Degrade: route.Degrade{UnhealthyPercent: 100, MinUsable: 1},
	}
	f := &fixture{t, NewStore(time.Now, Pods{}, 1<<30), &stock{revision: "1", instances: make([]*apiservice.Instance, 4)}, rule, &route.Rules{}}
	for n, set := range []location.SET{"a.b.c", "a.b.d", "a.b.*", "x.y.z"} {
		f.stock.set(n, set, true, 100)
	}
	return f
}

func (f *fixture) query(name string) *Query {
	service := route.Service{Namespace: "default", Name: name}
	return &Query{Resolved: route.Resolved{Name: route.Name{Service: service, Exists: true}}, Kept: true, Rules: f.rules, Stock: f.stock}
}

// ask asks for the list of a SET, and returns its ids.
func (f *fixture) ask(q *Query, set location.SET) string {
	f.Helper()
	v, refused, err := f.store.View(q, netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: route.SETs(set)}})
	switch {
	case err != nil:
		f.Fatal(err)
	case refused != nil:
		return refused.GetInfo().GetValue()
	}
	var ids []string
	for _, i := range v.Answer.Instances {
		ids = append(ids, i.GetId().GetValue())
	}
	return strings.Join(ids, " ")
}

func (f *fixture) kept() (snapshots, gates, changes int) {
	f.store.snapshots.Range(func(any, any) bool { snapshots++; return true })
	f.store.gates.Range(func(any, any) bool { gates++; return true })
	return snapshots, gates, len(f.store.changes.kinds)
}

// Names that are not kept keep nothing, and what no request would use goes.
func TestSnapshotsAreBounded(t *testing.T) {
	f := newFixture(t)
	if got := f.ask(f.query("s"), "a.b.c"); got != "1" {
		t.Fatalf("the list is %q", got)
	}
	invented := f.query("invented")
	invented.Kept = false
	if got := f.ask(invented, "a.b.c"); got != "1" {
		t.Fatalf("the list of an invented name is %q", got)
	}
	for range idleTicks + 1 {
		f.store.Prune()
	}
	if snapshots, gates, _ := f.kept(); snapshots != 1 || gates != 1 {
		t.Errorf("%d snapshots and %d gates, want those of the name that is kept", snapshots, gates)
	}
	f.store.Prune()
	if snapshots, gates, _ := f.kept(); snapshots+gates != 0 {
		t.Errorf("%d snapshots and %d gates that nobody asks for", snapshots, gates)
	}
}

// Services that do not exist keep nothing; services that a caller may not read
// keep no more than a gate, until the next look.
func TestRefusalsKeepNothing(t *testing.T) {
	f := newFixture(t)
	f.stock.code = apimodel.Code_NotFoundResource
	for n := range 1000 {
		f.ask(f.query(fmt.Sprint("s", n)), "a.b.c")
	}
	if snapshots, gates, changes := f.kept(); snapshots+gates+changes != 0 {
		t.Errorf("not found: %d snapshots, %d gates and %d kinds of callers are kept", snapshots, gates, changes)
	}
	f.stock.code = apimodel.Code_NotAllowedAccess
	f.ask(f.query("s"), "a.b.c")
	f.store.Prune()
	if snapshots, gates, changes := f.kept(); snapshots+gates+changes != 0 {
		t.Errorf("refused: %d snapshots, %d gates and %d kinds of callers are kept", snapshots, gates, changes)
	}
}

// What callers of whom nothing is known get of several businesses is counted, also where
// the client has the list.
func TestEveryBusinessIsCounted(t *testing.T) {
	f := newFixture(t)
	f.rule.Name = t.Name()
	gives := func(unknown route.Unknown, set location.SET, businesses int) bool {
		t.Helper()
		f.rule.SET.Unknown = unknown
		f.stock.revision += "."
		f.stock.set(3, []location.SET{"x.y.z", "a.y.z"}[2-businesses], true, 100)
		v, _, err := f.store.View(f.query("s"), netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: route.SETs(set)}})
		if err != nil {
			t.Fatal(err)
		}
		v.CountSent()
		v.CountUnchanged()
		return v.GivesEveryBusiness
	}
	for _, tt := range []struct {
		unknown    route.Unknown
		set        location.SET
		businesses int
		want       bool
	}{
		{route.UnknownAll, "", 2, true}, {route.UnknownAll, "", 1, false}, {route.UnknownAll, "a.b.c", 2, false}, {route.UnknownAll, "a", 2, false},
		{route.UnknownUnset, "", 2, false}, {route.UnknownNone, "", 2, false},
	} {
		f.store = NewStore(time.Now, Pods{}, 1<<30)
		if got := gives(tt.unknown, tt.set, tt.businesses); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
	}
	if n := testutil.ToFloat64(observe.EveryBusiness.WithLabelValues(t.Name())); n != 2 {
		t.Errorf("counted %v, want 2", n)
	}
}

// An empty list says why it is empty, and has a revision of its own for each
// reason.
func TestEmptyListSaysWhy(t *testing.T) {
	f := newFixture(t)
	f.rule.SET.Unknown = route.UnknownNone
	revisions := map[string]bool{}
	for set, want := range map[location.SET]string{
		"":      `the list is empty: the caller's SET is not known, and rule "r" gives nothing to such callers (unknown: none)`,
		"a.q.c": `the list is empty: rule "r" has no instance for a.q.c in -, tiers own, pool`,
	} {
		q := f.query("s")
		v, _, err := f.store.View(q, netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: route.SETs(set)}})
		if err != nil || len(v.Answer.Instances) != 0 {
			t.Fatalf("%q: %v, %v", set, v, err)
		}
		if got := v.Answer.GetInfo().GetValue(); got != want || v.Answer.GetCode().GetValue() != 200000 {
			t.Errorf("%q: %q, want %q", set, got, want)
		}
		revisions[v.Revision] = true
	}
	for n, set := range []location.SET{"a.b.c", "a.b.d", "a.b.*"} {
		f.stock.set(n, set, false, 100)
	}
	healthy := Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c"}, OnlyHealthy: true}
	v, _, err := f.store.View(f.query("s"), netip.Addr{}, healthy)
	if err != nil {
		t.Fatal(err)
	}
	revisions[v.Revision] = true
	const want = `the list is empty: the request asks for healthy instances only, and rule "r" has none for a.b.c in -, tiers own, pool`
	if got := v.Answer.GetInfo().GetValue(); got != want || len(v.Answer.Instances) != 0 {
		t.Errorf("%q with %d instances, want %q", got, len(v.Answer.Instances), want)
	}
	if len(revisions) != 3 {
		t.Errorf("revisions %v, want one for each reason", revisions)
	}
}

// Where a rule has a nearby stage, the answer lacks the switch that makes SDKs
// narrow the list once more. The service that others share keeps it.
func TestNearbySwitch(t *testing.T) {
	f := newFixture(t)
	f.stock.metadata = map[string]string{"internal-enable-nearby": "true", "k": "v"}
	answer := func(nearby *route.NearbyStage) *View {
		rule := *f.rule
		rule.Nearby = nearby
		v, _, err := f.store.View(f.query("s"), netip.Addr{}, Kind{Route: route.Route{Rule: &rule, SETs: "a.b.c"}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	plain, nearby := answer(nil), answer(&route.NearbyStage{Match: route.LevelAll, Max: route.LevelAll})
	if got := plain.Answer.Service.Metadata; !maps.Equal(got, f.stock.metadata) {
		t.Errorf("without a nearby stage: %v", got)
	}
	if got := nearby.Answer.Service.Metadata; !maps.Equal(got, map[string]string{"k": "v"}) {
		t.Errorf("with a nearby stage: %v", got)
	}
	if plain.Revision == nearby.Revision {
		t.Errorf("two contents have the revision %s", plain.Revision)
	}
}

// The views are bounded, whatever callers report, and views that nobody asks for go.
func TestViewsAreBounded(t *testing.T) {
	const most = 1000
	f := newFixture(t)
	f.store = NewStore(time.Now, Pods{}, most*(viewBytes+instanceBytes))
	q := f.query("s")
	ask := func(n int) { f.ask(q, location.SET(fmt.Sprintf("a.b.c%d", n))) }
	for n := range most + 100 {
		ask(n)
	}
	if got := f.store.Kept(); got.Views != most || got.Bytes != got.Limit || got.Refused != 100 || got.Evicted != 0 {
		t.Errorf("%+v, want %d views, and 100 that are not kept", got, most)
	}
	for range idleTicks + 2 {
		ask(7)
		f.store.Prune()
	}
	if n := f.store.Kept().Views; n != 1 {
		t.Errorf("%d views are kept, want the view that is asked for", n)
	}
}

// A caller whose list is not kept is told of without it, and what is gone takes no room.
func TestViewsThatAreNotKept(t *testing.T) {
	f := newFixture(t)
	f.store = NewStore(time.Now, Pods{}, 0)
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1")
	list, _ := f.store.Asked()
	if len(list) != 1 || list[0].Sent != 1 || list[0].Listed || list[0].Instances != nil {
		t.Errorf("%+v", list)
	}
	f.store = NewStore(time.Now, Pods{}, 1<<30)
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1")
	if list, _ := f.store.Asked(); len(list) != 1 || !list[0].Listed || len(list[0].Instances) != 1 {
		t.Errorf("%+v", list)
	}
	f.rules = &route.Rules{} // other rules: the views of those before are gone
	f.askAs("s", f.rule, "a.b.c", "10.0.0.1")
	if got := f.store.Kept(); got.Views != 1 || len(f.store.bound.clients) != 1 || len(f.store.bound.largest) != 2 {
		t.Errorf("%+v, groups of %d clients, %d groups", got, len(f.store.bound.clients), len(f.store.bound.largest))
	}
	f.stock.code = apimodel.Code_NotFoundResource
	f.store.View(f.query("s"), netip.Addr{}, Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c"}})
	if got := f.store.Kept(); got.Views != 0 || got.Bytes != 0 || len(f.store.bound.clients) != 0 || len(f.store.bound.largest) != 0 {
		t.Errorf("%+v of a service that is gone", got)
	}
}

// Each change of a view is noted once, with its reason; a look at the view is no
// change.
func TestChangesAreNoted(t *testing.T) {
	f := newFixture(t)
	q := f.query("s")
	f.ask(q, "a.b.c")
	f.ask(q, "a.b.c")
	f.stock.set(1, "a.b.d", false, 100) // in another SET
	f.ask(q, "a.b.c")
	f.stock.set(0, "a.b.c", false, 100)
	f.ask(q, "a.b.c")
	got := ""
	for _, c := range f.store.Changes("default/s") {
		got += fmt.Sprintf("%s %s: %s, %s; ", c.Kind, c.Change, c.Why, c.After)
	}
	const want = "a.b.c in - widened: instances changed, 1/1 routed r pool; a.b.c in - first: asked for the first time, 1/1 routed r own; "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list := f.store.Changes("default/other"); len(list) != 0 {
		t.Errorf("changes of another service: %v", list)
	}
	for n := range 2 * maxChanges {
		f.stock.set(2, "a.b.*", true, uint32(n+1))
		f.ask(q, "a.b.c")
	}
	if n := len(f.store.Changes("")); n != maxChanges {
		t.Errorf("%d changes kept, want %d", n, maxChanges)
	}
}

// The log of changes forgets some kind of callers before it holds more than its
// bound: clients report places, so that they decide how many kinds there are.
func TestLoggedKindsAreBounded(t *testing.T) {
	var log changeLog
	rule := &route.Rule{Name: "r"}
	for n := range maxLoggedKinds + 100 {
		kind := Kind{Route: route.Route{Rule: rule, Location: location.Location{Region: fmt.Sprint("region-", n)}}}
		v := &View{Answer: &apiservice.DiscoverResponse{}, Revision: "1"}
		log.note(route.Service{Namespace: "default", Name: "s"}, kind, v, &Snapshot{instances: &instances{}}, "", time.Time{})
	}
	if n := len(log.kinds); n != maxLoggedKinds {
		t.Errorf("%d kinds are kept, want %d", n, maxLoggedKinds)
	}
}

func TestNameChange(t *testing.T) {
	for _, tt := range []struct {
		before, after, widening int
		state                   route.State
		want                    string
	}{
		{3, 2, 0, route.StateFirst, "changed"},
		{3, 1, 1, route.StateWidened, "widened"},
		{3, 1, -1, route.StateFirst, "narrowed"},
		{3, 0, 1, route.StateEmpty, "emptied"},
		{0, 3, -1, route.StateFirst, "refilled"},
		{3, 0, 1, route.StateShadow, "shadow"},
		{3, 1, 1, route.StateShadow, "shadow"},
		{3, 0, 1, route.StateUnknown, "unknown"},
	} {
		if got := nameChange(&explain.State{Instances: tt.before}, explain.State{Instances: tt.after}, tt.state, tt.widening); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt, got, tt.want)
		}
	}
}

// What the metadata of an instance say of its place and SET is what the decision
// used.
func TestIdentityInMetadata(t *testing.T) {
	type meta = map[string]string
	shenzhen := location.Location{Region: "south", Zone: "sz"}
	for _, tt := range []struct {
		name         string
		before, want meta
		place        location.Location
		set          location.SET
	}{
		{"nothing is said and nothing known", nil, nil, location.Location{}, ""},
		{"a SET that was not registered", nil, meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y"}, location.Location{}, "a.b.c"},
		{"the same SET", meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y", "k": "v"}, meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y", "k": "v"}, location.Location{}, "a.b.c"},
		{"the same SET, not enabled", meta{"internal-set-name": "a.b.c"}, meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y"}, location.Location{}, "a.b.c"},
		{"another SET", meta{"internal-set-name": "x.y.z", "internal-enable-set": "Y"}, meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y"}, location.Location{}, "a.b.c"},
		{"a SET that is switched off", meta{"internal-set-name": "a.b.c", "internal-enable-set": "N"}, meta{"internal-set-name": "a.b.c", "internal-enable-set": "Y"}, location.Location{}, "a.b.c"},
		{"a name that is no SET name", meta{"internal-set-name": "blue", "k": "v"}, meta{"k": "v"}, location.Location{}, ""},
		{"another place", meta{"region": "north", "zone": "bj", "campus": "bj-1"}, meta{"region": "south", "zone": "sz", "campus": ""}, shenzhen, ""},
		{"a place that was not registered", meta{"k": "v"}, meta{"region": "south", "zone": "sz", "campus": "", "k": "v"}, shenzhen, ""},
		{"no place is known", meta{"region": "of the team's own"}, meta{"region": "of the team's own"}, location.Location{}, ""},
	} {
		before := maps.Clone(tt.before)
		if got := withIdentity(tt.before, tt.place, tt.set); !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if !maps.Equal(tt.before, before) {
			t.Errorf("%s: the registered metadata were written", tt.name)
		}
	}
}

// A view is good for later snapshots that change nothing which it depends on,
// and Peek shows what View would send without keeping it.
func TestPeekKeepsNothing(t *testing.T) {
	f := newFixture(t)
	q := f.query("s")
	f.ask(q, "a.b.c")
	f.stock.set(0, "a.b.c", false, 100)
	snap, _, err := f.store.Snapshot(q, q.Source())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		v, err := f.store.Peek(snap, Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c"}}, nil)
		if err != nil || v.Decision.Tier() != "pool" {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if list := f.store.Changes(""); len(list) != 1 {
		t.Errorf("%d changes, want the first list only", len(list))
	}
	if got := f.ask(q, "a.b.c"); got != "3" || !slices.ContainsFunc(f.store.Changes(""), func(c routerapi.Change) bool { return c.Change == "widened" }) {
		t.Errorf("then the list is %q", got)
	}
}

package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

const randomMapping = `match,region,zone,campus,set
10.1.0.0/16,r,z,c,a.b.c
10.2.0.0/16,r,y,,a.b.*
10.3.0.0/16,q,,,x.y.z
10.4.0.0/16,r,z,,
10.5.0.0/16,,,,a.b.d
`

var callerAddrs = []string{"10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1", "10.5.0.1", "10.9.0.1", "10.1.0.77"}

// drawRules makes routing files that ask for everything: tiers, levels, degrade,
// rollouts of both kinds, shadow, addresses, evacuations.
func drawRules(t *rapid.T) string {
	pick := func(name string, words ...string) string { return rapid.SampledFrom(words).Draw(t, name) }
	stages := pick("set", "", "set: {}, ", "set: {tiers: [own, pool, siblings, unset]}, ", "set: {required: true}, ", `set: {caller: "a.b.{caller.set.3}"}, `) +
		pick("nearby", "", "nearby: {}, ", "nearby: {matchLevel: campus, maxMatchLevel: region}, ", "nearby: {strict: true}, ") +
		pick("degrade", "", "degrade: {by: absent}, ", "degrade: {unhealthyPercent: 50}, ") +
		pick("onEmpty", "", "onEmpty: all, ") + pick("mode", "", "", "mode: shadow, ")
	rollout := pick("rollout", "percent: 100", "percent: 0", "percent: 50", "percent: 30, by: weight", "percent: 100, by: weight")
	when := pick("when", "", `when: {set: "a.*"}, `, "when: {region: r}, ")
	evacuate := pick("evacuate", "", "evacuate: [{zone: r/z, until: 2026-11-25T00:00:00Z}]\n", "evacuate: [{set: a.b.c, until: 2026-11-23T00:00:00Z}, {region: r, until: 2026-11-24T12:00:00Z}]\n")
	return fmt.Sprintf("version: 1\nrules: [{name: r, service: default/s, %s%srollout: {%s}}]\n", when, stages, rollout) +
		fmt.Sprintf("addresses: [{service: default/lane, target: default/s, set: {callee: a.b.c}, rollout: {%s}}]\n", rollout) + evacuate
}

func drawInstances(t *rapid.T) []*apiservice.Instance {
	var out []*apiservice.Instance
	for n := range rapid.IntRange(0, 8).Draw(t, "instances") {
		i := stockInstance(fmt.Sprintf("10.%d.0.%d", rapid.IntRange(1, 7).Draw(t, "net"), n), rapid.SampledFrom([]string{"", "", "a.b.c", "a.b.d", "a.b.*", "x.y.z", "bad"}).Draw(t, "set"))
		i.Healthy, i.Isolate = wrapperspb.Bool(rapid.IntRange(0, 2).Draw(t, "healthy") > 0), wrapperspb.Bool(rapid.IntRange(0, 5).Draw(t, "isolate") == 0)
		i.Weight = wrapperspb.UInt32(rapid.Uint32Range(0, 300).Draw(t, "weight"))
		if rapid.Bool().Draw(t, "located") {
			i.Location = &apimodel.Location{Region: wrapperspb.String("r"), Zone: wrapperspb.String("z"), Campus: wrapperspb.String("c")}
		}
		out = append(out, i)
	}
	return out
}

// Explanations and answers never disagree, whatever the files, the instances
// and the caller; nor does the decision over a dump of the same state.
func TestExplainAgreesWithDiscovery(t *testing.T) { rapid.Check(t, explainAgreesWithDiscovery(t)) }

func explainAgreesWithDiscovery(t *testing.T) func(*rapid.T) {
	server, stock := newTestServer(t)
	noon := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(randomMapping)}}, &problems)
	server.table = func() *location.Table { return table }
	server.sources = []location.Source{location.TableSource{Table: server.table}}
	return func(t *rapid.T) {
		var problems strict.Problems
		text := drawRules(t)
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, noon, &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err, text)
		}
		server.rules = func() *route.Rules { return rules }
		// What callers of the draw before hold, they would hold for ever at noon.
		server.views = view.NewStore(func() time.Time { return noon }, view.Pods{}, 1<<30)
		instances := drawInstances(t)
		w := &world.World{Rules: rules, Table: table, Now: noon, Sources: []string{location.SourceMapping}, Instances: worldInstances(instances)}
		stock.cached, stock.revision = instances, stock.revision+"x"

		addr := rapid.SampledFrom(callerAddrs).Draw(t, "caller")
		name := rapid.SampledFrom([]string{"s", "lane"}).Draw(t, "service")
		resp, _ := get(server, addr, name, "")
		q := world.Request{Addr: netip.MustParseAddr(addr), Service: route.Service{Namespace: "default", Name: name}}
		e, err := server.Explain(q)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sentBy(e), sentIn(resp); got != want {
			t.Fatalf("explained %q, sent %q\n%s", got, want, text)
		}
		if got := resp.Service.Revision.GetValue(); strings.HasPrefix(got, "setrouter-") != (e.Revision != "") || e.Revision != "" && got != e.Revision {
			t.Fatalf("revision %q, sent %q\n%s", e.Revision, got, text)
		}
		if got, want := sentBy(w.Explain(q)), sentIn(resp); got != want {
			t.Fatalf("offline %q, sent %q\n%s", got, want, text)
		}
		for _, i := range e.Instances {
			if e.Answer != explain.AnswerStock && !i.Chosen && i.LeftOut == "" {
				t.Fatalf("no reason for %+v\n%s", i, text)
			}
		}
	}
}

func worldInstances(list []*apiservice.Instance) []world.Instance {
	var out []world.Instance
	for _, i := range list {
		out = append(out, world.Instance{
			ID: i.Id.GetValue(), Service: route.Service{Namespace: "default", Name: "s"}, Host: i.Host.GetValue(), Port: i.Port.GetValue(),
			Location: wire.FromProto(i.Location), Metadata: i.Metadata, Healthy: i.Healthy.GetValue(), Isolate: i.Isolate.GetValue(), Weight: i.Weight.GetValue(),
		})
	}
	return out
}

func sentBy(e explain.Explanation) string {
	var out []string
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, fmt.Sprint(i.ID, ":", i.Weight))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func sentIn(resp *apiservice.DiscoverResponse) string {
	var out []string
	for _, i := range resp.Instances {
		out = append(out, fmt.Sprint(i.Id.GetValue(), ":", i.Weight.GetValue()))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// An explanation names a registered SET that does not count, also when the snapshot of
// the service was renewed for another instance.
func TestExplainNamesIgnoredSETs(t *testing.T) {
	s, stock := newTestServer(t)
	off := stockInstance("5", "a.b")
	off.Metadata = map[string]string{location.MetaSetName: "a.b.c", location.MetaSetEnable: "N"}
	stock.cached = append(stock.cached, stockInstance("6", "a.b"), off)
	check := func(step, want string) {
		t.Helper()
		e, err := s.Explain(world.Request{Addr: netip.MustParseAddr("10.1.0.1"), Service: route.Service{Namespace: "default", Name: "s"}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range e.Instances {
			for _, sentence := range i.Ignored {
				got = append(got, i.ID+": "+sentence)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	both := "5: SET name \"a.b.c\" is switched off by internal-enable-set \"N\"\n6: SET name \"a.b\" has 2 segments, expected three: business.area.group"
	check("first", both)
	stock.flip(0)
	check("another instance changed", both)
	repaired := *off
	repaired.Revision, repaired.Metadata = wrapperspb.String("2"), map[string]string{location.MetaSetName: "a.b.c", location.MetaSetEnable: "y"}
	stock.cached[len(stock.cached)-1] = &repaired
	stock.flip(1)
	check("one is repaired", strings.TrimPrefix(both, strings.Split(both, "\n")[0]+"\n"))
}

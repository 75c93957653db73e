package route

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// A fileDraw draws the text of a routing file.
type fileDraw struct{ *rapid.T }

// one draws one of some texts.
func (d fileDraw) one(label string, texts ...string) string {
	return rapid.SampledFrom(texts).Draw(d.T, label)
}

// rule draws the keys of a rule behind its name and service.
func (d fileDraw) rule(isAddress bool) string {
	var b strings.Builder
	add := func(format, value string) {
		if value != "" {
			fmt.Fprintf(&b, format, value)
		}
	}
	if !isAddress {
		when := d.one("set", "", "", "set: '*', ", "set: 'a.*', ", "set: a.b.c, ", "set: '?.b.[*]', ") + d.one("region", "", "", "region: r1, ", "region: '', ") +
			d.one("zone", "", "", "zone: z1, ") + d.one("campus", "", "", "campus: c1, ") + d.one("lane", "", "", "labels: {lane: gray}, ") +
			d.one("ip", "", "", "ip: 10.0.0.2/31, ", "ip: [10.0.0.1-10.0.0.6], ", "ip: [fd00::/16, 10.0.0.7], ") +
			d.one("metadata", "", "", "serviceMetadata: {tier: gold}, ")
		add(", when: {%s}", when)
	}
	stage := d.one("stage", "set", "nearby", "both", "none")
	if isAddress || stage == "set" || stage == "both" {
		b.WriteString(", set: {" + d.setStage(isAddress) + "}")
	}
	if stage == "nearby" || stage == "both" {
		add(", nearby: {%s}", d.one("levels", "", "", "matchLevel: campus", "maxMatchLevel: campus", "matchLevel: zone, maxMatchLevel: region", "matchLevel: all",
			"places: m", "matchLevel: region, places: m", "matchLevel: none, places: m", "strict: true", "strict: false")+" ")
	}
	add(", order: [%s]", d.one("order", "", "", "set, nearby", "nearby, set"))
	add(", degrade: {%s}", d.one("degrade", "", "", "by: absent", "by: unhealthy", "tiersBy: absent", "minUsable: 2", "minUsable: 50%", "unhealthyPercent: 50, holdDown: 3s",
		"by: absent, tiersBy: absent"))
	add(", onEmpty: %s", d.one("onEmpty", "", "", "all", "empty"))
	add(", mode: %s", d.one("mode", "", "", "", "shadow", "enforce"))
	add(", rollout: {%s}", d.one("rollout", "", "", "percent: 0", "percent: 33.33", "percent: 50, by: caller", "percent: 0.01, by: weight", "by: weight"))
	return b.String()
}

// setStage draws the keys of a SET stage. An address has a SET to route as.
func (d fileDraw) setStage(isAddress bool) string {
	as := []string{
		"caller: 'x.{caller.set.2|alias}.y', ", "caller: '{caller.set}', ", "caller: '{caller.region|alias}.{caller.label.lane}.{caller.zone}', ",
		"caller: 'a.b.*', ", "callee: e.f.g, ", "callee: 'a.b.{caller.set.3}', ", "callers: ['a.{each}.{caller.set.3}', '{caller.set}'], ",
		"callers: ['{each}.{each}.{caller.zone|alias}', 'a.b.{caller.label.lane}'], ", "callers: ['{caller.set.1}.{each}.c', 'x.{each}.y'], ",
	}
	if !isAddress {
		as = append(as, "", "")
	}
	return d.one("as", as...) + d.one("tiers", "", "", "tiers: [own], ", "tiers: [own, business, unset], ", "tiers: [unset, all], ", "tiers: [pool, siblings], ") +
		d.one("unknown", "", "", "unknown: all", "unknown: unset", "unknown: none", "required: true")
}

// defaults draws `defaults`.
func (d fileDraw) defaults() string {
	keys := d.one("default set", "", "set: {unknown: none}, ", "set: {tiers: [own, all], unknown: unset}, ") +
		d.one("default nearby", "", "nearby: {maxMatchLevel: region}, ", "nearby: {places: m, matchLevel: none}, ", "nearby: {strict: true, places: m}, ") +
		d.one("default order", "", "order: [nearby, set], ") + d.one("default onEmpty", "", "onEmpty: all, ") +
		d.one("default degrade", "", "degrade: {by: absent}", "degrade: {minUsable: 2, unhealthyPercent: 40}", "degrade: {tiersBy: absent, holdDown: 0s}")
	if keys == "" {
		return ""
	}
	return "defaults: {" + keys + "}\n"
}

// routingFile draws a routing file with a lane address.
func (d fileDraw) routingFile() string {
	text := "version: 1\naliases: {b: bb, r1: a, c: \"*\"}\n" + d.defaults() +
		"places: {m: {r1: [r2, campus], r1/z1: [zone, [r2/z1, r1/z2]], '*': [r1/z1, all]}}\nrules:\n"
	for n := range rapid.IntRange(1, 5).Draw(d.T, "rules") {
		var services []string
		for range rapid.IntRange(1, 2).Draw(d.T, "services") {
			services = append(services, d.one("service", "default/s", "default/*", "'*/s'", "'d?fault/s.*'", "Polaris/*", "Polaris/p", "other/alias", "'*/*'",
				"{namespace: default, name: s}", "{namespace: other, name: 'a*'}"))
		}
		text += fmt.Sprintf("  - {name: r%d, service: [%s]%s}\n", n, strings.Join(services, ", "), d.rule(false))
	}
	return text + "addresses:\n  - {service: default/lane, target: default/s" + d.rule(true) + "}\n"
}

func FuzzRoute(f *testing.F) {
	fuzztest.AddNoise(f, 8000)
	f.Fuzz(func(t *testing.T, input []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) { routeAgreesWithOracle(t, rt) })(t, input)
	})
}

func TestRouteAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { routeAgreesWithOracle(t, rt) })
}

// routeAgreesWithOracle reads a file, finds the rule of a request and decides, as the
// oracle does.
func routeAgreesWithOracle(t *testing.T, rt *rapid.T) {
	text := fileDraw{rt}.routingFile()
	rules := mustLoad(t, text)
	instances := rapid.SliceOfN(someInstance, 0, 8).Draw(rt, "instances")
	for n := range instances {
		instances[n].Evacuated = false // the file evacuates nothing
	}
	world := worldOf(t, text, instances)

	caller := location.Identity{Location: location.Location{Region: "r1", Zone: "z1", Campus: "c1"}.Cut(rapid.IntRange(0, 3).Draw(rt, "depth"))}
	said := slow.Identity{Place: placeOf(caller.Location)}
	switch sets := rapid.SampledFrom([]string{"", "a.b.c", "a.b.*", "a.e.c", "f.b.c", "a.b.c a.b.d", "a.b.c f.b.c"}).Draw(rt, "caller sets"); {
	case strings.Contains(sets, " "):
		for _, set := range strings.Fields(sets) {
			caller.SETs, said.SETs = append(caller.SETs, location.SET(set)), append(said.SETs, set)
		}
	case sets != "":
		caller.SET, said.SETs = location.SET(sets), []string{sets}
	}
	if value := rapid.SampledFrom([]string{"", "gray", "blue", "no!", "a.b"}).Draw(rt, "lane"); value != "" {
		caller.Labels = map[string]string{"lane": value}
		said.Labels = caller.Labels
	}
	addr := rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("fd00::1")}).Draw(rt, "addr")
	someService := rapid.SampledFrom([]Service{{"default", "s"}, {"default", "s.t"}, {"default", "lane"}, {"Polaris", "p"}, {"Polaris", "q"}, {"other", "alias"}, {"other", "s"}})
	name := Name{Service: someService.Draw(rt, "asked")}
	var read []slow.Service
	for range rapid.IntRange(0, 2).Draw(rt, "reads") {
		name.Read = append(name.Read, someService.Draw(rt, "read"))
		read = append(read, slow.Service(name.Read[len(name.Read)-1]))
	}
	if really := append(name.Read, name.Service)[0]; really == (Service{"default", "s"}) {
		name.Metadata = map[string]string{"tier": "gold"}
	}
	req := Request{Addr: addr, Caller: caller, Resolved: rules.Resolve(name)}
	route, why := rules.Route(req, nil)
	if traced, whyTraced := rules.Route(req, &Trace{}); traced != route || whyTraced != why {
		rt.Fatalf("%+v: %+v %q by the index, %+v %q by looking at every rule", req, route, why, traced, whyTraced)
	}
	callee := NewCallee(instances)
	if really := append(name.Read, name.Service)[0]; req.Address == nil && really != (Service{"default", "s"}) {
		callee = NewCallee(nil)
	}
	got := string(why)
	if route.Rule != nil {
		got = fmt.Sprint(route.Rule.Name, " ", why)
	}
	if why == WhyRouted || why == WhyShadowed {
		got += fmt.Sprint(route.setsFor(callee), route.Rule.Degrade.HoldDown, textOf(route.Select(callee)))
	}
	if want := textOfCase(world.AskAs(addr, said, slow.Service(name.Service), read)); got != want {
		rt.Fatalf("%+v\ngot    %q\noracle %q\n%s%+v", req, got, want, text, instancesOf(instances))
	}
}

// worldOf returns a world of the oracle in which default/s has instances.
func worldOf(t *testing.T, routingFile string, instances []Instance) *slow.World {
	dump := map[string]any{
		"routing":  []slow.File{{Name: "f.yaml", Content: routingFile}},
		"services": []any{map[string]any{"namespace": "default", "name": "s", "metadata": map[string]string{"tier": "gold"}}},
	}
	var registered []slow.Registered
	for _, i := range instances {
		registered = append(registered, slow.Registered{
			Service: slow.Service{Namespace: "default", Name: "s"}, Location: slow.Location(i.Location),
			Metadata: map[string]string{"internal-set-name": string(i.SET)}, Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight,
		})
	}
	dump["instances"] = registered
	data, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	w, err := slow.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// textOfCase returns what the oracle says of a request: the rule, why the answer is the
// stock answer, and the decision.
func textOfCase(c slow.Case) string {
	why := map[string]Why{"no rule": WhyNoRule, "no stages": WhyNoStages, "rolled out": WhyRolledOut, "shadow": WhyShadowed, "": WhyRouted}[c.Why]
	if why == WhyNoRule {
		return string(why)
	}
	text := fmt.Sprint(c.Rule.Name, " ", why)
	if why == WhyRouted || why == WhyShadowed {
		text += fmt.Sprint(c.SETs, c.Rule.Degrade.HoldDown, textOfChoices(c.Rule.Decide(c.SETs, c.Place, c.All, nil, time.Time{})))
	}
	return text
}

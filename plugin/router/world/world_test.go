package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

var now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

const mapping = `match,region,zone,campus,set
10.1.0.0/16,south,sz,,qb.novel.z
10.2.0.0/16,east,sh,,qb.novel.h
10.3.0.0/16,east,nj,,
`

func load(t *testing.T, mapping, routing string) (*location.Table, *route.Rules) {
	t.Helper()
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping)}}, &problems)
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + routing)}}, now, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return table, rules
}

func instance(service, host, set string, usable bool) world.Instance {
	i := world.Instance{Service: service2(service), ID: host, Host: host, Port: 80, Healthy: usable, Weight: 100, Metadata: map[string]string{}}
	if set != "" {
		i.Metadata["set-group"] = set
	}
	return i
}

func service2(name string) route.Service { return route.Service{Namespace: "default", Name: name} }

func newWorld(t *testing.T, routing string) *world.World {
	table, rules := load(t, mapping, routing)
	return &world.World{
		Rules: rules, Table: table, Now: now,
		Instances: []world.Instance{
			instance("s", "10.1.0.1", "", true), instance("s", "10.2.0.1", "", true), instance("s", "10.3.0.1", "ams.x.y", true),
			instance("near", "10.1.0.1", "", true), instance("near", "10.2.0.1", "", true), instance("near", "10.3.0.1", "", true),
		},
		Seen: []world.Seen{{Addr: netip.MustParseAddr("10.1.0.9"), Requests: 30}, {Addr: netip.MustParseAddr("10.9.0.9"), Requests: 10}},
	}
}

const both = "rules: [{name: s, service: default/s, set: {}}, {name: near, service: default/near, nearby: {}}]"

func TestWho(t *testing.T) {
	var text bytes.Buffer
	newWorld(t, both).Who(service2("s"), "").Write(&text, 0)
	want := `"default/s"

routed, rule s: 3 instances
  for - in -; - in east/nj (1 asked lately)
  10.1.0.1:80  qb.novel.z in south/sz  usable
  10.2.0.1:80  qb.novel.h in east/sh   usable
  10.3.0.1:80  ams.x.y in east/nj      usable

routed, rule s, tier own: 1 instance
  for qb.novel.h in east/sh (0 asked lately)
  10.2.0.1:80  qb.novel.h in east/sh  usable

routed, rule s, tier own: 1 instance
  for qb.novel.z in south/sz (1 asked lately)
  10.1.0.1:80  qb.novel.z in south/sz  usable

the only failover is empty for qb.novel.h, qb.novel.z
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("who (-want +got):\n%s", diff)
	}
	text.Reset()
	newWorld(t, both).Who(service2("s"), "").Write(&text, 1)
	want = `"default/s"

routed, rule s: 3 instances
  for - in -; - in east/nj (1 asked lately)
  10.1.0.1:80  qb.novel.z in south/sz  usable
  and 2 more: --limit

and 2 lists more: --limit

the only failover is empty for qb.novel.h, qb.novel.z
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("who, with a limit (-want +got):\n%s", diff)
	}
	alone := newWorld(t, "rules: [{name: s, service: default/s, set: {required: true}}]")
	who := alone.Who(service2("s"), "")
	if len(who.Unreached) != 1 || who.Unreached[0].Host != "10.3.0.1" {
		t.Errorf("unreached %+v", who.Unreached)
	}
	if who := alone.Who(service2("s"), "10.1.0.1"); len(who.Views) != 1 || who.Views[0].Callers[0] != "qb.novel.z in south/sz" {
		t.Errorf("of one host: %+v", who)
	}
	nobody := &world.World{Instances: alone.Instances, Now: now}
	if who := nobody.Who(service2("s"), ""); len(who.Unreached) != 3 {
		t.Errorf("without callers: %+v", who)
	}
}

func TestPlan(t *testing.T) {
	before := newWorld(t, both)
	tests := []struct {
		name, mapping, routing string
		want                   string // counts, then the first row
	}{
		{"nothing", mapping, both, "unchanged:8"},
		{"a narrower rule", mapping, strings.Replace(both, "set: {}", "set: {required: true}", 1), "empty:2 unchanged:6 | empty default/s - in -"},
		{"everywhere", mapping, strings.Replace(both, "nearby: {}", "nearby: {matchLevel: all}", 1), "cross-region:3 unchanged:5 | cross-region default/near qb.novel.z in south/sz"},
		{"the region", mapping, strings.Replace(both, "nearby: {}", "nearby: {matchLevel: region}", 1), "cross-zone:2 unchanged:6 | cross-zone default/near - in east/nj"},
		{"another mapping", strings.Replace(mapping, "10.1.0.0/16,south,sz,,qb.novel.z", "10.1.0.0/16,south,sz,,ams.x.y", 1), both,
			"cross-region:1 unchanged:7 | cross-region default/s qb.novel.z in south/sz -> ams.x.y in south/sz"},
		{"evacuated", mapping, both + "\nevacuate: [{region: east, until: 2026-11-25T00:00:00Z}]", "cross-region:2 changed:3 unchanged:3 | cross-region default/near - in east/nj"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, rules := load(t, tt.mapping, tt.routing)
			p := world.NewPlan(before, before.WithFiles(table, rules))
			var got []string
			for _, c := range world.Changes {
				if p.Counts[c] > 0 {
					got = append(got, fmt.Sprintf("%s:%d", c, p.Counts[c]))
				}
			}
			summary := strings.Join(got, " ")
			if len(p.Rows) > 0 {
				r := p.Rows[0]
				summary += fmt.Sprintf(" | %s %s %s", r.Change, r.Service, r.Callers)
				if r.Then != "" {
					summary += " -> " + r.Then
				}
			}
			if summary != tt.want {
				var text bytes.Buffer
				p.Text(&text)
				t.Errorf("got  %s\nwant %s\n%s", summary, tt.want, text.String())
			}
		})
	}
}

// Callers with one identity are told apart where a rule looks at addresses.
func TestKinds(t *testing.T) {
	w := newWorld(t, both)
	if n := len(w.Kinds()); n != 4 {
		t.Errorf("%d kinds, want those of three entries and a stranger", n)
	}
	byAddress := newWorld(t, "rules: [{name: s, service: default/s, when: {ip: 10.1.0.9}, set: {}}]")
	if n := len(byAddress.Kinds()); n != 5 {
		t.Errorf("%d kinds, want each address for itself", n)
	}
	var seen []string
	for _, k := range w.Kinds() {
		seen = append(seen, fmt.Sprintf("%s %d %d", k.Text(), len(k.Callers), k.Requests))
	}
	if !slices.Contains(seen, "qb.novel.z in south/sz 1 30") {
		t.Errorf("kinds %q", seen)
	}
}

func TestDriftsAndStrangers(t *testing.T) {
	w := newWorld(t, both)
	moved := instance("s", "10.1.0.7", "qb.novel.h", true)
	moved.Location = location.Location{Region: "south", Zone: "gz", Campus: "gz-1"}
	off := instance("s", "[::ffff:10.1.0.8]", "qb.novel.h", true)
	off.Metadata[location.MetaSetName], off.Metadata[location.MetaSetEnable] = "x\x1b", "N"
	w.Instances = append(w.Instances, moved, instance("s", "a-host", "no-set", true), off)
	var got []string
	for _, d := range w.Drifts() {
		got = append(got, fmt.Sprintf("%s: %s", d.Host, d.Text()))
	}
	want := []string{
		"10.1.0.7: location south/gz, mapping south/sz", "10.1.0.7: set qb.novel.h, mapping qb.novel.z",
		`a-host: SET name "no-set" has 1 segment, expected three: business.area.group`,
		`[::ffff:10.1.0.8]: SET name "x\x1b" is switched off by internal-enable-set "N"`, "[::ffff:10.1.0.8]: set qb.novel.h, mapping qb.novel.z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
	strangers := w.Strangers()
	if len(strangers) != 1 || strangers[0].Address != "10.9.0.9" || strangers[0].Share != 0.25 {
		t.Errorf("strangers %+v", strangers)
	}
}

// A caller is known by its own instance, an alias by what it stands for, and a
// lane address by its target through an alias.
func TestIdentityAndNames(t *testing.T) {
	w := newWorld(t, "rules: [{name: s, service: default/s, set: {}}]\naddresses: [{service: default/lane, target: default/alias, set: {callee: qb.novel.h}}]")
	w.Instances = append(w.Instances, instance("own", "10.8.0.1", "qb.novel.h", true))
	w.Aliases = map[route.Service]route.Service{service2("alias"): service2("s"), service2("lane2"): service2("lane")}
	w.Names = []route.Service{service2("lane")}
	for _, tt := range []struct{ caller, service, want string }{
		{"10.8.0.1", "s", "10.2.0.1 own"},
		{"10.1.0.9", "alias", "10.1.0.1 own"},
		{"10.9.0.9", "lane", "10.2.0.1 own"},
		{"10.9.0.9", "lane2", "10.2.0.1 own"},
	} {
		e := w.Explain(world.Request{Addr: netip.MustParseAddr(tt.caller), Service: service2(tt.service)})
		got := ""
		for _, i := range e.Instances {
			if i.Sent {
				got += i.Host + " "
			}
		}
		if got += e.Tier; got != tt.want {
			t.Errorf("%s for %s: %q, want %q", tt.service, tt.caller, got, tt.want)
		}
	}
}

// Callers of a wide prefix are looked at although a narrow one starts at the
// same address, and one that is nowhere leaves no city.
func TestPlanLooksAtEveryKind(t *testing.T) {
	wide := "match,set\n10.1.0.0/16,a.b.c\n10.1.0.0/24,a.b.d\n"
	table, rules := load(t, wide, "rules: [{name: s, service: default/s, set: {}}]")
	before := &world.World{Rules: rules, Table: table, Now: now, Instances: []world.Instance{instance("s", "10.4.0.1", "a.b.c", true), instance("s", "10.4.0.2", "a.b.d", true)}}
	_, candidate := load(t, wide, `rules: [{name: s, service: default/s, when: {set: "a.b.c"}, set: {callee: a.b.x}}, {name: t, service: default/s, set: {}}]`)
	p := world.NewPlan(before, before.WithFiles(table, candidate))
	if p.Kinds != 2 || p.Counts[world.ChangeEmpty] != 1 || p.Counts[world.ChangeCrossRegion] != 0 {
		t.Errorf("plan %+v", p)
	}
}

// A dump decides as the state that it is of.
func TestDumpComesBack(t *testing.T) {
	w := newWorld(t, both)
	w.Aliases = map[route.Service]route.Service{service2("alias"): service2("s")}
	w.Clients = []world.Client{{Addr: netip.MustParseAddr("10.9.0.9"), Location: location.Location{Region: "east"}}}
	w.Pods = []world.Pod{
		{Addr: netip.MustParseAddr("10.9.0.8"), Location: location.Location{Region: "east", Zone: "sh"}, SET: "a.b.c", Labels: map[string]string{"lane": "gray"}, From: "pod bj/x/y", LocationFrom: "node bj/n"},
		{Addr: netip.MustParseAddr("10.9.0.7"), Location: location.Location{Region: "east"}, Shared: true, From: "node bj/n", LocationFrom: "node bj/n"},
	}
	for _, p := range w.Pods {
		facts := p.Facts()
		if diff := cmp.Diff(p, world.NewPod(p.Addr, &facts), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("pod (-before +after):\n%s", diff)
		}
	}
	d := world.NewDump(w, []strict.File{{Name: "m.csv", Data: []byte(mapping)}}, []strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + both)}})
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again world.Dump
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	var problems strict.Problems
	back := again.World(&problems)
	if back == nil {
		t.Fatal(problems.Err())
	}
	for _, s := range w.Services() {
		for _, k := range w.Kinds() {
			r := world.Request{Addr: k.Addr, Service: s}
			if diff := cmp.Diff(w.Explain(r), back.Explain(r)); diff != "" {
				t.Errorf("%s for %s (-before +back):\n%s", s, k.Addr, diff)
			}
		}
	}
}

// What clients report and register stands in the text as text: nothing of it
// moves the cursor of an operator's terminal, or begins a line.
func TestWhoQuotesWhatClientsSay(t *testing.T) {
	w := newWorld(t, "rules: [{name: r, service: default/near, nearby: {}}]\n")
	hostile := "x\x1b[2J\nall is well\u009b1m"
	w.Sources = location.SourceNames
	w.Clients = []world.Client{{Addr: netip.MustParseAddr("10.9.0.9"), Location: location.Location{Region: hostile}}}
	for n := range w.Instances {
		w.Instances[n].Location = location.Location{Region: hostile}
	}
	w.Instances = append(w.Instances, instance("near", hostile, "", true))
	var text bytes.Buffer
	w.Who(service2("near"), "").Write(&text, 0)
	if !strings.Contains(text.String(), `"- in x\x1b[2J\nall is well\u009b1m"`) {
		t.Errorf("the caller that reports is not shown:\n%q", &text)
	}
	for line := range strings.Lines(text.String()) {
		if strings.ContainsAny(line, "\x1b\u009b") || strings.HasPrefix(line, "all is well") {
			t.Errorf("a line as a client wants it: %q", line)
		}
	}
}

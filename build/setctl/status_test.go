package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A rollout by weight moves a share of every caller's requests, a rollout by
// caller a share of the callers: the status tells one from the other.
func TestStatusTellsRolloutsApart(t *testing.T) {
	var out strings.Builder
	newStatusWriter(&out).write(api.Status{Rules: []api.RuleStatus{
		{Name: "whole", File: "r.yaml", Line: 3, Mode: "enforce", Percent: 100, By: "caller"},
		{Name: "callers", File: "r.yaml", Line: 5, Mode: "enforce", Percent: 12.5, By: "caller"},
		{Name: "requests", File: "r.yaml", Line: 7, Mode: "shadow", Percent: 30, By: "weight", Target: "prod/epp"},
	}})
	const want = `
rules
  whole     enforce 100%             r.yaml:3  
  callers   enforce 12.5% by caller  r.yaml:5  
  requests  shadow 30% by weight     r.yaml:7  prod/epp
`
	if !strings.Contains(out.String(), want) {
		t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), want)
	}
}

// The first line of the status says who has nothing, and then the section of callers.
func TestStatusSaysWhoHasNothing(t *testing.T) {
	kind := func(state, sets, tier, level string, callers, usable, sent int) api.KindState {
		return api.KindState{
			Service: "default/order", Rule: "order", Kind: sets + " in south/sz", State: state, Tier: tier, Level: level,
			Callers: callers, Example: netip.MustParseAddr("10.1.0.1"), Usable: usable, Sent: sent,
		}
	}
	for _, tt := range []struct {
		name, headline, section string
		state                   api.CallerStates
		isWell                  bool
	}{
		{"nobody", "nobody asked in the last two minutes", "none", api.CallerStates{Complete: true}, true},
		{"all is well", "nobody is without a usable instance; 7 callers", "5 first, 2 stock", api.CallerStates{Complete: true, Counts: map[string]int{"first": 5, "stock": 2}}, true},
		{
			"widened and unknown", "nobody is without a usable instance; of 9 callers 1 has a later road than the first, 3 have nothing, as they are not known", `3 unknown, 1 widened, 5 first
  WIDENED  default/order  a.b.c in south/sz  1 caller, as 10.1.0.1  rule order  1 of 2 usable  tier pool at level all`,
			api.CallerStates{Complete: true, Counts: map[string]int{"first": 5, "widened": 1, "unknown": 3}, Kinds: []api.KindState{kind("widened", "a.b.c", "pool", "all", 1, 1, 2), kind("unknown", "-", "", "", 3, 0, 0), kind("first", "a.b.d", "own", "zone", 5, 1, 1)}}, true,
		},
		{
			"nothing", `3 callers without a usable instance: default/order for a.b.c in south/sz, by rule order, has 0 of 2 usable`, `3 unusable
  there are more callers than the nodes remember
  UNUSABLE  default/order  a.b.c in south/sz  3 callers, as 10.1.0.1  rule order  0 of 2 usable  tier own at level zone
  and 4 more kinds of callers`,
			api.CallerStates{Counts: map[string]int{"unusable": 3}, Kinds: []api.KindState{kind("unusable", "a.b.c", "own", "zone", 3, 0, 2)}, More: 4}, false,
		},
	} {
		var out strings.Builder
		s := api.Status{State: tt.state}
		newStatusWriter(&out).write(s)
		want := tt.headline + "\nup for 0s, failOpen false\n\ncallers in the last two minutes, for each service: " + tt.section + "\n\nfiles\n"
		if !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: the status is\n%s\nwant first\n%s", tt.name, out.String(), want)
		}
		if isWell(s, nil) != tt.isWell {
			t.Errorf("%s: well %t", tt.name, !tt.isWell)
		}
	}
}

// The status names the addresses with several SETs, and the registered names that do
// not count.
func TestStatusNamesSeveralSETs(t *testing.T) {
	var out strings.Builder
	newStatusWriter(&out).write(api.Status{
		Drift: api.DriftStatus{Count: 2, First: []world.Drift{
			{Service: "default/a", Host: "10.1.0.1", Field: "set", Registered: "a.b.c", Mapping: "a.b.d"},
			{Service: "default/a", Host: "10.1.0.2", Field: "set", Registered: "a.b", Why: `SET name "a.b" has 2 segments, expected three: business.area.group`},
		}},
		SeveralSETs: api.SeveralSETs{Count: 1, First: []world.Several{{Address: "10.9.0.7", SETs: []location.SET{"a.b.c", "a.b.d"}}}},
	})
	const want = `
drift: 2 instances registered otherwise than the mapping says
  default/a  10.1.0.1  set a.b.c, mapping a.b.d
  default/a  10.1.0.2  SET name "a.b" has 2 segments, expected three: business.area.group

several SETs: callers of 1 address are routed as each of their SETs, as the instances registered there differ
  10.9.0.7  a.b.c a.b.d
`
	if !strings.Contains(out.String(), want) {
		t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), want)
	}
}

// The status names who is unknown now, and says so where nobody is.
func TestStatusNamesUnknownCallers(t *testing.T) {
	for _, tt := range []struct {
		unknown api.UnknownCallers
		state   api.CallerStates
		want    string
	}{
		{api.UnknownCallers{}, api.CallerStates{}, "\nunknown: nobody\n\n"},
		{api.UnknownCallers{Callers: 1, Services: 2, First: []world.Unknown{
			{Address: "10.9.0.7", Service: "default/a", Rule: "all", Gets: world.GetsEveryBusiness, Requests: 12},
			{Address: "10.9.0.7", Service: "default/b\n", Rule: "b", Gets: world.GetsNothing, Requests: 1},
		}}, api.CallerStates{}, `
unknown: 1 caller asked for 2 services lately, and nothing is known of their SET
  10.9.0.7  default/a      rule all  gets every business  12 requests
  10.9.0.7  "default/b\n"  rule b    gets nothing         1 request
`},
		{api.UnknownCallers{Callers: 1, Services: 1, First: []world.Unknown{{Address: "10.9.0.7", Service: "default/b", Rule: "b", Gets: world.GetsNothing, Requests: 1}}},
			api.CallerStates{Counts: map[string]int{"unknown": 3}, Kinds: []api.KindState{
				{Service: "default/b", Rule: "b", Kind: "- in -", State: "unknown", Callers: 1, Example: netip.MustParseAddr("10.9.0.7")},
				{Service: "default/near", Rule: "near", Kind: "a.b.c in -", State: "unknown", Callers: 2, Example: netip.MustParseAddr("10.9.0.8")},
			}}, `
unknown: 3 callers now with nothing, as their SET or place is not known; 1 caller asked for 1 service lately, and nothing is known of their SET
  1 caller, as 10.9.0.7   default/b     rule b     gets nothing  known as - in -
  2 callers, as 10.9.0.8  default/near  rule near  gets nothing  known as a.b.c in -
  10.9.0.7                default/b     rule b     gets nothing  1 request
`},
	} {
		var out strings.Builder
		newStatusWriter(&out).write(api.Status{Unknown: tt.unknown, State: tt.state})
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), tt.want)
		}
	}
}

// A lookup never says that an address has no instance where instances disagree.
func TestLookupNamesWhoDisagrees(t *testing.T) {
	registered := func(service string, port uint32, region string) explain.Registration {
		return explain.Registration{Service: service, Host: "10.9.0.7", Port: port, Record: location.Record{Location: location.Location{Region: region}, Healthy: true}}
	}
	caller := explain.NewCaller(netip.MustParseAddr("10.9.0.7"), location.Facts{}, []explain.Registration{registered("default/a", 1, "r"), registered("default/b", 2, "q")})
	var out strings.Builder
	lookupResult{Caller: caller}.text(&out)
	const want = `10.9.0.7
  nothing is known of this address: no mapping, no pod, no report, and its own instances (2) agree on nothing
  the instances at this address differ in their region
    default/a  10.9.0.7:1  r
    default/b  10.9.0.7:2  q
`
	if out.String() != want {
		t.Errorf("the lookup is\n%s\nwant\n%s", out.String(), want)
	}
}

// The roads that carry too much are in the first lines and in a section of their own.
func TestStatusShowsLoads(t *testing.T) {
	var out strings.Builder
	road := func(service string, seen int, times float64) world.RoadLoad {
		return world.RoadLoad{Service: service, Rule: "order", Tier: "pool", Level: "region", Where: "a.b.* in south/sz", Usable: 2, Seen: seen, Times: times}
	}
	s := api.Status{State: api.CallerStates{Complete: true, Counts: map[string]int{"widened": 122}}}
	s.Load = api.NewLoadStatus([]world.RoadLoad{road("default/new", 2, 12), road("default/order", 120, 6.04), road("default/stock", 9, 1.5)}, true, 2)
	s.Health = api.NewHealth(s, api.Cluster{})
	newStatusWriter(&out).write(s)
	for _, want := range []string{
		"\nAMBER  overloaded: default/order, rule order: 2 usable instances of a.b.* in south/sz carry 6.0 times what the callers put on their first road when everything works\n",
		`
load: usable instances carry up to 12.0 times what their callers put on their first road when everything works
  -           12.0 times  default/new    2 callers    rule order  tier pool at level region  2 usable of a.b.* in south/sz
  OVERLOADED  6.0 times   default/order  120 callers  rule order  tier pool at level region  2 usable of a.b.* in south/sz
  and 1 more road
`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), want)
		}
	}
}

// The status has a row for each evacuation, also where a reason has lines, and says what
// is to come. A cause that quotes a file stays a sentence.
func TestStatusOfEvacuations(t *testing.T) {
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	later := hour(1)
	var out strings.Builder
	newStatusWriter(&out).write(api.Status{
		Now: now, Started: now,
		Health: api.Health{Headline: "nobody asked", Causes: []api.Cause{{Kind: api.CauseRefused, Colour: api.ColourAmber, Text: `files are refused: at "a: [", ` + "x\u202e\ny"}}},
		Evacuations: []api.Evacuation{
			{ID: "1", Kind: "zone", Place: "a/b", Until: hour(2), Reason: "电力\nx", InForce: true, Instances: 2},
			{ID: "2", Kind: "zone", Place: "a/c", From: &later, Until: hour(2), Reason: "tomorrow", Instances: 1},
			{ID: "3", Kind: "zone", Place: "a/d", Until: hour(-1), Reason: "yesterday", Instances: 1},
		},
	})
	for _, want := range []string{
		"nobody asked\nAMBER  files are refused: at \"a: [\", x\\u202e\\ny\nup for",
		"\nevacuations\n  1  zone a/b  until 2026-11-28T05:00:00Z  2 instances  \"电力\\nx\"\n" +
			"  2  zone a/c  from 2026-11-28T04:00:00Z until 2026-11-28T05:00:00Z  1 instance  tomorrow\n" +
			"  3  zone a/d  ended 2026-11-28T02:00:00Z  1 instance  yesterday\n\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), want)
		}
	}
}

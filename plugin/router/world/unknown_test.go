package world_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Who is unknown is said by the rules and the mapping in force: who is in the mapping by
// now, and what a rule that is gone decided, is left out.
func TestUnknown(t *testing.T) {
	w := newWorld(t, `rules:
  - {name: all, service: default/a, set: {}}
  - {name: none, service: default/n, set: {unknown: none}}
  - {name: unset, service: default/u, set: {unknown: unset}}
  - {name: trial, service: default/t, set: {}, mode: shadow}
  - {name: field, service: default/f, set: {caller: "{caller.label.lane}.x.y"}}
  - {name: near, service: default/near, nearby: {}}`)
	const mapped, stranger, another = "10.1.0.5", "10.8.0.1", "10.8.0.2"
	requests := map[world.UnknownRequest]uint64{}
	for n, r := range []struct {
		addr, name, rule string
		several          bool
	}{
		{stranger, "a", "all", true}, {stranger, "a", "all", false}, {another, "a", "all", true}, {another, "b", "all", false},
		{stranger, "n", "none", true}, {stranger, "u", "unset", true}, {stranger, "t", "trial", true},
		{mapped, "a", "all", true}, {mapped, "f", "field", true}, {stranger, "x", "gone", true}, {stranger, "near", "near", true},
	} {
		requests[world.UnknownRequest{Addr: netip.MustParseAddr(r.addr), Service: route.Service{Namespace: "default", Name: r.name}, Rule: r.rule, Several: r.several}] = uint64(n + 1)
	}
	list := w.Unknown(requests)
	var got []string
	for _, u := range list {
		got = append(got, fmt.Sprintf("%s %s %s: %s, %d", u.Address, u.Service, u.Rule, u.Gets, u.Requests))
	}
	want := []string{
		"10.1.0.5 default/f field: every business, 9",
		"10.8.0.1 default/a all: every business, 3",
		"10.8.0.2 default/a all: every business, 3",
		"10.8.0.2 default/b all: every SET, 4",
		"10.8.0.1 default/u unset: instances without a SET, 6",
		"10.8.0.1 default/n none: nothing, 5",
		"10.8.0.1 default/t trial: the stock answer, 7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if callers, services := world.CountUnknown(list, ""); callers != 3 || services != 6 {
		t.Errorf("%d callers, %d services", callers, services)
	}
	var problems strict.Problems
	warned := world.WarnOfUnknown(list, &problems)
	const warning = `r.yaml:7:5: warning: 3 callers lately got every business of 2 services, as 10.1.0.5 of "default/f" by rule "field": ` +
		`nothing is known of their SET; defaults: {set: {unknown: none}} gives such callers nothing`
	if got := fmt.Sprint(problems.List()); !warned || got != "["+warning+"]" {
		t.Errorf("%t %s\nwant %s", warned, got, warning)
	}
	if world.WarnOfUnknown(list[3:], &problems) || len(problems.List()) != 1 {
		t.Error("warned of callers who do not get every business")
	}
}

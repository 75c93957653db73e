package kubernetes

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func ips(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, ip(s))
	}
	return out
}

func place(region, zone, campus string) location.Location {
	return location.Location{Region: region, Zone: zone, Campus: campus}
}

// says is all that a table knows of an address, with the origins, in words.
func says(t *Table, addr string) (out []string) {
	facts, ok := t.Facts(ip(addr))
	if !ok {
		return []string{"nothing"}
	}
	for _, f := range explain.FactsOf(*facts) {
		out = append(out, f.Field+" "+f.Value+" from "+f.From)
	}
	return out
}

func TestTable(t *testing.T) {
	const inNode, inPod = " from kubernetes (node bj/n1)", " from kubernetes (pod bj/default/core-1)"
	core := Pod{
		Namespace: "default", Name: "core-1", UID: "1", Created: 1, Node: "n1", Addrs: ips("10.0.0.1", "fd00::1"),
		SET: "epp.core.bj", SETKey: "label set-group", Labels: map[string]string{"lane": "gray"},
	}
	whole := []string{"region north" + inNode, "zone bj" + inNode, "campus bj-1" + inNode,
		"set epp.core.bj" + inPod, "label.lane gray" + inPod}
	node := Node{Name: "n1", Created: 1, Addrs: ips("10.9.0.1"), Location: place("north", "bj", "bj-1")}
	table := NewTable()
	expect := func(what, addr string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, says(table, addr)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", what, addr, diff)
		}
	}

	table.PutPod("bj", core)
	expect("a pod before its node", "10.0.0.1", whole[3:]...)
	table.PutNode("bj", node)
	expect("with its node", "10.0.0.1", whole...)
	expect("its other family", "fd00::1", whole...)
	expect("the node's own address", "10.9.0.1", append(whole[:3:3], "shared true"+inNode)...)

	table.PutPod("bj", Pod{Namespace: "kube-system", Name: "agent", UID: "2", Node: "n1", Addrs: ips("10.9.0.1"), HostNetwork: true, SET: "a.b.c", SETKey: "label set-group"})
	expect("a pod in the node's network", "10.9.0.1", append(whole[:3:3], "shared true"+inNode)...)

	next := Pod{Namespace: "default", Name: "query-1", UID: "3", Created: 2, Node: "n1", Addrs: ips("10.0.0.1"), SET: "epp.query.bj", SETKey: "label set-group"}
	taken := append(whole[:3:3], "set epp.query.bj from kubernetes (pod bj/default/query-1)")
	table.PutPod("bj", next)
	expect("the address given to another before the first is gone", "10.0.0.1", taken...)
	table.PutPod("bj", core)
	table.RemovePod("bj", "default/core-1")
	expect("the first is gone", "10.0.0.1", taken...)
	expect("its other address", "fd00::1", "nothing")

	table.PutPod("sh", Pod{Namespace: "x", Name: "y", UID: "9", Addrs: ips("10.0.0.1"), SET: "epp.query.bj", SETKey: "label set-group"})
	expect("an address in two clusters", "10.0.0.1", "set epp.query.bj from kubernetes (pod bj/default/query-1)")
	if all, ambiguous := table.Addresses(); all != 2 || ambiguous != 1 {
		t.Errorf("%d addresses, %d ambiguous, want 2 and 1", all, ambiguous)
	}
	table.PutPod("sh", Pod{Namespace: "x", Name: "y", UID: "9", Addrs: ips("10.0.0.1")})
	expect("a SET in one of two clusters", "10.0.0.1")
	table.RemovePod("sh", "x/y")
	expect("in one again", "10.0.0.1", taken...)
	table.RemoveNode("bj", "n1")
	expect("without its node", "10.0.0.1", taken[3:]...)
}

func TestInvalidSETIsNone(t *testing.T) {
	table := NewTable()
	bad := Pod{Namespace: "a", Name: "b", UID: "1", Addrs: ips("10.0.0.1"), SET: "qb.novel", SETKey: "label set-group"}
	const why = `SET name "qb.novel" has 2 segments, expected three: business.area.group`
	if got := table.PutPod("bj", bad); got != why {
		t.Errorf("the first time it says %q, want %q", got, why)
	}
	moved := bad
	moved.Node = "n2"
	if got := table.PutPod("bj", moved); got != "" {
		t.Errorf("the second time it says %q, want nothing", got)
	}
	if got := says(table, "10.0.0.1"); len(got) != 0 {
		t.Errorf("it counts as %q, want no SET", got)
	}
	keys, reasons := table.Invalid("bj", 10)
	if diff := cmp.Diff([][]string{{"a/b"}, {why}}, [][]string{keys, reasons}); diff != "" {
		t.Error(diff)
	}
	moved.SET = "qb.novel.h"
	table.PutPod("bj", moved)
	if _, _, invalid := table.Count("bj"); invalid != 0 || len(says(table, "10.0.0.1")) != 1 {
		t.Errorf("after the repair: %d invalid, %q", invalid, says(table, "10.0.0.1"))
	}
}

func TestGenerationStaysWithoutChange(t *testing.T) {
	table := NewTable()
	p := Pod{Namespace: "a", Name: "b", UID: "1", Created: 1, Node: "n", Addrs: ips("10.0.0.1"), SET: "a.b.c"}
	n := Node{Name: "n", Addrs: ips("10.9.0.1"), Location: place("r", "z", "")}
	table.PutPod("bj", p)
	table.PutNode("bj", n)
	facts, _ := table.Facts(ip("10.0.0.1"))
	before := table.Generation()
	table.PutPod("bj", p)
	table.PutNode("bj", n)
	table.RemovePod("bj", "no/such")
	if again, _ := table.Facts(ip("10.0.0.1")); again != facts || table.Generation() != before {
		t.Errorf("the generation went from %d to %d, or the facts are others, without a change", before, table.Generation())
	}
	n.Zone = "y"
	table.PutNode("bj", n)
	if again, _ := table.Facts(ip("10.0.0.1")); again == facts || table.Generation() == before || again.Zone != "y" {
		t.Error("the node's new zone is not seen")
	}
}

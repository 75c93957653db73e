package api

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// What two nodes remember is one list: a caller that asked both counts once, and a name is
// quiet if nobody asked either.
func TestAddCallerList(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(1_800_000_000+second, 0) }
	when := func(second int64) *time.Time { at := at(second); return &at }
	caller := func(text string, second int64, requests uint64) CallerAddress {
		return CallerAddress{netip.MustParseAddr(text), at(second), requests}
	}
	one := CallerList{
		Since: at(-100), Complete: true, More: 1,
		Kinds: []CallerKind{
			{Service: "default/a", Rule: "r", Kind: "x.y.z in -", State: "first", Callers: 2, Last: at(9), Addresses: []CallerAddress{caller("10.0.0.1", 9, 5), caller("10.0.0.2", 3, 1)}},
			{Service: "default/b", Callers: 1, Last: at(1), Addresses: []CallerAddress{caller("10.0.0.1", 1, 1)}},
		},
		Untold:    []explain.Untold{{Peer: "10.9.0.1", Reason: "empty", Requests: 3}},
		Forwarded: []Forwarded{{"10.9.0.2", 3}},
		Quiet:     []QuietName{{Name: "default/asked-there", What: NameService}, {Name: "default/never", What: NameAlias, Target: "default/a"}, {Name: "default/once", What: NameService, LastAsked: when(-20)}, {Name: "default/once-there", What: NameAddress}},
	}
	other := CallerList{
		Since: at(-50), Complete: false, More: 2,
		Kinds: []CallerKind{
			{Service: "default/a", Rule: "r", Kind: "x.y.z in -", State: "first", Callers: 2, Last: at(12), Addresses: []CallerAddress{caller("10.0.0.3", 12, 2), caller("10.0.0.1", 10, 4)}},
			{Service: "default/a", Rule: "r", Kind: "x.y.z in -", Callers: 1, Last: at(2), Addresses: []CallerAddress{caller("10.0.0.4", 2, 2)}},
		},
		Untold:    []explain.Untold{{Peer: "10.9.0.1", Reason: "empty", Requests: 4}, {Peer: "10.9.0.1", Reason: "unreadable", Requests: 9}},
		Forwarded: []Forwarded{{"10.9.0.2", 1}, {"10.9.0.3", 8}},
		Quiet:     []QuietName{{Name: "default/never"}, {Name: "default/once", LastAsked: when(-30)}, {Name: "default/once-there", LastAsked: when(-25)}},
	}
	one.Add(other)
	want := CallerList{
		Since: at(-50), More: 3,
		Kinds: []CallerKind{
			{Service: "default/a", Rule: "r", Kind: "x.y.z in -", Callers: 1, Last: at(2), Addresses: []CallerAddress{caller("10.0.0.4", 2, 2)}},
			{Service: "default/a", Rule: "r", Kind: "x.y.z in -", State: "first", Callers: 3, Last: at(12), Addresses: []CallerAddress{caller("10.0.0.3", 12, 2), caller("10.0.0.1", 10, 9), caller("10.0.0.2", 3, 1)}},
			{Service: "default/b", Callers: 1, Last: at(1), Addresses: []CallerAddress{caller("10.0.0.1", 1, 1)}},
		},
		Untold:    []explain.Untold{{Peer: "10.9.0.1", Reason: "unreadable", Requests: 9}, {Peer: "10.9.0.1", Reason: "empty", Requests: 7}},
		Forwarded: []Forwarded{{"10.9.0.3", 8}, {"10.9.0.2", 4}},
		Quiet: []QuietName{
			{Name: "default/never", What: NameAlias, Target: "default/a"}, {Name: "default/once-there", What: NameAddress, LastAsked: when(-25)},
			{Name: "default/once", What: NameService, LastAsked: when(-20)},
		},
	}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, one, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	one.Cut(1)
	if len(one.Kinds) != 1 || one.More != 5 || len(one.Quiet) != 1 || one.MoreQuiet != 2 || len(one.Untold) != 1 {
		t.Errorf("cut to %+v", one)
	}
	for _, bad := range []CallerKind{{State: "fine"}, {Addresses: []CallerAddress{{}}}} {
		if (CallerList{Kinds: []CallerKind{bad}}).Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

package view

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Operators hear of callers for whom evacuations do not count, and of answers that are
// joined of very many SETs.
func TestRemarks(t *testing.T) {
	f := newFixture(t)
	f.rule.SET.Unknown = route.UnknownAll
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	text := fmt.Sprintf("version: 1\nevacuate: [{set: a.b.c, until: %s}, {set: \"a.b.*\", until: %s}]\n", until, until)
	var problems strict.Problems
	f.rules = route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, time.Now(), &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		set  location.SET
		list string
	}{
		{"a.b.d", "2"}, // the own one is not evacuated
		{"a.b.c", "1"}, // the own one is evacuated, and the pool, too: the last resort
		{"a.b.q", "3"}, // the pool
		{"x.y.z", "4"}, // another business
	} {
		if got := f.ask(f.query("s"), want.set); got != want.list {
			t.Errorf("%s gets %s, want %s", want.set, got, want.list)
		}
	}
	healthy := Kind{Route: route.Route{Rule: f.rule, SETs: "a.b.c"}, OnlyHealthy: true} // the same caller
	if _, _, err := f.store.View(f.query("s"), netip.Addr{}, healthy); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(f.remarks()), "[default/s r: last resort of 2 as a.b.c in -, 0 SETs]"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	var sets location.SET
	for n := range ManySETs {
		sets += location.SET(fmt.Sprintf("a.b.g%d ", n))
	}
	f.ask(f.query("t"), sets+"x.y.z")
	f.ask(f.query("u"), sets[:len(sets)-1])
	if got, want := fmt.Sprint(f.remarks()[1:2]), "[default/t r: last resort of 1 as a.b.g0 a.b.g1"; len(got) < len(want) || got[:len(want)] != want || f.remarks()[1].SETs != ManySETs+1 || f.remarks()[2].SETs != 0 {
		t.Errorf("got %.200s, %d and %d SETs", got, f.remarks()[1].SETs, f.remarks()[2].SETs)
	}
	f.ask(f.query("v"), location.SET(strings.ReplaceAll(string(sets), "a.b.", "x.y."))+"x.y.z")
	if got, want := fmt.Sprint(f.remarks()[3:]), "[default/v r: last resort of 0 as , 65 SETs]"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func (f *fixture) remarks() []Remark { return f.store.Remarks() }

func (r Remark) String() string {
	return fmt.Sprintf("%s %s: last resort of %d as %s, %d SETs", r.Service, r.Rule.Name, r.LastResort, r.Example, r.SETs)
}

// Operators hear of instances that clients of xDS do not get. The log says so once.
func TestLeftOutIsRemarked(t *testing.T) {
	f := newFixture(t)
	f.roads(f.query("s"), "x.y.z") // hosts are names in the fixture
	f.roads(f.query("s"), "a.b.c")
	f.ask(f.query("t"), "a.b.c")
	list := f.remarks()
	if len(list) != 1 {
		t.Fatalf("remarks %v, want one for s", list)
	}
	if got, want := list[0].LeftOut.String(), `2 whose host is no IP address, as "1:80"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := len(f.store.leftOut.said); n != 2 {
		t.Errorf("said %d times, want once for each kind of caller", n)
	}
	f.stock.set(2, "a.b.*", true, 7)
	f.roads(f.query("s"), "a.b.c")
	if n := len(f.store.leftOut.said); n != 2 {
		t.Errorf("said %d times after a change of another instance", n)
	}
}

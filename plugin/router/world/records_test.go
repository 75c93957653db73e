package world_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// What callers are by the instances at their address, and how a dump tells it.
func TestCallersByTheirInstances(t *testing.T) {
	w := newWorld(t, both)
	at := func(host, set, region string, port uint32, healthy bool) {
		i := instance("gateway", host, set, healthy)
		i.Port, i.Location.Region = port, region
		w.Instances = append(w.Instances, i)
	}
	at("10.8.0.1", "qb.novel.h", "east", 1, true)
	at("[::ffff:10.8.0.1]", "qb.novel.z", "east", 2, true)
	at("10.8.0.1", "ams.x.y", "south", 3, false)
	at("10.8.0.2", "qb.novel.h", "", 1, false)
	at("10.8.0.2", "qb.novel.z", "", 2, true)
	at("10.8.0.3", "qb.novel.h", "", 1, false)
	at("10.8.0.3", "qb.novel.z", "", 2, false)
	at("10.1.0.5", "qb.novel.h", "", 1, true) // the mapping says qb.novel.z
	at("10.1.0.5", "ams.x.y", "", 2, true)
	at("10.8.0.4", "", "", 1, true)
	w.Clients = []world.Client{
		{Addr: netip.MustParseAddr("10.8.0.5"), Location: location.Location{Region: "east", Zone: "sh"}},
		{Addr: netip.MustParseAddr("10.8.0.5"), Location: location.Location{Region: "east", Zone: "nj"}},
	}
	w.Sources = []string{location.SourceMapping, location.SourceRegistry, location.SourceReport}
	want := []string{
		"10.8.0.1 qb.novel.h qb.novel.z in east; 3 instances, differ in set true [10.8.0.1:1 qb.novel.h] [[::ffff:10.8.0.1]:2 qb.novel.z]",
		"10.8.0.2 qb.novel.z in -; 2 instances",
		"10.8.0.3 qb.novel.h qb.novel.z in -; 2 instances, differ in set true [10.8.0.3:1 qb.novel.h] [10.8.0.3:2 qb.novel.z]",
		"10.1.0.5 qb.novel.z in south/sz; 2 instances, differ in set false [10.1.0.5:1 qb.novel.h] [10.1.0.5:2 ams.x.y]",
		"10.8.0.4 - in -; 1 instances",
		"10.8.0.5 - in east; 0 instances",
	}
	dump, err := json.Marshal(world.NewDump(w, []strict.File{{Name: "m.csv", Data: []byte(mapping)}}, []strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + both)}}))
	if err != nil {
		t.Fatal(err)
	}
	var again world.Dump
	if err := json.Unmarshal(dump, &again); err != nil {
		t.Fatal(err)
	}
	var problems strict.Problems
	back := again.World(&problems)
	if back == nil {
		t.Fatal(problems.Err())
	}
	for name, state := range map[string]*world.World{"state": w, "its dump": back} {
		if diff := cmp.Diff(want, callerTexts(state)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		several := []world.Several{{Address: "10.8.0.1", SETs: []location.SET{"qb.novel.h", "qb.novel.z"}}, {Address: "10.8.0.3", SETs: []location.SET{"qb.novel.h", "qb.novel.z"}}}
		if diff := cmp.Diff(several, state.WithSeveralSETs()); diff != "" {
			t.Errorf("%s, several SETs (-want +got):\n%s", name, diff)
		}
	}
	without := w.WithFiles(w.Table, w.Rules)
	without.Sources = []string{location.SourceMapping}
	if c := without.Caller(netip.MustParseAddr("10.8.0.1")); c.Text != "- in -" || c.Instances != 0 || len(c.Disagreements) != 0 || len(without.WithSeveralSETs()) != 0 {
		t.Errorf("without the source registry: %+v", c)
	}
}

func callerTexts(w *world.World) (out []string) {
	for _, addr := range []string{"10.8.0.1", "10.8.0.2", "10.8.0.3", "10.1.0.5", "10.8.0.4", "10.8.0.5"} {
		c := w.Caller(netip.MustParseAddr(addr))
		text := fmt.Sprintf("%s %s; %d instances", c.Address, c.Text, c.Instances)
		for _, d := range c.Disagreements {
			text += fmt.Sprintf(", differ in %s %t", d.Field, d.Decisive)
			for _, s := range d.Instances {
				text += fmt.Sprintf(" [%s:%d %s]", s.Host, s.Port, s.Says)
			}
		}
		out = append(out, text)
	}
	return out
}

package route

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// place reads region/zone/campus, from which levels may be missing at the end.
func place(text string) (l location.Location) {
	fields := append(strings.Split(text, "/"), "", "")
	return location.Location{Region: fields[0], Zone: fields[1], Campus: fields[2]}
}

// stops returns the entry of a map; several places in one word are joined by +.
func stops(t testing.TB, words ...string) (out []stop) {
	for _, word := range words {
		s, err := newStop(strings.Split(word, "+"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// The levels of a caller's roads, by the stage and by what is known of the caller.
func TestAreas(t *testing.T) {
	cities := &PlaceMap{depth: 3, entries: map[location.Location][]stop{
		place("south"):    stops(t, "zone", "region"),
		place("south/sz"): stops(t, "south/gz", "east/nj"),
		place("north"):    stops(t, "east/nj+east/sh", "all"),
	}, others: stops(t, "region", "all")}
	onlySouth := &PlaceMap{depth: 2, entries: map[location.Location][]stop{place("south"): stops(t, "east/nj")}}
	primary := &PlaceMap{depth: 2, others: stops(t, "east/nj", "zone")}
	for _, tt := range []struct {
		name   string
		stage  NearbyStage
		caller string
		want   string
	}{
		{"from zone to all", NearbyStage{Match: LevelZone}, "south/sz/2", "zone region all"},
		{"from campus to zone", NearbyStage{Match: LevelCampus, Max: LevelZone}, "south/sz/2", "campus zone"},
		{"known to the region", NearbyStage{Match: LevelCampus}, "south", "region all"},
		{"not known down to maxMatchLevel", NearbyStage{Match: LevelCampus, Max: LevelZone}, "south", "region all"},
		{"the same, strict", NearbyStage{Match: LevelCampus, Max: LevelZone, Strict: true}, "south", "none"},
		{"without a location", NearbyStage{Match: LevelZone}, "", "(everywhere)"},
		{"without a location, strict", NearbyStage{Match: LevelZone, Strict: true}, "", "none"},
		{"matchLevel all", NearbyStage{Match: LevelAll}, "south/sz", "all"},
		{"matchLevel all, without a location, strict", NearbyStage{Match: LevelAll, Strict: true}, "", "all"},
		{"a map: the narrowest entry", NearbyStage{Match: LevelZone, Places: cities}, "south/sz/2", "zone south/gz east/nj"},
		{"a map: the wider entry", NearbyStage{Match: LevelZone, Places: cities}, "south/zh/1", "zone zone region"},
		{"a map: an entry of which a part is known", NearbyStage{Match: LevelZone, Places: cities}, "south", "region region"},
		{"a map: places together", NearbyStage{Match: LevelZone, Places: cities}, "north/bj/1", "zone east/nj+east/sh all"},
		{"a map: the others", NearbyStage{Match: LevelZone, Places: cities}, "east/nj/1", "zone region all"},
		{"a map: without a location", NearbyStage{Match: LevelZone, Places: cities}, "", "all"},
		{"a map: without a location, strict", NearbyStage{Match: LevelZone, Places: cities, Strict: true}, "", "none"},
		{"a map that does not list the place", NearbyStage{Match: LevelZone, Places: onlySouth}, "east/nj/1", "zone"},
		{"a map that lists nothing for a caller without a location", NearbyStage{Match: LevelZone, Places: onlySouth}, "", "(everywhere)"},
		{"matchLevel none", NearbyStage{Match: LevelNone, Places: primary}, "south/sz/2", "east/nj zone"},
		{"matchLevel none, without a location", NearbyStage{Match: LevelNone, Places: primary, Strict: true}, "", "east/nj"},
	} {
		var got []string
		for _, a := range tt.stage.areas(place(tt.caller)) {
			if a.name == "" {
				a.name = "(everywhere)"
			}
			got = append(got, a.name)
		}
		if len(got) == 0 {
			got = []string{"none"}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What a template makes of a caller, whole or in part.
func TestTemplate(t *testing.T) {
	caller := location.Identity{
		SET: "set.SH.1", Location: location.Location{Region: "华南", Zone: "sz"},
		Labels: map[string]string{"lane": "gray", "dots": "a.b", "star": "*", "blank": " x"},
	}
	for template, want := range map[string]string{
		"ams.SH.1":                           "ams.SH.1",
		"ams.SH.*":                           "ams.SH.*",
		"{caller.set}":                       "set.SH.1",
		"qb.{caller.set.2|alias}.x":          "qb.h.x",
		"qb.{caller.set.2}.x":                "qb.SH.x",
		"qb.novel.{caller.label.star}":       "qb.novel.*",
		"qb.novel.{caller.label.none}":       "qb.novel.* in part",
		"qb.novel.{caller.label.dots}":       "qb.novel.* in part",
		"qb.novel.{caller.label.blank}":      "qb.novel.* in part",
		"qb.{caller.label.star}.x":           "qb in part",
		"qb.{caller.region}.x":               "qb in part",
		"{caller.label.none}.b.c":            " in part",
		"{caller.campus}.b.c":                " in part",
		"qb.{caller.zone}-{caller.set.2}.x":  "qb.sz-SH.x",
		"qb.{caller.zone}-{caller.campus}.x": "qb in part",
		"qb.{each}.{caller.set.2|alias}":     "qb.{each}.h",
		"{each}.{each}.x":                    "{each}.{each}.x",
		"qb.{each}.{caller.label.none}":      "qb.{each}.* in part",
		"{each}.{caller.label.none}.x":       "{each} in part",
	} {
		parsed, err := ParseTemplate(template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		got, whole := parsed.Apply(caller, map[string]string{"SH": "h"})
		if !whole {
			got += " in part"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", template, got, want)
		}
	}
}

// What SETs stand for among the instances of a service.
func TestSETsIn(t *testing.T) {
	var instances []Instance
	for _, set := range []location.SET{"", "qb.novel.h", "qb.novel.z", "qb.comic.*", "ams.SH.1"} {
		instances = append(instances, Instance{SET: set})
	}
	callee := NewCallee(instances)
	for _, tt := range []struct {
		sets    SETs
		unknown Unknown
		want    string
	}{
		{"", UnknownAll, "[]"},
		{"qb.novel.h", UnknownAll, "[qb.novel.h]"},
		{"ams.SH.1 qb.novel.h", UnknownAll, "[ams.SH.1 qb.novel.h]"},
		{"qb.{each}.h", UnknownAll, "[qb.comic.h qb.novel.h]"},
		{"qb.novel.h qb.{each}.h", UnknownAll, "[qb.comic.h qb.novel.h]"},
		{"{each}.novel.h", UnknownAll, "[ams.novel.h qb.novel.h]"},
		{"{each}.{each}.h", UnknownAll, "[ams.SH.h qb.comic.h qb.novel.h]"},
		{"{each}", UnknownAll, "[ams qb]"},
		{"epp.{each}.h", UnknownAll, "[epp]"}, // no name: the business binds
		{"epp.{each}.h", UnknownNone, "[]"},
		{"epp.{each}.h qb.novel.h", UnknownUnset, "[qb.novel.h]"},
	} {
		if got := fmt.Sprint(tt.sets.in(callee, tt.unknown)); got != tt.want {
			t.Errorf("%q, unknown: %s: %s, want %s", tt.sets, tt.unknown, got, tt.want)
		}
	}
	if got := fmt.Sprint(SETs("{each}.b.c").in(NewCallee(nil), UnknownAll)); got != "[]" {
		t.Errorf("without instances: %s", got)
	}
}

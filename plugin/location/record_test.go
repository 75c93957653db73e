package location

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// saidBy returns a record of a healthy instance, from "SET region/zone/campus".
func saidBy(text string) Record {
	set, place, _ := strings.Cut(text, " ")
	levels := append(strings.Split(place, "/"), "", "")
	return Record{Location: Location{levels[0], levels[1], levels[2]}, SET: SET(set), Healthy: true}
}

func dead(text string) Record {
	r := saidBy(text)
	r.Healthy = false
	return r
}

func commonText(f Facts) string {
	return strings.TrimSpace(fmt.Sprint(f.AllSETs(), " ", f.Location))
}

func TestCommonFacts(t *testing.T) {
	tests := []struct {
		name    string
		records []Record
		want    string
	}{
		{"none", nil, "[]"},
		{"equal", []Record{saidBy("a.b.c r/z/c"), saidBy("a.b.c r/z/c")}, "[a.b.c] r/z/c"},
		{"two SETs, sorted and each once", []Record{saidBy("a.b.d"), saidBy("a.b.c"), saidBy("a.b.d")}, "[a.b.c a.b.d]"},
		{"one without a SET says nothing", []Record{saidBy(" r"), saidBy("a.b.d")}, "[a.b.d] r"},
		{"three SETs, and one without", []Record{saidBy("a.b.*"), saidBy(""), saidBy("x.y.z"), saidBy("a.b.c")}, "[a.b.* a.b.c x.y.z]"},
		{"other zone", []Record{saidBy(" r/z/c"), saidBy(" r/y/c")}, "[] r"},
		{"one known further", []Record{saidBy(" r"), saidBy(" r/z/c"), saidBy("")}, "[] r/z/c"},
		{"one known further, two differ", []Record{saidBy(" r/z"), saidBy(" r/z/c"), saidBy(" r/z/d")}, "[] r/z"},
		{"other region", []Record{saidBy(" r/z/c"), saidBy(" q/z/c")}, "[]"},
		{"SETs differ, places agree", []Record{saidBy("a.b.c r/z"), saidBy("a.b.d r/z")}, "[a.b.c a.b.d] r/z"},
		{"a dead one does not outvote a living one", []Record{dead("a.b.d q"), saidBy("a.b.c r/z"), dead("a.b.d q")}, "[a.b.c] r/z"},
		{"nor does it add what the living one does not say", []Record{dead("a.b.d q/y"), saidBy("")}, "[]"},
		{"two living ones, one dead", []Record{saidBy("a.b.c r/z"), saidBy("a.b.d r/y"), dead("a.b.e q")}, "[a.b.c a.b.d] r"},
		{"all dead: all count", []Record{dead("a.b.c r/z"), dead("a.b.d r/z/c")}, "[a.b.c a.b.d] r/z/c"},
		{"one, dead", []Record{dead("a.b.c r")}, "[a.b.c] r"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			origin := &Origin{Source: SourceRegistry}
			f := CommonFacts(tt.records, origin)
			if got := commonText(f); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if (f.SETFrom == origin) != (len(f.AllSETs()) > 0) || (f.RegionFrom == origin) != (f.Region != "") {
				t.Errorf("SET from %v, region from %v", f.SETFrom, f.RegionFrom)
			}
			if len(f.SETs) == 1 || f.SET != "" && len(f.SETs) > 0 {
				t.Errorf("SET %q beside SETs %q", f.SET, f.SETs)
			}
		})
	}
}

var someRecord = rapid.Custom(func(t *rapid.T) Record {
	return Record{
		Location: Location{
			rapid.SampledFrom([]string{"", "r", "r", "q"}).Draw(t, "region"), rapid.SampledFrom([]string{"", "z", "y"}).Draw(t, "zone"), rapid.SampledFrom([]string{"", "c", "d"}).Draw(t, "campus"),
		},
		SET: rapid.SampledFrom([]SET{"", "a.b.c", "a.b.d", "x.y.*"}).Draw(t, "set"), Healthy: rapid.Bool().Draw(t, "healthy"),
	}
})

// What an address says is a question of which records are there, in whatever order,
// and it is what the contract says (docs/design.md, 4), told once more.
func TestCommonFactsAgreeWithContract(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(someRecord, 0, 6).Draw(t, "records")
		got := commonText(CommonFacts(records, nil))
		if want := commonByContract(records); got != want {
			t.Fatalf("%+v\ngot  %s\nwant %s", records, got, want)
		}
		if again := commonText(CommonFacts(rapid.Permutation(records).Draw(t, "order"), nil)); again != got {
			t.Fatalf("%+v\n%s, in another order %s", records, got, again)
		}
	})
}

func commonByContract(records []Record) string {
	var living []Record
	for _, r := range records {
		if r.Healthy {
			living = append(living, r)
		}
	}
	if living == nil {
		living = records
	}
	names := func(field func(Record) string) []string {
		set := map[string]bool{}
		var out []string
		for _, r := range living {
			if name := field(r); name != "" && !set[name] {
				set[name] = true
				out = append(out, name)
			}
		}
		slices.Sort(out)
		return out
	}
	place := [3]string{}
	for level, field := range []func(Record) string{
		func(r Record) string { return r.Region }, func(r Record) string { return r.Zone }, func(r Record) string { return r.Campus },
	} {
		said := names(field)
		if len(said) > 1 {
			break
		}
		place[level] = strings.Join(said, "")
	}
	sets := names(func(r Record) string { return string(r.SET) })
	return strings.TrimSpace(fmt.Sprint(sets, " ", Location{place[0], place[1], place[2]}))
}

// A source that an operator overrides says nothing of the SET any more.
func TestOverrideSET(t *testing.T) {
	f := CommonFacts([]Record{saidBy("a.b.c r"), saidBy("a.b.d r")}, &Origin{Source: SourceRegistry})
	f.OverrideSET("x.y.z")
	if got := commonText(f) + " from " + f.SETFrom.String(); got != "[x.y.z] r from override" {
		t.Error(got)
	}
}

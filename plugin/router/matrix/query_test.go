package matrix_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
)

func TestParameters(t *testing.T) {
	long := strings.Repeat("a", 1001)
	rows := func(text string) error { _, err := matrix.ParseRows(text); return err }
	columns := func(text string) error { _, err := matrix.ParseColumns(text); return err }
	set := func(text string) error {
		_, err := matrix.ParseFilter("callerSet", text, "callerPlace", "")
		return err
	}
	place := func(text string) error { _, err := matrix.ParseFilter("set", "", "place", text); return err }
	lost := func(text string) error { _, err := matrix.ParseTarget("lost", text); return err }
	for _, tt := range []struct {
		parse      func(string) error
		text, want string
	}{
		{rows, "", "<nil>"}, {rows, "business", "<nil>"}, {rows, "set", "<nil>"}, {rows, "kind", "<nil>"},
		{rows, "buisness", `rows "buisness" is not one of business, set, kind; did you mean "business"?`},
		{rows, "zone", `rows "zone" is not one of business, set, kind`},
		{columns, "zone", "<nil>"}, {columns, "campus", "<nil>"}, {columns, "set", "<nil>"},
		{columns, "kind", `columns "kind" is not one of zone, campus, set`},
		{columns, "<b>", `columns "<b>" is not one of zone, campus, set`},
		{set, "-", "<nil>"}, {set, "qb", "<nil>"}, {set, "qb.novel", "<nil>"}, {set, "qb.novel.*", "<nil>"},
		{set, "qb.novel.z.x", `callerSet "qb.novel.z.x" is not a SET or its first segments, as qb, qb.novel or qb.novel.z, and not - for none`},
		{set, "qb.", `callerSet "qb." is not a SET or its first segments, as qb, qb.novel or qb.novel.z, and not - for none`},
		{set, long, "callerSet has 1001 bytes, expected 1000 at most"},
		{place, "-", "<nil>"}, {place, "华南", "<nil>"}, {place, "华南/ap-shenzhen", "<nil>"}, {place, "华南/ap-shenzhen/2", "<nil>"},
		{place, "华南/", `place "华南/" is not region, region/zone or region/zone/campus, and not - for none`},
		{place, "a/b/c/d", `place "a/b/c/d" is not region, region/zone or region/zone/campus, and not - for none`},
		{place, long, "place has 1001 bytes, expected 1000 at most"},
		{lost, "zone:华南/ap-shenzhen", "<nil>"}, {lost, "region:华南", "<nil>"}, {lost, "campus:a/b/c", "<nil>"}, {lost, "set:qb.novel.*", "<nil>"},
		{lost, "", `lost "" is not region:R, zone:R/Z, campus:R/Z/C or set:a.b.c`},
		{lost, "华南/ap-shenzhen", `lost "华南/ap-shenzhen" is not region:R, zone:R/Z, campus:R/Z/C or set:a.b.c`},
		{lost, "city:x", `lost "city:x" is not region:R, zone:R/Z, campus:R/Z/C or set:a.b.c`},
		{lost, "zone:华南", `lost: zone "华南" is not region/zone`},
		{lost, "set:qb", `lost: SET name "qb" has 1 segment, expected three: business.area.group`},
		{lost, "set:" + long, "lost has 1005 bytes, expected 1000 at most"},
	} {
		if got := fmt.Sprint(tt.parse(tt.text)); got != tt.want {
			t.Errorf("%.40q: %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// A filter lets through what it names and what is below it, and nothing that is named
// alike.
func TestFilters(t *testing.T) {
	w, groups := newSmall(t)
	for _, tt := range []struct {
		callerSet, callerPlace, set, place string
		want                               string // SETs and places of the rows, and of the columns
	}{
		{"epp", "", "", "", "epp.core.bj@华北/ap-beijing | - 华东/ap-shanghai 华北/ap-beijing 华南/ap-shenzhen"},
		{"qb", "华南", "", "", "qb.novel.z@华南/ap-shenzhen | 华东/ap-shanghai 华南/ap-shenzhen"},
		{"qb.novel.z", "", "", "", "qb.novel.z@华南/ap-shenzhen | 华东/ap-shanghai 华南/ap-shenzhen"},
		{"qb.no", "", "", "", " | "},
		{"q", "", "", "", " | "},
		{"-", "", "", "", "@ | - 华北/ap-beijing"},
		{"", "-", "", "", "@ | - 华北/ap-beijing"},
		{"", "华北/ap-beijing/ap-beijing-3", "", "华北", "epp.core.bj@华北/ap-beijing qb.novel.bj@华北/ap-beijing | 华北/ap-beijing"},
		{"-", "", "-", "-", "@ | -"},
		{"qb.novel.z", "", "qb.novel.*", "", "qb.novel.z@华南/ap-shenzhen | 华南/ap-shenzhen"},
	} {
		q := matrix.Query{Rows: matrix.BySET, Columns: matrix.ByZone}
		var err, err2 error
		q.Callers, err = matrix.ParseFilter("callerSet", tt.callerSet, "callerPlace", tt.callerPlace)
		q.Callees, err2 = matrix.ParseFilter("set", tt.set, "place", tt.place)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		m := matrix.Now(w, groups, q)
		var rows, columns []string
		for _, r := range m.Rows {
			rows = append(rows, r.SET+"@"+r.Place)
		}
		for _, c := range m.Columns {
			if columns = append(columns, c.Place); c.Place == "" {
				columns[len(columns)-1] = "-"
			}
		}
		if got := strings.Join(rows, " ") + " | " + strings.Join(columns, " "); got != tt.want {
			t.Errorf("%+v:\ngot  %s", tt, got)
		}
	}
}

// No text makes the readers of parameters panic, and what they take they print as it came.
func FuzzParameters(f *testing.F) {
	for _, text := range []string{"", "-", "zone:华南/ap-shenzhen", "set:qb.novel.*", "qb.novel.z", "a/b/c", "..", "//", "region:\x00", "campus:a/b/c/d"} {
		f.Add(text, text)
	}
	w, groups := newSmall(&testing.T{})
	f.Fuzz(func(t *testing.T, set, place string) {
		if target, err := matrix.ParseTarget("lost", set); err == nil {
			again, err := matrix.ParseTarget("lost", target.String())
			if err != nil || again.String() != target.String() {
				t.Errorf("%q is read as %q, which is read as %q, %v", set, target, again, err)
			}
			matrix.Suppose(w, groups, matrix.Query{Rows: matrix.ByKind, Columns: matrix.ByZone}, matrix.Supposition{Lost: []matrix.Target{target}})
		}
		filter, err := matrix.ParseFilter("set", set, "place", place)
		if err != nil {
			return
		}
		m := matrix.Now(w, groups, matrix.Query{Rows: matrix.ByKind, Columns: matrix.BySET, Callers: filter, Callees: filter})
		for _, r := range m.Rows {
			if set != "" && set != matrix.Unknown && !strings.HasPrefix(r.SET, set) || set == matrix.Unknown && r.SET != "" || place == matrix.Unknown && r.Place != "" {
				t.Errorf("%q, %q let %q at %q through", set, place, r.SET, r.Place)
			}
		}
	})
}

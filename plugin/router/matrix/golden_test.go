package matrix_test

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

var update = flag.Bool("update", false, "write the golden files")

// A company with two businesses in three cities, a pool in one of them, and a place that is
// evacuated. Beijing has nothing of epp any more.
const smallMapping = `match,region,zone,campus,set
10.1.0.0/16,华南,ap-shenzhen,ap-shenzhen-2,
10.1.7.0/24,,,,qb.novel.z
10.1.8.0/24,,,,qb.novel.*
10.2.0.0/16,华东,ap-shanghai,ap-shanghai-1,
10.2.7.0/24,,,,qb.novel.h
10.4.0.0/16,华北,ap-beijing,ap-beijing-3,
10.4.7.0/24,,,,epp.core.bj
10.4.8.0/24,,,,qb.novel.bj
`

const smallRouting = `
version: 1
rules:
  - {name: novel, service: default/novel, set: {}, nearby: {}}
  - {name: core, service: default/core, set: {tiers: [own]}}
  - {name: trial, service: default/trial, set: {}, mode: shadow}
evacuate:
  - {zone: 华东/ap-shanghai, until: 2026-12-02T00:00:00Z, reason: power}
`

func newSmall(t *testing.T) (*world.World, []matrix.Asked) {
	w := loadWorld(t, smallMapping, smallRouting)
	add := func(service, host string, healthy bool) {
		w.Instances = append(w.Instances, world.Instance{ID: service + " " + host, Service: named(service), Host: host, Port: 80, Healthy: healthy, Weight: 100})
	}
	for _, host := range []string{"10.1.7.1", "10.1.7.2", "10.1.8.1", "10.2.7.1", "10.2.7.2"} {
		add("novel", host, host != "10.1.7.2")
	}
	add("core", "10.2.7.9", true)
	add("core", "10.1.7.9", true)
	add("trial", "10.1.7.4", true)
	add("plain", "10.4.7.7", true)
	w.Instances = append(w.Instances, world.Instance{ID: "nowhere", Service: named("plain"), Host: "192.0.2.1", Port: 80, Healthy: true, Weight: 100, Location: location.Location{Zone: "a zone of no region"}})
	var groups []matrix.Asked
	for _, asked := range []struct {
		service string
		callers []string
	}{
		{"novel", []string{"10.1.7.100", "10.1.7.101"}}, {"novel", []string{"10.2.7.100"}}, {"novel", []string{"10.4.8.100"}},
		{"core", []string{"10.4.7.100"}}, {"trial", []string{"10.1.7.100"}}, {"plain", []string{"10.4.7.100"}}, {"plain", []string{"192.0.2.9"}},
	} {
		g := matrix.Asked{Service: named(asked.service)}
		for _, text := range asked.callers {
			g.Callers = append(g.Callers, netip.MustParseAddr(text))
		}
		g.State = kindState(w, g.Service, g.Callers[0])
		g.State.Callers, g.State.Example, g.State.Last = len(g.Callers), g.Callers[0], now
		e := w.Explain(world.Request{Addr: g.Callers[0], Service: g.Service})
		if g.Listed = e.Answer == explain.AnswerRouted; g.Listed {
			for _, i := range e.Instances {
				if i.Sent {
					g.IDs = append(g.IDs, i.ID)
				}
			}
		}
		groups = append(groups, g)
	}
	w.Sort()
	w.Seen = matrix.Seen(groups)
	return w, groups
}

func compareGolden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	byDefault := matrix.Query{Rows: matrix.ByBusiness, Columns: matrix.ByZone}
	unfolded, err := matrix.ParseFilter("callerSet", "qb.novel", "callerPlace", "华南/ap-shenzhen")
	if err != nil {
		t.Fatal(err)
	}
	lost, err := matrix.ParseTarget("lost", "zone:华南/ap-shenzhen")
	if err != nil {
		t.Fatal(err)
	}
	misspelt, err := matrix.ParseTarget("evacuate", "zone:华南/ap-shenzen")
	if err != nil {
		t.Fatal(err)
	}
	for name, get := range map[string]func(*world.World, []matrix.Asked) any{
		"now": func(w *world.World, groups []matrix.Asked) any { return matrix.Now(w, groups, byDefault) },
		"unfolded": func(w *world.World, groups []matrix.Asked) any {
			return matrix.Now(w, groups, matrix.Query{Rows: matrix.ByKind, Columns: matrix.BySET, Callers: unfolded, Service: named("novel")})
		},
		"lost": func(w *world.World, groups []matrix.Asked) any {
			return matrix.Suppose(w, groups, byDefault, matrix.Supposition{Lost: []matrix.Target{lost}, Evacuate: []matrix.Target{misspelt}})
		},
		"services": func(w *world.World, groups []matrix.Asked) any {
			return matrix.Services(w, groups, matrix.ServiceQuery{Limit: 3})
		},
	} {
		t.Run(name, func(t *testing.T) { compareGolden(t, name, get(newSmall(t))) })
	}
}

// All kinds of callers that the mapping implies are in the matrix, also those of whom
// nobody asked. Those who asked are there once.
func TestAll(t *testing.T) {
	w, groups := newSmall(t)
	m := matrix.Now(w, groups, matrix.Query{Rows: matrix.ByKind, Columns: matrix.ByZone, Service: named("novel"), All: true})
	var got []string
	for _, r := range m.Rows {
		got = append(got, r.State+" "+r.SET+" "+r.Place)
	}
	want := []string{
		"empty epp.core.bj 华北/ap-beijing/ap-beijing-3",
		"widened qb.novel.h 华东/ap-shanghai/ap-shanghai-1", "widened qb.novel.bj 华北/ap-beijing/ap-beijing-3",
		"widened  华东/ap-shanghai/ap-shanghai-1", "widened  华北/ap-beijing/ap-beijing-3",
		"first qb.novel.z 华南/ap-shenzhen/ap-shenzhen-2", "first  ", "first  华南/ap-shenzhen/ap-shenzhen-2", "first qb.novel.* 华南/ap-shenzhen/ap-shenzhen-2",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(map[string]int{"empty": 0, "first": 2, "widened": 2}, m.Counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Where there are too many rows or columns, the worst rows and the columns that serve the
// most callers are left.
func TestBounds(t *testing.T) {
	w, groups := newCompany(t, "")
	m := matrix.Now(w, groups, matrix.Query{Rows: matrix.ByKind, Columns: matrix.BySET, Limit: 7})
	if len(m.Rows) != 7 || m.More != 193 {
		t.Errorf("%d rows and %d more", len(m.Rows), m.More)
	}
	all := 0
	for _, r := range m.Rows {
		all += r.Callers
	}
	if all >= m.Counts["first"] || m.Counts["first"] != 40000 {
		t.Errorf("%d of %v callers are listed", all, m.Counts)
	}
}

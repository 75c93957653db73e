package router

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// A reload that changes one mapping entry, or one rule, gives nobody else
// another revision: no other client fetches anything.
func TestReloadsConcernNobodyElse(t *testing.T) {
	const kinds = 30
	s, stock := newTestServer(t)
	stock.cached = nil
	for n := range 4 * kinds {
		stock.cached = append(stock.cached, stockInstance(fmt.Sprintf("10.9.0.%d", n), fmt.Sprintf("a.b.c%d", n%kinds)))
	}
	mapping := func(moved int) string {
		out := "match,set\n"
		for k := range kinds {
			set := k
			if k == moved {
				set = k + 1
			}
			out += fmt.Sprintf("10.%d.0.0/16,a.b.c%d\n", 100+k, set)
		}
		return out
	}
	rules := func(other int) string {
		out := "version: 1\nrules:\n"
		for k := range kinds {
			tiers := "own, pool"
			if k == other {
				tiers = "own, siblings"
			}
			out += fmt.Sprintf("  - {name: r%d, service: default/s, when: {ip: [10.%d.0.0/16]}, set: {tiers: [%s]}, degrade: {minUsable: 5}}\n", k, 100+k, tiers)
		}
		return out
	}
	load := func(csv, yaml string) {
		var problems strict.Problems
		table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(csv)}}, &problems)
		inForce := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(yaml)}}, time.Now(), &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		s.table, s.rules = func() *location.Table { return table }, func() *route.Rules { return inForce }
		s.sources = []location.Source{location.TableSource{Table: s.table}}
	}
	have := make([]string, kinds)
	fetched := func() (who []string) {
		for k := range kinds {
			resp, got := get(s, fmt.Sprintf("10.%d.0.1", 100+k), "s", have[k])
			if strings.HasPrefix(got, "200000 ") {
				have[k] = resp.Service.Revision.GetValue()
				who = append(who, fmt.Sprint(k))
			}
		}
		return who
	}
	load(mapping(-1), rules(-1))
	if n := len(fetched()); n != kinds {
		t.Fatalf("%d callers have a list, want all", n)
	}
	for _, step := range []struct {
		name, csv, yaml, want string
	}{
		{"the same files again", mapping(-1), rules(-1), ""},
		{"one mapping entry", mapping(3), rules(-1), "3"},
		{"one rule", mapping(3), rules(7), "7"},
		{"both back", mapping(-1), rules(-1), "3 7"},
	} {
		load(step.csv, step.yaml)
		if got := strings.Join(fetched(), " "); got != step.want {
			t.Errorf("%s: callers %q fetch a list, want %q", step.name, got, step.want)
		}
	}
}

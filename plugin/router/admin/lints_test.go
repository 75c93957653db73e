package admin

import (
	"testing"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Warnings are those of the files in force, and are found once for them.
func TestLints(t *testing.T) {
	var problems strict.Problems
	load := func(rule string) *route.Rules {
		return route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [" + rule + "]")}}, pageNow, &problems)
	}
	mapping := func(row string) *location.Table {
		return location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n" + row)}}, &problems)
	}
	rules, others := load("{name: r, service: d/s, set: {}}"), load("")
	table, pools := mapping("10.0.0.1,a.b.c"), mapping("10.0.0.1,a.b.*")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	var l lints
	first := l.of(rules, table, &serverconfig.Config{})
	if len(first) != 1 || &l.of(rules, table, &serverconfig.Config{})[0] != &first[0] {
		t.Errorf("%v, want one warning, found once", first)
	}
	for n, got := range [][]strict.Problem{l.of(rules, pools, &serverconfig.Config{}), l.of(others, pools, &serverconfig.Config{}), l.of(nil, nil, &serverconfig.Config{})} {
		if len(got) != 0 {
			t.Errorf("%d: %v, want none", n, got)
		}
	}
	if got := l.of(rules, table, &serverconfig.Config{}); len(got) != 1 {
		t.Errorf("%v, want the first warning again", got)
	}
}

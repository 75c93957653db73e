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
	first, unknown := l.of(rules, table, &serverconfig.Config{})
	if again, _ := l.of(rules, table, &serverconfig.Config{}); len(first) != 1 || &again[0] != &first[0] || len(unknown) != 0 {
		t.Errorf("%v, %v, want one warning, found once", first, unknown)
	}
	for n, files := range []struct {
		rules *route.Rules
		table *location.Table
	}{{rules, pools}, {others, pools}, {nil, nil}} {
		if got, unknown := l.of(files.rules, files.table, &serverconfig.Config{}); len(got)+len(unknown) != 0 {
			t.Errorf("%d: %v, %v, want none", n, got, unknown)
		}
	}
	if got, _ := l.of(rules, table, &serverconfig.Config{}); len(got) != 1 {
		t.Errorf("%v, want the first warning again", got)
	}
	if _, unknown := l.of(rules, mapping("10.0.0.1,a.b.*\n10.0.0.2,x.y.*"), &serverconfig.Config{}); len(unknown) != 1 {
		t.Errorf("%v, want one warning of unknown callers", unknown)
	}
}

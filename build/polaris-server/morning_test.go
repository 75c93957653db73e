package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The operator's morning of docs/import.md goes as printed, and again with the same
// export; an export that lost its rows ends at the plan.
func TestMorning(t *testing.T) {
	const mapping = "polaris://Polaris/setrouter/mapping/netbox.csv"
	server, console := start(t, polaristest.Options{Config: replacedConfig(t, "conf/mapping/*.yaml, conf/mapping/*.csv", mapping)})
	t.Setenv("SETROUTER_POLARIS_TOKEN", console.Token())
	put := func(name, text string) {
		t.Helper()
		done(t, os.WriteFile(filepath.Join(server.Dir, name), []byte(text), 0o600))
	}
	export := repoFile(t, "testdata/import/netbox-prefixes.csv")
	put("prefixes.csv", export)
	put("sites.csv", repoFile(t, "testdata/import/sites.csv"))
	words := [][]string{
		{"3 entries from 7 rows"},
		{"ok: 1 mapping file with 3 entries"},
		{"mapping files: 0 entries, and then 3\n"},
		{"  in force\n"},
		{"10.0.1.7\n", "zone    shenzhen  from mapping " + mapping + ":3 (10.0.1.0/26)"},
		{" 3 entries ", "agree: true"},
	}
	var lines []string
	runPage(t, "docs/import.md", map[string]func(string) string{"sh morning": func(block string) string {
		lines = strings.Split(strings.TrimSpace(block), "\n")
		return block
	}})
	if len(lines) != len(words) {
		t.Fatalf("the page has %d lines, want %d", len(lines), len(words))
	}
	for n, line := range lines {
		out, err := shell(server, line)
		if err != nil {
			t.Fatalf("$ %s: %v\n%s", line, err, out)
		}
		for _, w := range words[n] {
			if !strings.Contains(out, w) {
				t.Errorf("$ %s: not %q in\n%s", line, w, out)
			}
		}
	}
	for n, line := range lines { // the next morning, with the same export
		if out, err := shell(server, line); err != nil {
			t.Fatalf("the second time, line %d, $ %s: %v\n%s", n+1, line, err, out)
		}
	}
	rows := strings.Split(export, "\n")
	put("prefixes.csv", strings.Join(rows[:4], "\n")+"\n")
	for n, line := range lines[:3] {
		out, err := shell(server, line)
		if isPlan := n == 2; isPlan != (err != nil) || isPlan && !strings.Contains(out, "fails: refused") {
			t.Fatalf("a short export, $ %s: %v\n%s", line, err, out)
		}
	}
}

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file of testdata/field/gates is stopped by a word of --fail-on, whatever the
// percent of a rollout.
func TestGates(t *testing.T) {
	const refusedRules = `routing files: without --force the server would not take them: refused: 4 of 5 rules would be lost (80%), as rule "payment" of routing.yaml:8; more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force`
	const refusedEntries = `mapping files: without --force the server would not take them: refused: 8 of 20 entries would leave their addresses without anything (40%), as mapping.yaml:23 (127.11.0.0/16); 2 of 2 callers seen lately would lose their SET, their place or everything (100%), as 127.11.1.7 the SET of mapping.yaml:26 (127.11.1.0/24); more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force`
	for _, tt := range []struct {
		file, kind, failOn string
		code               int
		head               []string // the first lines, without empty ones
	}{
		{"routing", "routing", "empty,unusable,cross-region,cross-zone,changed,refused,rules-end,never-first,no-road,would-empty", 0,
			[]string{"13 kinds of callers, 6 services", "  empty         0"}},
		{"bad1", "routing", "empty", 1, []string{"fails: empty (13)", "13 kinds of callers, 6 services", "  empty         13"}},
		{"bad5", "routing", "empty", 1, []string{"fails: empty (13)", "13 kinds of callers, 6 services", "  empty         13"}},
		{"bad10", "routing", "empty", 1, []string{"fails: empty (13)", "13 kinds of callers, 6 services", "  empty         13"}},
		{"bad1", "routing", "refused,rules-end,never-first", 0, []string{"13 kinds of callers, 6 services", "  empty         13"}},
		{"b-typo", "routing", "empty", 1, []string{"fails: empty (13)", "13 kinds of callers, 6 services", "  empty         13"}},
		{"b-typo", "routing", "no-road", 1, []string{"fails: no-road (10)", "13 kinds of callers, 6 services", "  empty         13"}},
		{"r-trunc", "routing", "empty,refused", 1, []string{"fails: refused (1)", refusedRules, "13 kinds of callers, 6 services"}},
		{"r-trunc", "routing", "rules-end", 1, []string{"fails: rules-end (4)", refusedRules, "13 kinds of callers, 6 services"}},
		{"m-half", "mapping", "empty,refused", 1, []string{"fails: refused (1)", refusedEntries, "21 kinds of callers, 6 services"}},
		{"mapping", "mapping", "refused,changed,warnings", 1, []string{"fails: warnings (1)", "13 kinds of callers, 6 services", "  empty         0"}},
	} {
		t.Run(tt.file+" "+tt.failOn, func(t *testing.T) {
			t.Chdir("../../testdata/field/gates")
			var stdout, stderr bytes.Buffer
			code := run([]string{"plan", "--dump", "state.yaml", "--" + tt.kind, tt.file + ".yaml", "--fail-on", tt.failOn}, &stdout, &stderr)
			out, errs := stdout.String(), stderr.String()
			var head []string
			for line := range strings.Lines(out) {
				if line != "\n" && len(head) < len(tt.head) {
					head = append(head, strings.TrimSuffix(line, "\n"))
				}
			}
			if diff := cmp.Diff(tt.head, head); diff != "" || code != tt.code || errs != "" {
				t.Errorf("exit code %d, want %d, %s\n%s", code, tt.code, errs, diff)
			}
		})
	}
}

package strict

import (
	"fmt"
	"strings"
	"testing"
)

// A slip in a line is found in that line, not where the list or mapping around it
// begins, and the line is quoted.
func TestSyntaxFaultsHaveTheirLine(t *testing.T) {
	const good = "version: 1\nrules:\n  - name: a\n    service: d/a\n  # a comment\n  - name: b\n    service: d/b\n    set: {tiers: [own]}\n  - name: c\n    service: d/c\n"
	for _, tt := range []struct{ from, to, want string }{
		{"version: 1\n", "%YAML 1.2\n---\nversion: 1\n", `f.yaml:1:1: "%YAML 1.2" names a version of YAML, and this program reads 1.1 alone; delete the line`},
		{"    service: d/b", "   service: d/b", `f.yaml:7:1: not valid YAML: did not find expected '-' indicator, at "service: d/b"`},
		{"  - name: c", "   - name: c", `f.yaml:9:1: not valid YAML: did not find expected '-' indicator, at "- name: c"`},
		{"  - name: c", " - name: c", `f.yaml:9:1: not valid YAML: did not find expected key, at "- name: c"`},
		{"    service: d/c", "\tservice: d/c", `f.yaml:10:1: not valid YAML: the line begins with a tab, expected spaces, at "service: d/c"`},
		{"[own]}", "[own}", `f.yaml:8:1: not valid YAML: did not find expected ',' or ']', at "set: {tiers: [own}"`},
		{"[own]}", "[own]", `f.yaml:8:1: not valid YAML: did not find expected ',' or '}', at "set: {tiers: [own]"`},
		{"[own]}", "[own]}}", `f.yaml:8:1: not valid YAML: did not find expected key, at "set: {tiers: [own]}}"`},
		{"d/b", "*/b", `f.yaml:7:1: not valid YAML: did not find expected alphabetic or numeric character, at "service: */b"`},
		{"d/b", "*b", `f.yaml:7:1: not valid YAML: unknown anchor 'b' referenced, at "service: *b"`},
		{"d/b", `"d/b`, `f.yaml:7:1: not valid YAML: found unexpected end of stream, at "service: "d/b"`},
		{"d/c\n", "d/c\n---\n- a\n b: [\n", `f.yaml:13:1: not valid YAML: mapping values are not allowed in this context, at "b: ["`},
	} {
		var problems Problems
		_, ok := ParseYAML(File{Name: "f.yaml", Data: []byte(strings.Replace(good, tt.from, tt.to, 1))}, &problems)
		if got := fmt.Sprint(problems.Err()); ok || got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.to, got, tt.want)
		}
	}
}

// In a large file the fault is where reading stopped, and nothing is read again.
func TestSyntaxFaultInALargeFile(t *testing.T) {
	padding := "# " + strings.Repeat("x", maxReread) + "\n"
	var problems Problems
	_, _ = ParseYAML(File{Name: "f.yaml", Data: []byte(padding + "mappings:\n  - {match: a}\n - {match: b}\n  - {match: c}\n")}, &problems)
	if got, want := fmt.Sprint(problems.Err()), `f.yaml:4:1: not valid YAML: did not find expected key, at "- {match: b}"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

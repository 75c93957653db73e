package strict

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// tree returns a value with the place and the kind of everything in it.
func tree(n *yaml.Node) string {
	var b strings.Builder
	var write func(*yaml.Node)
	write = func(n *yaml.Node) {
		fmt.Fprintf(&b, "(%d:%d %d %s %q", n.Line, n.Column, n.Kind, n.Tag, n.Value)
		for _, c := range n.Content {
			write(c)
		}
		b.WriteByte(')')
	}
	write(n)
	return b.String()
}

// contents returns the keys of a file, with the entries of the list apart, and the
// problems. Parse is ParseYAML, which is the oracle, or parseLarge for every size.
func contents(text string, parse func(File, *Problems) (Node, bool)) (out, problems []string) {
	var ps Problems
	root, ok := parse(File{Name: "f.yaml", Data: []byte(text)}, &ps)
	if ok {
		for _, e := range root.Entries() {
			if e.Key.Raw() != "mappings" || e.Value.yaml.Kind != yaml.SequenceNode {
				out = append(out, tree(e.Key.yaml)+tree(e.Value.yaml))
				continue
			}
			out = append(out, fmt.Sprintf("%s list at %d:%d", tree(e.Key.yaml), e.Value.Line(), e.Value.Col()))
			Each(func(item Node) { out = append(out, tree(item.yaml)) })(e.Value)
		}
	}
	for _, p := range ps.List() {
		problems = append(problems, p.String())
	}
	return out, problems
}

// parseCut cuts lists of every size, into parts of this size.
func parseCut(part int) func(File, *Problems) (Node, bool) {
	return func(file File, problems *Problems) (Node, bool) {
		return parseLarge(file, "mappings", 0, part, problems)
	}
}

// failing is a testing.T or a rapid.T.
type failing interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkCut wants a list that is cut to be the list that is read whole. Where a file is no
// YAML, both say so.
func checkCut(t failing, text string) {
	t.Helper()
	want, wantProblems := contents(text, ParseYAML)
	for _, part := range []int{1, 40, partSize} {
		checkPart(t, text, part, want, wantProblems)
	}
}

func checkPart(t failing, text string, part int, want, wantProblems []string) {
	t.Helper()
	got, problems := contents(text, parseCut(part))
	if slices.ContainsFunc(wantProblems, func(p string) bool {
		return strings.Contains(p, "not valid YAML") || strings.Contains(p, "second YAML document") || strings.Contains(p, "names a version of YAML")
	}) {
		if len(problems) == 0 {
			t.Errorf("%q is read, and is refused whole: %v", text, wantProblems)
		}
		return
	}
	if isAnchor := func(p string) bool { return strings.HasSuffix(p, noAnchors) }; slices.ContainsFunc(wantProblems, isAnchor) {
		if !slices.ContainsFunc(problems, isAnchor) { // an alias ends the list
			t.Errorf("%q: %v, want %v", text, problems, wantProblems)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-whole +cut):\n%s", text, diff)
	}
	if diff := cmp.Diff(wantProblems, problems); diff != "" {
		t.Errorf("%q: problems (-whole +cut):\n%s", text, diff)
	}
}

// Lists in every style, with what can stand between their entries.
func TestLargeAsWhole(t *testing.T) {
	long := strings.Repeat("  - {match: 10.0.0.1, set: a.b.c}\n", 3000)
	for _, text := range []string{
		"version: 1\nmappings:\n" + long,
		"version: 1\nmappings:\n" + long + "default: {region: r}\n",
		"# c\nversion: 1\nmappings: # c\n\n# c\n  # c\n" + long + "# c\n" + long + "\ndefault: {region: r}\n",
		"mappings:\n- match: 10.0.0.1\n  labels:\n    a: b\n- match: [10.0.0.2,\n    10.0.0.3]\n  region: |\n    - text\n    # no comment\n- match:\nversion: 1\n",
		"mappings:\n  - match: \"a\n  - b\"\n  - match: c\n", "mappings:\n - a\n !", "mappings:\n- \"a\n- match: a\n- match: a\n  b\"\n",
		"mappings:\n  - \n  -\n  - - a\n    - b\n  - x: y\n    z:",
		"mappings:\n" + strings.Repeat("  - match: \"a\n  - b\"\n", 3000) + "version: 1",
		"mappings:\r\n  - a: b\r\n  - c: d\r\nversion: 1\r\n",
		"mappings:\n  - &x {a: b}\n  - c\n",
		"mappings: [a, b]\n", "mappings:\n  [a,\n  b]\n", "mappings:\n", "mappings:\nversion: 1\n", "mappings:\n  a: b\n", "mappings: &a\n  - b\n",
		"version: \"1\nmappings:\n  - a\n\"\n", "version: |\n  mappings:\n    - a\nmappings:\n  - b\n",
		"mappings:\n  - a\nmappings:\n  - b\n", "a: b\n", "mappings:\n  - a\n---\nb: c\n", "mappings:\n  - a\n...\n", "mappings:\n  - a\n b: c\n", "mappings:\n - a\n - b\nx:\n - c\n",
		"mappings:\n  - a\n\t\n  - b\n", "mappings:\n  - a\n  x: b\n", "mappings:\n  - a: b\n   c: d\n", "mappings:#x\n  - a\n", "mappings:\n  - ? a\n  - b\n", "mappings:\n  - a: b # c\n\n\n  # c\n  - c\n",
	} {
		checkCut(t, text)
	}
}

// Common forms are cut, and what looks like one is not.
func TestWhatIsCut(t *testing.T) {
	for text, want := range map[string]bool{
		"version: 1\nmappings:\n  - {match: a}\n":              true,
		"version: 1\nmappings: # c\n\n# c\n- match: a\nx: y\n": true,
		"\xef\xbb\xbfversion: 1\r\nmappings:\r\n  - a":         true,
		"mappings: [a]\n":                false,
		"mappings:\n  a: b\n":            false,
		"mappings:\n":                    false,
		"x: \"1\nmappings:\n  - a\n\"\n": false,
		"x:\n  mappings:\n    - a\n":     false,
		"mappings:\n  - a\u2028  - b\n":  false,
	} {
		var problems Problems
		root, ok := parseCut(partSize)(File{Name: "f.yaml", Data: []byte(text)}, &problems)
		if cut := root.long != nil; !ok || cut != want {
			t.Errorf("%q: cut %t, want %t, %v", text, cut, want, problems.List())
		}
	}
}

// A fault in a large file has its line; a large file whose list cannot be cut is refused.
func TestFaultsOfLargeFiles(t *testing.T) {
	entries := strings.Repeat("  - {match: 10.0.0.1, set: a.b.c}\n", 50_000)
	huge := strings.Repeat("  - {match: 10.0.0.1, set: a.b.c}\n", 1_000_000)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a bracket":      {"version: 1\nmappings:\n" + entries + "  - {match: 10.0.0.2\n" + entries, []string{`f.yaml:50003:1: not valid YAML: did not find expected ',' or '}', at "- {match: 10.0.0.2"`}},
		"a quote":        {"mappings:\n" + entries + "  - {match: \"10.0.0.2}\n" + entries, []string{`f.yaml:50002:1: not valid YAML: found unexpected end of stream, at "- {match: "10.0.0.2}"`}},
		"a tab":          {"mappings:\n" + entries + "  - match: 10.0.0.2\n\tset: a.b.c\n" + entries, []string{`f.yaml:50003:1: not valid YAML: the line begins with a tab, expected spaces, at "set: a.b.c"`}},
		"an alias":       {"mappings:\n" + entries + "  - {match: *x}\n" + entries, []string{`f.yaml:50002:13: ` + noAnchors}},
		"an anchor":      {"mappings:\n" + entries + "  - &x {match: a}\n" + entries, []string{`f.yaml:50002:5: ` + noAnchors}},
		"flow style":     {"mappings: [\n" + strings.ReplaceAll(huge, "}\n", "},\n") + "]\n", []string{`f.yaml: is larger than 32 MiB, and its mappings cannot be read in parts, expected a line "mappings:", and below it a line "- match: ..." for each entry; or CSV`}},
		"after the list": {"mappings:\n" + huge + "default: {region: r\n", []string{`f.yaml:1000002:1: not valid YAML: did not find expected ',' or '}', at "default: {region: r"`}},
	} {
		t.Run(name, func(t *testing.T) {
			var problems Problems
			if root, ok := ParseLarge(File{Name: "f.yaml", Data: []byte(c.text)}, "mappings", &problems); ok {
				root.Bind(Optional("version", "", Ignore), Optional("default", "", Ignore), Optional("mappings", "", Each(func(Node) {})))
			}
			var got []string
			for _, p := range problems.List() {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// drawYAML returns a file with a list, and with faults now and then.
func drawYAML(t *rapid.T) string {
	line := rapid.SampledFrom([]string{
		"- match: a", "- {match: a, set: b}", "- [a, b]", "- a", "-", "- |", "- >-", "- \"a", "b\"", "  set: b", "  labels: {a: b}", "  labels:", "    a: b", "# c", "", "text",
		"- a: b", "  c: 'd", "e'", "  - x", "- - y", "mappings:", "version: 1", "- &x a", "- *x", "- a: {b: c,", "  d: e}", "\t", "- !!str 1", "- ? a", "---", "...", "%YAML 1.2", "  a: |", "    - z",
	})
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(" ", rapid.SampledFrom([]int{2, 2, 2, 0, 4, 1}).Draw(t, "indent")) + line.Draw(t, "line")
	}), 1, 12).Draw(t, "lines")
	return "version: 1\nmappings:\n" + strings.Join(lines, "\n") + rapid.SampledFrom([]string{"\n", "", "\ndefault: {a: b}\n", "\nx:\n"}).Draw(t, "end")
}

func cutIsWhole(t *rapid.T) { checkCut(t, drawYAML(t)) }

func TestCutIsWhole(t *testing.T) { rapid.Check(t, cutIsWhole) }

// FuzzParseLarge compares lists that are cut with lists that are read whole.
func FuzzParseLarge(f *testing.F) {
	f.Add("version: 1\nmappings:\n  # c\n  - {match: 10.0.0.1, set: a.b.c}\n  - match: [a,\n      b]\ndefault: {region: r}\n")
	f.Add("mappings:\n  - match: \"a\n  - b\"\n  - c: |\n      - d\nversion: 1")
	f.Fuzz(func(t *testing.T, text string) {
		if CheckText([]byte(text)) == nil {
			checkCut(t, text)
		}
	})
}

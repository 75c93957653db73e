package strict_test

import (
	"strconv"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

// FuzzParseYAML asks every question of every value of a file. What is accepted
// is what the YAML library makes of the file when it decodes it by itself.
func FuzzParseYAML(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/*.yaml", "build/conf/*/*.yaml", "testdata/*/*.yaml") {
		f.Add(text)
	}
	for _, text := range []string{"a: &x [1]\nb: *x\n", "a: !!binary x\nb: ~\n? [c]\n: d\n", "a: 1\n---\nb: 2\n", "a: 0x10\nb: 1_0\nc: .inf\nd: True\n", "a: \"\\x1b\"\nb: '\u2028'\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := strict.File{Name: "f.yaml", Data: []byte(text)}
		var problems strict.Problems
		fuzztest.Bounded(t, len(text), func() {
			if root, ok := strict.ParseYAML(file, &problems); ok {
				var plain map[string]any
				if err := yaml.Unmarshal(file.Data, &plain); err != nil {
					plain = nil
				}
				walk(t, root, plain, 0)
			}
		})
		fuzztest.Problems(t, file.Data, problems.List())
		if _, ok := strict.ParseYAML(file, new(strict.Problems)); !ok && problems.Err() == nil {
			t.Error("refused without a problem")
		}
	})
}

func walk(t *testing.T, n strict.Node, plain any, depth int) {
	before := n.Faults()
	if text, ok := n.Text(); ok && plain != nil && plain != text {
		t.Errorf("text %q, YAML has %#v", text, plain)
	}
	if value, ok := n.Bool(); ok && plain != nil && plain != value {
		t.Errorf("%t, YAML has %#v", value, plain)
	}
	if value, ok := n.Int(-1<<31, 1<<31); ok && plain != nil && plain != value {
		t.Errorf("%d, YAML has %#v", value, plain)
	}
	if digits, ok := n.Number(); ok {
		if _, err := strconv.ParseFloat(digits, 64); err == nil && n.Raw() != digits {
			t.Errorf("number %q of %q", digits, n.Raw())
		}
	}
	_, _ = n.Word("own", "pool")
	n.NotNull("{} for the defaults")
	_, _ = n.HasAny("a"), n.HasOnly("a")
	if n.Faults() == before {
		t.Error("a value is everything at once")
	}
	if depth > 20 {
		return
	}
	list, _ := plain.([]any)
	for i, item := range n.OneOrItems() {
		if i < len(list) && n.Raw() == "" {
			walk(t, item, list[i], depth+1)
		}
	}
	fields, _ := plain.(map[string]any)
	for _, e := range n.Entries() {
		walk(t, e.Value, fields[e.Key.Raw()], depth+1)
	}
	n.Bind(strict.Optional("version", "", strict.Ignore), strict.Optional("rules", "", strict.Ignore), strict.Optional("mappings", "", strict.Ignore))
}

package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// A file of testdata has each key once at least. Reading it tells what every key is: the
// reader of the key says so itself (strict.Problems.Study).

// value is a value of an example, and what its reader expects there.
type value struct {
	path      string // as rules[].set.tiers; "" for the whole file
	node      *yaml.Node
	keys      []strict.Key // of a mapping that Bind reads
	reader    string       // file:line of the call of Bind
	form      string
	words     []string
	low, high any
	standard  any // the default
	oneOrList bool
}

// take takes over what a reader expects. What is said later says more.
func (v *value) take(e strict.Expectation) {
	if e.Keys != nil {
		v.keys, v.reader = e.Keys, e.Reader
	}
	if e.Form != "" {
		v.form, v.low, v.high = e.Form, e.Low, e.High
	}
	if e.Words != nil {
		v.words = e.Words
	}
	if e.Default != nil && v.standard == nil {
		v.standard = e.Default
	}
	v.oneOrList = v.oneOrList || e.OneOrList
}

// kind is a kind of files.
type kind struct {
	title, intro string
	whole        string   // with its article, for a heading
	examples     []string // files of testdata
	read         func(file strict.File, problems *strict.Problems)
}

// study reads the examples of a kind, and returns their values in the order of the files.
func (k kind) study(t *testing.T) (values []*value) {
	t.Helper()
	for _, name := range k.examples {
		text := example(t, name)
		file := strict.File{Name: filepath.Join("testdata", name), Data: []byte(text)}
		ofFile := valuesOf(t, text)
		values = append(values, ofFile...)
		var problems strict.Problems
		problems.Study(func(e strict.Expectation) {
			for _, v := range ofFile {
				if e.File == file.Name && v.node.Line == e.Line && v.node.Column == e.Col {
					v.take(e)
				}
			}
		})
		k.read(file, &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return values
}

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// valuesOf returns the values of a text.
func valuesOf(t *testing.T, text string) (values []*value) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	walk(doc.Content[0], "", func(path string, n *yaml.Node) { values = append(values, &value{path: path, node: n}) })
	return values
}

// walk visits a value and all below it.
func walk(n *yaml.Node, path string, visit func(path string, n *yaml.Node)) {
	visit(path, n)
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode && path == "apiservers":
			walk(c, path+"["+c.Content[1].Value+"]", visit)
		case n.Kind == yaml.SequenceNode:
			walk(c, path+"[]", visit)
		case i%2 == 1:
			walk(c, strings.TrimPrefix(path+"."+n.Content[i-1].Value, "."), visit)
		}
	}
}

// changed returns an example in which one value is another one, and where that value
// stands there.
func changed(t *testing.T, text string, n int, to string) (changedText string, line, col int) {
	t.Helper()
	var doc, node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(to), &node); err != nil {
		t.Fatal(err)
	}
	i := 0
	walk(doc.Content[0], "", func(_ string, v *yaml.Node) {
		if i == n {
			*v = *node.Content[0]
		}
		i++
	})
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	after := valuesOf(t, string(out))[n].node
	return string(out), after.Line, after.Column
}

// allOf returns what is known of the values with a path, taken together.
func allOf(values []*value, path string) (out value, forms []string, ok bool) {
	out.path = path
	for _, v := range values {
		if v.path != path {
			continue
		}
		if !ok {
			out.node, ok = v.node, true
		}
		if v.keys != nil && out.keys == nil {
			out.keys, out.reader = v.keys, v.reader
		}
		if out.words == nil {
			out.words = v.words
		}
		if v.low != nil {
			out.low, out.high = v.low, v.high
		}
		if out.standard == nil {
			out.standard = v.standard
		}
		out.oneOrList = out.oneOrList || v.oneOrList
		if v.form != "" && !slices.Contains(forms, v.form) {
			forms = append(forms, v.form)
		}
	}
	return out, forms, ok
}

// flow returns a value as it stands in one line.
func flow(t *testing.T, n *yaml.Node) string {
	t.Helper()
	copied := *n
	strip(&copied)
	copied.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&copied)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// strip takes comments away.
func strip(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for i, c := range n.Content {
		copied := *c
		strip(&copied)
		n.Content[i] = &copied
	}
}

// join returns the path of a key.
func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// shown returns a value for a table.
func shown(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("`%v`", v)
}

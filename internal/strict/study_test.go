package strict

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever studies is told what readers expect, in the order of the reading.
func TestStudy(t *testing.T) {
	count, isOn := 3, false
	var problems Problems
	var got []string
	problems.Study(func(e Expectation) {
		line := fmt.Sprintf("%s:%d:%d %s %v %v..%v default %v", e.File, e.Line, e.Col, e.Form, e.Words, e.Low, e.High, e.Default)
		for _, key := range e.Keys {
			line += fmt.Sprintf(" %s: %s (%t)", key.Name(), key.Means(), key.IsRequired())
		}
		got = append(got, line)
	})
	root, ok := ParseYAML(File{Name: "f.yaml", Data: []byte("count: 4\nby: on\n")}, &problems)
	if !ok {
		t.Fatal(problems.Err())
	}
	root.Bind(
		Required("count", "How many.", "no count", Int(&count, 1, 9)),
		Optional("by", "By what.", func(n Node) { Choice(&isOn, "off", "on")(n) }),
	)
	want := []string{
		"f.yaml:1:1  [] <nil>..<nil> default <nil> count: How many. (true) by: By what. (false)",
		"f.yaml:1:1 keys [] <nil>..<nil> default <nil>",
		"f.yaml:1:8  [] <nil>..<nil> default 3",
		"f.yaml:1:8 whole number [] 1..9 default <nil>",
		"f.yaml:2:5  [] <nil>..<nil> default off",
		"f.yaml:2:5 text [] <nil>..<nil> default <nil>",
		"f.yaml:2:5  [off on] <nil>..<nil> default <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := problems.Err(); err != nil {
		t.Error(err)
	}
}

// Keys among those of others are read, and the others are left alone.
func TestBindOwn(t *testing.T) {
	var problems Problems
	root, ok := ParseYAML(File{Name: "f.yaml", Data: []byte("theirs: {a: [b]}\nours: maybe\n")}, &problems)
	if !ok {
		t.Fatal(problems.Err())
	}
	isOn := false
	key := Optional("ours", "Ours.", Bool(&isOn))
	if values := root.BindOwn(key); !values.Has("ours") || values.Has("theirs") {
		t.Errorf("values are %v", values)
	}
	if got, want := fmt.Sprint(problems.Err()), `f.yaml:2:7: found "maybe", expected true or false`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if values := (Node{}).BindOwn(key); len(values) != 0 {
		t.Errorf("values of nothing are %v", values)
	}
}

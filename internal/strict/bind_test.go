package strict

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample has a key of each kind.
type sample struct {
	Text   string
	Bool   bool
	Int    int
	Choice bool
	Texts  map[string]string
	List   []string
}

func bindSample(t *testing.T, text string) (sample, []string, Values) {
	t.Helper()
	var problems Problems
	root, ok := ParseYAML(File{Name: "f.yaml", Data: []byte(text)}, &problems)
	if !ok {
		t.Fatal(problems.Err())
	}
	s := sample{Int: 7}
	values := root.Bind(
		Version(),
		Required("text", "", "the sample has no text, expected text: word", Text(&s.Text)),
		Optional("bool", "", Bool(&s.Bool)),
		Optional("int", "", Int(&s.Int, 1, 9)),
		Optional("choice", "", Choice(&s.Choice, "off", "on")),
		Optional("texts", "", Texts(&s.Texts)),
		Optional("list", "", Each(func(n Node) { s.List = append(s.List, n.TextOr()) })),
		Optional("other", "", Ignore),
	)
	var lines []string
	for _, p := range problems.List() {
		lines = append(lines, p.String())
	}
	return s, lines, values
}

func TestBind(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       sample
		faults     []string
	}{
		{"everything", "version: 1\ntext: a\nbool: true\nint: 3\nchoice: \"on\"\ntexts: {k: v}\nlist: [x, y]\nother: {what: [ever]}",
			sample{"a", true, 3, true, map[string]string{"k": "v"}, []string{"x", "y"}}, nil},
		{"the least", "version: 1\ntext: a", sample{Text: "a", Int: 7}, nil},
		{"nothing", "{}", sample{Int: 7}, []string{
			`f.yaml:1:1: key "version" is missing, expected version: 1`, "f.yaml:1:1: the sample has no text, expected text: word",
		}},
		{"unknown keys", "version: 1\ntext: a\ntxet: b\nzzz: 1", sample{Text: "a", Int: 7}, []string{
			`f.yaml:3:1: unknown key "txet"; did you mean "text"?`,
			`f.yaml:4:1: unknown key "zzz", expected one of version, text, bool, int, choice, texts, list, other`,
		}},
		{"wrong values", "version: 2\ntext: 1\nbool: maybe\nint: 10\nchoice: both\ntexts: [k]\nlist: x", sample{Texts: map[string]string{}}, []string{
			`f.yaml:1:10: found version "2", expected 1: the only version that this program knows`,
			`f.yaml:2:7: found "1", expected a text; put it in quotes: "1"`,
			`f.yaml:3:7: found "maybe", expected true or false`,
			`f.yaml:4:6: found "10", expected a whole number from 1 to 9`,
			`f.yaml:5:9: found "both", expected one of off, on`,
			`f.yaml:6:8: found a list, expected keys and values`,
			`f.yaml:7:7: found "x", expected a list`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, faults, _ := bindSample(t, tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.faults, faults); diff != "" {
				t.Errorf("faults (-want +got)\n%s", diff)
			}
		})
	}
}

func TestBindReturnsValues(t *testing.T) {
	_, _, values := bindSample(t, "version: 1\ntext: a\nzzz: 1")
	keys := map[string]bool{}
	for key := range values {
		keys[key] = true
	}
	if !maps.Equal(keys, map[string]bool{"version": true, "text": true}) || !values.Has("text") || values.Has("zzz") || values.Has("bool") {
		t.Errorf("values are %v", keys)
	}
}

package strict

import (
	"fmt"
	"testing"
)

// What YAML takes for true is true, also in capitals; a tag makes nothing true.
func TestBool(t *testing.T) {
	for text, want := range map[string]string{
		"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
		"yes": `b.yaml:1:4: found "yes", expected true or false`, "!!bool yes": `b.yaml:1:4: found "yes", expected true or false`,
		`"true"`: `b.yaml:1:4: found "true", expected true or false`, "1": `b.yaml:1:4: found "1", expected true or false`,
		"": `b.yaml:1:3: found nothing, expected true or false`,
	} {
		var problems Problems
		root, ok := ParseYAML(File{Name: "b.yaml", Data: []byte("b: " + text + "\n")}, &problems)
		if !ok {
			t.Fatal(problems.Err())
		}
		value, ok := root.Bind(Optional("b", "", Ignore))["b"].Bool()
		got := fmt.Sprint(value)
		if !ok {
			got = problems.Err().Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Two readers must not see two numbers.
func TestInt(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "7": 7, "+7": 7, "-7": -7, "010": -1, "-010": -1, "0x10": -1, "1_0": -1, "7.0": -1, "8": -1} {
		var problems Problems
		root, ok := ParseYAML(File{Name: "i.yaml", Data: []byte("i: " + text + "\n")}, &problems)
		if !ok {
			t.Fatal(problems.Err())
		}
		got, ok := root.Bind(Optional("i", "", Ignore))["i"].Int(-7, 7)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d; %v", text, got, want, problems.Err())
		}
	}
}

// A file without a document has no line to point to.
func TestNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"---":       "d.yaml: has no keys and values; delete the file or give it content",
		"--- ~\n":   "d.yaml: has no keys and values; delete the file or give it content",
		"# nothing": "d.yaml: has comments only; delete the file or give it content",
	} {
		var problems Problems
		if _, ok := ParseYAML(File{Name: "d.yaml", Data: []byte(text)}, &problems); ok || problems.Err().Error() != want {
			t.Errorf("%q: %v, want %s", text, problems.Err(), want)
		}
	}
}

// What is left out at the end is missed in the last line.
func TestPlacesAreInTheFile(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\n? b": "f.yaml:2:1: found nothing, expected a text",
		"a: 1\n? ":  "f.yaml:2:2: found nothing in the place of a key, expected a text; one that means \"null\" needs quotes",
	} {
		var problems Problems
		root, ok := ParseYAML(File{Name: "f.yaml", Data: []byte(text)}, &problems)
		if !ok {
			t.Fatal(problems.Err())
		}
		entries := root.Entries()
		for _, e := range entries[1:] {
			_, _ = e.Value.Text()
		}
		if got := problems.Err().Error(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A message is one line of a log, and moves no cursor, whatever it quotes.
func TestMessagesAreOneLine(t *testing.T) {
	var problems Problems
	problems.Add(Problem{File: "f", Message: "expected one of a\nb\x1b[2J\u202e\xff 华南"})
	if got, want := problems.Err().Error(), `f: expected one of a\nb\x1b[2J\u202e 华南`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

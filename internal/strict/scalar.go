package strict

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Text returns a string. Numbers and booleans are faults: `zone: 0755` or `set: on`
// would not be the text that stands in the file.
func (n Node) Text() (text string, ok bool) {
	n.Form("text")
	if n.yaml.Kind != yaml.ScalarNode || n.Null() {
		n.Errorf("found %s, expected a text", n.describe())
		return "", false
	}
	if n.yaml.Tag != "!!str" {
		n.Errorf("found %s, expected a text; put it in quotes: %q", n.describe(), n.yaml.Value)
		return "", false
	}
	return n.yaml.Value, true
}

// TextOr returns a text, as Text does; "" after a fault.
func (n Node) TextOr() string {
	text, _ := n.Text()
	return text
}

// Word returns a text that is one of words. Another text is a fault.
func (n Node) Word(words ...string) (word string, ok bool) {
	word, ok = n.Text()
	if !ok {
		return "", false
	}
	n.noteWords(words)
	if !slices.Contains(words, word) {
		n.Errorf("found %q%s", word, expected(word, words))
		return "", false
	}
	return word, true
}

// Int returns a whole number from low to high. 010 is a fault: YAML reads 8.
func (n Node) Int(low, high int) (value int, ok bool) {
	if n.studied() {
		n.Bounds("whole number", low, high)
	}
	digits := strings.TrimLeft(n.yaml.Value, "+-")
	octal := len(digits) > 1 && digits[0] == '0'
	value, err := strconv.Atoi(n.yaml.Value)
	if n.yaml.Kind != yaml.ScalarNode || n.yaml.Tag != "!!int" || octal || err != nil || value < low || value > high {
		n.Errorf("found %s, expected a whole number from %d to %d", n.describe(), low, high)
		return 0, false
	}
	return value, true
}

// Bool returns true or false. YAML also reads True and TRUE as true, False and FALSE
// as false.
func (n Node) Bool() (value, ok bool) {
	n.Form("true or false")
	if n.yaml.Kind == yaml.ScalarNode && n.yaml.Tag == "!!bool" {
		switch n.yaml.Value {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	n.Errorf("found %s, expected true or false", n.describe())
	return false, false
}

// Number returns the digits of a number as they stand in the file.
func (n Node) Number() (digits string, ok bool) {
	n.Form("number")
	if n.yaml.Kind != yaml.ScalarNode || n.yaml.Tag != "!!int" && n.yaml.Tag != "!!float" {
		n.Errorf("found %s, expected a number", n.describe())
		return "", false
	}
	return n.yaml.Value, true
}

// Secret returns a scalar of any kind as it stands in the file. No message quotes it.
func (n Node) Secret() string {
	n.Form("text")
	if n.yaml.Kind != yaml.ScalarNode {
		n.Errorf("found %s, expected a text", n.describe())
	}
	return n.yaml.Value
}

// Raw returns the text of a key or scalar as it stands in the file. Raw checks
// nothing.
func (n Node) Raw() string { return n.yaml.Value }

package strict

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Text returns a string. Numbers and booleans are refused: `zone: 0755` or
// `set: on` would not be the text that stands in the file.
func (n Node) Text() (string, bool) {
	if n.yaml.Kind != yaml.ScalarNode || n.Null() {
		n.Errorf("found %s, expected a text", n.what())
		return "", false
	}
	if n.yaml.Tag != "!!str" {
		n.Errorf("found %s, expected a text; put it in quotes: %q", n.what(), n.yaml.Value)
		return "", false
	}
	return n.yaml.Value, true
}

// TextOr returns an optional text; it is empty after a fault.
func (n Node) TextOr() string {
	s, _ := n.Text()
	return s
}

// Word returns a text that must be one of words.
func (n Node) Word(words ...string) (string, bool) {
	s, ok := n.Text()
	if !ok {
		return "", false
	}
	if !slices.Contains(words, s) {
		n.Errorf("found %q%s", s, expected(s, words))
		return "", false
	}
	return s, true
}

// Int returns a whole number from low to high. 010 is refused: for YAML it is 8.
func (n Node) Int(low, high int) (int, bool) {
	digits := strings.TrimLeft(n.yaml.Value, "+-")
	octal := len(digits) > 1 && digits[0] == '0'
	v, err := strconv.Atoi(n.yaml.Value)
	if n.yaml.Kind != yaml.ScalarNode || n.yaml.Tag != "!!int" || octal || err != nil || v < low || v > high {
		n.Errorf("found %s, expected a whole number from %d to %d", n.what(), low, high)
		return 0, false
	}
	return v, true
}

// Bool returns true or false. For YAML, True and TRUE are true as well.
func (n Node) Bool() (value, ok bool) {
	if n.yaml.Kind == yaml.ScalarNode && n.yaml.Tag == "!!bool" {
		switch n.yaml.Value {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	n.Errorf("found %s, expected true or false", n.what())
	return false, false
}

// Number returns the digits of a number as they stand in the file.
func (n Node) Number() (string, bool) {
	if n.yaml.Kind != yaml.ScalarNode || n.yaml.Tag != "!!int" && n.yaml.Tag != "!!float" {
		n.Errorf("found %s, expected a number", n.what())
		return "", false
	}
	return n.yaml.Value, true
}

// Raw is the text of a key or scalar as it stands in the file, unchecked.
func (n Node) Raw() string { return n.yaml.Value }

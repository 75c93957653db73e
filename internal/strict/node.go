package strict

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Node is a value in a YAML file. Its methods report what is wrong with the
// value to the Problems given to ParseYAML and return false or nothing then,
// so that one reading finds every fault. Anchors and aliases are refused:
// a few lines of them can stand for gigabytes.
type Node struct {
	yaml     *yaml.Node
	file     string
	problems *Problems
}

// File and Line say where the value is.
func (n Node) File() string { return n.file }

// Line counts from 1.
func (n Node) Line() int { return n.yaml.Line }

// Errorf reports a fault at the value.
func (n Node) Errorf(format string, args ...any) {
	n.problems.Add(Problem{File: n.file, Line: n.yaml.Line, Col: n.yaml.Column, Message: fmt.Sprintf(format, args...)})
}

// Entry is a key and its value.
type Entry struct {
	Key   Node
	Value Node
}

// Entries returns the keys and values of a mapping in their order. A null
// value counts as an empty mapping.
func (n Node) Entries() []Entry {
	if n.Null() {
		return nil
	}
	if n.yaml.Kind != yaml.MappingNode {
		n.Errorf("found %s, expected keys and values", n.what())
		return nil
	}
	seen := map[string]int{}
	var out []Entry
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		key := n.child(n.yaml.Content[i])
		if key.yaml.Kind != yaml.ScalarNode {
			key.Errorf("found %s, expected a key", key.what())
			continue
		}
		if line, ok := seen[key.yaml.Value]; ok {
			key.Errorf("key %q is given twice, first in line %d", key.yaml.Value, line)
			continue
		}
		seen[key.yaml.Value] = key.yaml.Line
		out = append(out, Entry{Key: key, Value: n.child(n.yaml.Content[i+1])})
	}
	return out
}

// Items returns the values of a list.
func (n Node) Items() []Node {
	if n.yaml.Kind != yaml.SequenceNode {
		n.Errorf("found %s, expected a list", n.what())
		return nil
	}
	out := make([]Node, len(n.yaml.Content))
	for i, c := range n.yaml.Content {
		out[i] = n.child(c)
	}
	return out
}

// OneOrItems returns the values of a list, or the one value that stands where
// a list may.
func (n Node) OneOrItems() []Node {
	if n.yaml.Kind == yaml.ScalarNode {
		return []Node{n}
	}
	return n.Items()
}

func (n Node) child(c *yaml.Node) Node {
	if c.Kind == yaml.AliasNode || c.Anchor != "" {
		Node{yaml: c, file: n.file, problems: n.problems}.Errorf("YAML anchors and aliases are not supported; write the value out")
		c = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: c.Line, Column: c.Column}
	}
	return Node{yaml: c, file: n.file, problems: n.problems}
}

// what describes the value for an error message.
func (n Node) what() string {
	switch n.yaml.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Null() {
		return "nothing"
	}
	return strconv.Quote(n.yaml.Value)
}

// Peek is the text below keys, in a section that is not ours to judge: whatever
// is there, anchors included, nothing is reported. Empty: no scalar is there.
func (n Node) Peek(keys ...string) string {
	at := n.yaml
	for {
		if at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		if len(keys) == 0 {
			break
		}
		i := 0
		for i+1 < len(at.Content) && at.Content[i].Value != keys[0] {
			i += 2
		}
		if at.Kind != yaml.MappingNode || i+1 >= len(at.Content) {
			return ""
		}
		at, keys = at.Content[i+1], keys[1:]
	}
	if at.Kind != yaml.ScalarNode || at.Tag == "!!null" {
		return ""
	}
	return at.Value
}

// NotNull reports a key without a value, where that could be a slip and an
// empty mapping means something.
func (n Node) NotNull(instead string) {
	if n.Null() {
		n.Errorf("found nothing, expected keys and values, or %s for the defaults", instead)
	}
}

// HasAny reports whether a mapping has one of the keys.
func (n Node) HasAny(keys ...string) bool {
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		if slices.Contains(keys, n.yaml.Content[i].Value) {
			return true
		}
	}
	return false
}

// HasOnly reports whether a mapping has no other key.
func (n Node) HasOnly(key string) bool {
	return len(n.yaml.Content) == 2 && n.yaml.Content[0].Value == key
}

// Col counts from 1.
func (n Node) Col() int { return n.yaml.Column }

// Null reports whether the value is left out, as in `key:`.
func (n Node) Null() bool { return n.yaml.Kind == yaml.ScalarNode && n.yaml.Tag == "!!null" }

// Faults is the number of faults found so far in all that is being read.
func (n Node) Faults() int { return len(n.problems.list) }

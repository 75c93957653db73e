package strict

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Node is a value in a YAML file. If the value is not what a method expects, the
// method adds a fault to the Problems of ParseYAML, and returns false or nothing. So
// one reading finds every fault. Anchors and aliases are faults: a few lines of them
// can stand for gigabytes.
type Node struct {
	yaml     *yaml.Node
	file     string
	problems *Problems
	refused  bool      // the value is an anchor or alias, which is a fault already
	long     *longList // a list that is read in parts, of the value or of one of its keys; nil: none
}

// noAnchors is the fault of an anchor or alias.
const noAnchors = "YAML anchors and aliases are not supported; write each value out"

// File returns the name of the file.
func (n Node) File() string { return n.file }

// Line returns the line of the value, counted from 1.
func (n Node) Line() int { return n.yaml.Line }

// Col returns the column of the value, counted from 1.
func (n Node) Col() int { return n.yaml.Column }

// Errorf adds a fault at the value. It adds none to a value that is an anchor or alias, or
// that has a merge: the fault is that.
func (n Node) Errorf(format string, args ...any) {
	if n.refused || n.Merges() {
		n.problems.unsaid++
		return
	}
	n.problems.Add(Problem{File: n.file, Line: n.yaml.Line, Col: n.yaml.Column, Message: fmt.Sprintf(format, args...)})
}

// Entry is a key and its value.
type Entry struct {
	Key   Node
	Value Node
}

// Entries returns the keys and values of a mapping in the order of the file; nil
// after a fault. A null value counts as an empty mapping.
func (n Node) Entries() []Entry {
	n.Form("keys")
	if n.Null() {
		return nil
	}
	if n.yaml.Kind != yaml.MappingNode {
		n.Errorf("found %s, expected keys and values", n.describe())
		return nil
	}
	seen := map[string]int{}
	var out []Entry
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		key := n.child(n.yaml.Content[i])
		if key.yaml.Tag == mergeTag {
			n.refuse(key.yaml)
			continue
		}
		if key.yaml.Kind != yaml.ScalarNode {
			key.Errorf("found %s, expected a key", key.describe())
			continue
		}
		if key.Null() {
			if !key.refused {
				key.Errorf("found nothing in the place of a key, expected a text; one that means \"null\" needs quotes")
			}
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

// Items returns the values of a list; nil after a fault.
func (n Node) Items() (items []Node) {
	n.Form("list")
	if n.yaml.Kind != yaml.SequenceNode {
		n.Errorf("found %s, expected a list", n.describe())
		return nil
	}
	if n.long != nil && n.yaml == n.long.node {
		n.long.each(n, func(item Node) { items = append(items, item) })
		return items
	}
	out := make([]Node, len(n.yaml.Content))
	for i, c := range n.yaml.Content {
		out[i] = n.child(c)
	}
	return out
}

// OneOrItems returns the values of a list, or a scalar that stands in place of a
// list.
func (n Node) OneOrItems() []Node {
	if n.studied() {
		n.note(Expectation{OneOrList: true})
	}
	if n.yaml.Kind == yaml.ScalarNode {
		return []Node{n}
	}
	return n.Items()
}

// child returns a value inside n. An anchor or alias is a fault, and counts as null.
func (n Node) child(c *yaml.Node) Node {
	refused := c.Kind == yaml.AliasNode || c.Anchor != ""
	if refused {
		n.refuse(c)
		c = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: c.Line, Column: c.Column}
	}
	child := Node{yaml: c, file: n.file, problems: n.problems, refused: refused}
	if n.long != nil && c == n.long.node {
		child.long = n.long
	}
	return child
}

// each calls read for each value of a list, in parts if the list is long. If the node is
// no list, which is a fault, each calls nothing.
func (n Node) each(read func(Node)) {
	if n.long != nil && n.yaml == n.long.node {
		n.long.each(n, read)
		return
	}
	for _, item := range n.Items() {
		read(item)
	}
}

// mergeTag is the tag of the key "<<".
const mergeTag = "!!merge"

// Merges reports whether a mapping takes keys from elsewhere by "<<", which is a fault.
func (n Node) Merges() bool {
	if n.yaml.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.yaml.Content); i += 2 {
		if n.yaml.Content[i].Tag == mergeTag {
			return true
		}
	}
	return false
}

// refuse adds the fault of an anchor, alias or merge, once for a file.
func (n Node) refuse(c *yaml.Node) {
	if n.problems.unsaid++; n.problems.noteAnchor(n.file) {
		n.problems.Add(Problem{File: n.file, Line: c.Line, Col: c.Column, Message: noAnchors})
	}
}

// describe returns the words for the value in a message.
func (n Node) describe() string {
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

// Peek returns the scalar under a path of keys; "" if there is none. Peek is for
// sections of other programs: it follows aliases, and never adds a fault.
func (n Node) Peek(keys ...string) string {
	value := n.yaml
	for {
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if len(keys) == 0 {
			break
		}
		i := 0
		for i+1 < len(value.Content) && value.Content[i].Value != keys[0] {
			i += 2
		}
		if value.Kind != yaml.MappingNode || i+1 >= len(value.Content) {
			return ""
		}
		value, keys = value.Content[i+1], keys[1:]
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		return ""
	}
	return value.Value
}

// NotNull adds a fault if the value is left out. It is for mappings in which every
// key is optional; instead is what to write where nothing is meant.
func (n Node) NotNull(instead string) {
	if n.Null() && !n.refused {
		n.Errorf("found nothing, expected keys and values, or %s", instead)
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

// Find returns the value of a key, if the mapping has the key. It adds no fault.
func (n Node) Find(key string) (value Node, ok bool) {
	if !n.IsMapping() {
		return Node{}, false
	}
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		if n.yaml.Content[i].Value == key {
			return Node{yaml: n.yaml.Content[i+1], file: n.file, problems: n.problems}, true
		}
	}
	return Node{}, false
}

// IsMapping reports whether the node has keys.
func (n Node) IsMapping() bool { return n.yaml.Kind == yaml.MappingNode }

// IsText reports whether the node is a text.
func (n Node) IsText() bool { return n.yaml.Kind == yaml.ScalarNode && n.yaml.Tag == "!!str" }

// Null reports whether the value is left out, as in `key:`.
func (n Node) Null() bool { return n.yaml.Kind == yaml.ScalarNode && n.yaml.Tag == "!!null" }

// Faults returns a number that grows with each fault in the Problems, of all files, also
// with faults that follow from another and are not said.
func (n Node) Faults() int { return len(n.problems.list) + n.problems.unsaid }

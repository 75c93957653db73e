package strict

import "slices"

// Key is a key of a mapping, and the function that reads its value. The code names
// each key once, beside the variable that its value goes to.
type Key struct {
	name    string
	means   string // for docs/reference/configuration.md
	read    func(Node)
	missing string // the fault of a mapping without the key; empty: the key may be left out
}

// Optional returns a key that may be left out. means says in a sentence what the key is
// for: the reference of all keys has it.
func Optional(name, means string, read func(Node)) Key {
	return Key{name: name, means: means, read: read}
}

// Required returns a key that must be given. missing is the message of the fault if
// the key is not given.
func Required(name, means, missing string, read func(Node)) Key {
	return Key{name, means, read, missing}
}

// Bind reads the values of a mapping in the order of keys, not in the order of the
// file, and returns the values. A key of the mapping that is not one of keys is a
// fault.
func (n Node) Bind(keys ...Key) Values {
	values := Values{}
	n.noteKeys(keys)
	for _, e := range n.Entries() {
		name := e.Key.yaml.Value
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.name == name }) {
			e.Key.Errorf("unknown key %q%s", name, unknownKey(name, namesOf(keys)))
			continue
		}
		values[name] = e.Value
	}
	for _, key := range keys {
		value, ok := values[key.name]
		switch {
		case ok:
			key.read(value)
		case key.missing != "":
			n.Errorf("%s", key.missing)
		}
	}
	return values
}

// BindOwn reads the values of keys that stand among the keys of others. n may be the zero
// Node: then there is none.
func (n Node) BindOwn(keys ...Key) Values {
	values := Values{}
	if n == (Node{}) || !n.IsMapping() {
		return values
	}
	n.noteKeys(keys)
	for _, e := range n.Entries() {
		for _, key := range keys {
			if key.name == e.Key.yaml.Value {
				values[key.name] = e.Value
				key.read(e.Value)
			}
		}
	}
	return values
}

func namesOf(keys []Key) []string {
	names := make([]string, len(keys))
	for n, key := range keys {
		names[n] = key.name
	}
	return names
}

// Values are the values of a mapping by their keys. Callers use them for faults that
// concern several keys.
type Values map[string]Node

// Has reports whether the mapping has a key.
func (v Values) Has(key string) bool {
	_, ok := v[key]
	return ok
}

// The functions below return readers for Optional and Required. After a fault a
// reader sets the zero value.

// Text returns a reader of a text.
func Text(into *string) func(Node) {
	return func(n Node) {
		if n.studied() && *into != "" {
			n.Default(*into)
		}
		*into, _ = n.Text()
	}
}

// Bool returns a reader of true or false.
func Bool(into *bool) func(Node) {
	return func(n Node) {
		if n.studied() {
			n.Default(*into)
		}
		*into, _ = n.Bool()
	}
}

// Int returns a reader of a whole number from low to high.
func Int(into *int, low, high int) func(Node) {
	return func(n Node) {
		if n.studied() {
			n.Default(*into)
		}
		*into, _ = n.Int(low, high)
	}
}

// Choice returns a reader of one of two words: off is false, on is true.
func Choice(into *bool, off, on string) func(Node) {
	return func(n Node) {
		n.Default(map[bool]string{false: off, true: on}[*into])
		word, _ := n.Word(off, on)
		*into = word == on
	}
}

// Texts returns a reader of a mapping of any keys to texts.
func Texts(into *map[string]string) func(Node) {
	return func(n Node) {
		*into = map[string]string{}
		for _, e := range n.Entries() {
			(*into)[e.Key.Raw()] = e.Value.TextOr()
		}
	}
}

// Each returns a reader of a list that calls read for each value.
func Each(read func(Node)) func(Node) {
	return func(n Node) { n.each(read) }
}

// Ignore is a reader that leaves the value to others.
func Ignore(Node) {}

// Version returns the key `version: 1` that every file needs.
func Version() Key {
	return Required("version", "The version of the format.", `key "version" is missing, expected version: 1`, func(n Node) {
		n.Bounds("whole number", 1, 1)
		if n.yaml.Tag != "!!int" || n.yaml.Value != "1" {
			n.Errorf("found version %q, expected 1: the only version that this program knows", n.yaml.Value)
		}
	})
}

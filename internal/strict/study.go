package strict

import (
	"fmt"
	"runtime"
)

// Expectation is what a reader expects of a value of a file. A value can have several,
// as a reader asks for a text first, and then for one of some words: the later one says
// more. Empty fields say nothing.
type Expectation struct {
	File      string
	Line, Col int
	Keys      []Key    // of a mapping that Bind reads
	Reader    string   // file:line of the call of Bind
	Form      string   // as "text", or "list" for a list, "keys" for any keys
	OneOrList bool     // one value can stand in the place of a list
	Words     []string // the only words that are read
	Low, High any      // the lowest and the highest value: two numbers of one type
	Default   any      // the value in force without the key
}

// Study has note called with what readers expect of the values that they read. The
// reference of all keys is made of it: docs/reference/configuration.md.
func (ps *Problems) Study(note func(Expectation)) { ps.study = note }

// studied reports whether somebody studies.
func (n Node) studied() bool { return n.problems != nil && n.problems.study != nil }

// note tells what is expected at n. Somebody studies.
func (n Node) note(e Expectation) {
	e.File, e.Line, e.Col = n.file, n.yaml.Line, n.yaml.Column
	n.problems.study(e)
}

// noteKeys tells which keys Bind reads, and who called Bind.
func (n Node) noteKeys(keys []Key) {
	if !n.studied() {
		return
	}
	_, file, line, _ := runtime.Caller(2)
	n.note(Expectation{Keys: keys, Reader: fmt.Sprintf("%s:%d", file, line)})
}

// Form tells the reference what a text is, as "SET name". It checks nothing.
func (n Node) Form(form string) {
	if n.studied() {
		n.note(Expectation{Form: form})
	}
}

// Bounds tells the reference what is read, and the lowest and the highest value: two
// numbers of one type. It checks nothing.
func (n Node) Bounds(form string, low, high any) {
	if n.studied() {
		n.note(Expectation{Form: form, Low: low, High: high})
	}
}

// Default tells the reference which value is in force without the key.
func (n Node) Default(value any) {
	if n.studied() {
		n.note(Expectation{Default: value})
	}
}

// noteWords tells which words are read, and no other.
func (n Node) noteWords(words []string) {
	if n.studied() {
		n.note(Expectation{Words: words})
	}
}

// Name returns the key.
func (k Key) Name() string { return k.name }

// Means returns what the key says, in a sentence for the reference.
func (k Key) Means() string { return k.means }

// IsRequired reports whether the key must be given.
func (k Key) IsRequired() bool { return k.missing != "" }

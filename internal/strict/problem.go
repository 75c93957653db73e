// Package strict reads configuration files and accepts nothing that is not expected.
// For every fault it says where the fault is, what stands there and what was
// expected.
package strict

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Problem is one fault. Line and Col count from 1; 0 means that the fault concerns
// the whole file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Col     int    `json:"col,omitempty"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"` // a warning does not stop a load
}

// Warning returns a fault that does not stop a load.
func Warning(file string, line, col int, format string, args ...any) Problem {
	return Problem{File: file, Line: line, Col: col, Message: fmt.Sprintf(format, args...), Warning: true}
}

// String returns file:line:col: message, as compilers print faults.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems collects every fault of a load. The zero value is ready for use. Problems
// are not safe for concurrent use.
type Problems struct {
	list     []Problem
	anchored map[string]bool // the files with a fault about anchors
	unsaid   int             // faults that follow from another one
	study    func(Expectation)
}

// noteAnchor reports whether there is no fault yet about anchors in a file.
func (ps *Problems) noteAnchor(file string) bool {
	if ps.anchored[file] {
		return false
	}
	if ps.anchored == nil {
		ps.anchored = map[string]bool{}
	}
	ps.anchored[file] = true
	return true
}

// Bounds of what a file can put into logs and statuses.
const (
	maxMessage = 2000 // bytes of one message
	maxFaults  = 100  // lines of an Error
)

// Add adds a fault. It cuts a message that is very long, and writes control
// characters as escapes, so that a message is one line.
func (ps *Problems) Add(p Problem) {
	message := printable(strings.ToValidUTF8(p.Message[:min(len(p.Message), maxMessage)], ""))
	if len(p.Message) > maxMessage || len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:min(len(message), maxMessage)], "") + "..."
	}
	p.Message = message
	ps.list = append(ps.list, p)
}

// printable returns s with escapes as %q has them, except for quotes and
// backslashes.
func printable(s string) string {
	isControl := func(r rune) bool { return r != ' ' && !strconv.IsPrint(r) }
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// List returns the faults and warnings, ordered by file, line and column.
func (ps *Problems) List() []Problem {
	sort.SliceStable(ps.list, func(i, j int) bool {
		a, b := ps.list[i], ps.list[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return ps.list
}

// Warnings returns the faults that do not stop a load.
func (ps *Problems) Warnings() []Problem {
	var out []Problem
	for _, p := range ps.List() {
		if p.Warning {
			out = append(out, p)
		}
	}
	return out
}

// Err returns an Error with every fault; nil if there are only warnings, or
// nothing.
func (ps *Problems) Err() error {
	var faults Error
	for _, p := range ps.List() {
		if !p.Warning {
			faults = append(faults, p)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}

// Error is every fault of a load.
type Error []Problem

// Error returns the Lines as one text.
func (e Error) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns a line for each fault. Of very many faults it returns the first 100,
// and a line that counts the rest.
func (e Error) Lines() []string {
	lines := []string{}
	for i, p := range e {
		if i == maxFaults {
			return append(lines, fmt.Sprintf("and %d more; setctl check shows each kind", len(e)-maxFaults))
		}
		lines = append(lines, p.String())
	}
	return lines
}

// Lines returns what is wrong by an error of any kind, a line for each fault of an
// Error. It returns an empty list for nil.
func Lines(err error) []string {
	if faults, ok := errors.AsType[Error](err); ok {
		return faults.Lines()
	}
	if err == nil {
		return []string{}
	}
	return []string{err.Error()}
}

// Package strict reads configuration files without forgiving anything, and
// says of every fault where it is, what stands there and what was expected.
package strict

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one fault at one place. Line and Col count from 1; 0 means that
// the fault is the file's as a whole.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Col     int    `json:"col,omitempty"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"` // does not stop a load
}

// Warning is a fault that does not stop a load.
func Warning(file string, line, col int, format string, args ...any) Problem {
	return Problem{File: file, Line: line, Col: col, Message: fmt.Sprintf(format, args...), Warning: true}
}

// String is file:line:col: message, as compilers print it.
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

// Problems collects every fault of a load. The zero value is ready for use. It
// is not safe for concurrent use.
type Problems struct {
	list []Problem
}

// Add notes a fault.
func (ps *Problems) Add(p Problem) { ps.list = append(ps.list, p) }

// List returns the faults and warnings, by file and place.
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

// Warnings returns what does not stop a load.
func (ps *Problems) Warnings() []Problem {
	var out []Problem
	for _, p := range ps.List() {
		if p.Warning {
			out = append(out, p)
		}
	}
	return out
}

// Err returns nil when there are warnings at most, else an Error with every
// fault.
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

// Error is every fault of a load, a line each.
type Error []Problem

func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

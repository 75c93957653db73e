package location

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/gaissmai/bart"
	"go4.org/netipx"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// LoadMapping reads mapping files into a table. Files whose names end in .csv are
// CSV, all others are YAML (README.md has the formats). LoadMapping adds every
// fault to problems, and returns nil if there is a fault. What is likely a mistake is in
// the Warnings of the table.
func LoadMapping(files []strict.File, problems *strict.Problems) *Table {
	l := &mappingLoader{table: &Table{}, problems: problems, refs: &bart.Table[entryRef]{}, pool: newPool(), badNames: map[uint32][]badName{}}
	for _, file := range files {
		if strings.EqualFold(filepath.Ext(file.Name), ".csv") {
			l.readCSV(file)
			continue
		}
		if root, ok := strict.ParseLarge(file, "mappings", problems); ok {
			l.readYAML(root)
		}
	}
	l.complete()
	if problems.Err() != nil {
		return nil
	}
	return l.table
}

// mappingLoader reads several files into one table.
type mappingLoader struct {
	table    *Table
	problems *strict.Problems
	refs     *bart.Table[entryRef] // the entries by their prefixes, before inheritance
	ranges   []rangeRef            // the entries of ranges that are no prefix
	repeats  repeats
	pool     *pool
	badNames map[uint32][]badName // by statement
	fallback *entry               // nil: no file has a default so far
}

// entryRef is what the loader keeps for a prefix.
type entryRef struct {
	statement uint32 // in the pool
	row       uint32 // in the table
	col       int32  // where the entry begins
}

// entry is an entry of a file, before inheritance, and where it stands.
type entry struct {
	facts     Facts
	file      string
	line, col int
	levels    [3]position // of the names of its location
}

// problem returns a fault of the entry.
func (e *entry) problem(format string, args ...any) strict.Problem {
	return strict.Problem{File: e.file, Line: e.line, Col: e.col, Message: fmt.Sprintf(format, args...)}
}

// empty reports whether the entry says nothing of its addresses.
func (e *entry) empty() bool {
	f := &e.facts
	return f.Location == Location{} && f.SET == "" && len(f.Labels) == 0 && f.Shared == nil
}

// checkFields returns an error if fields of the entry contradict each other, or if
// there are none. In the error, what is the word for the entry.
func (e *entry) checkFields(what string) error {
	f := &e.facts
	switch {
	case f.Shared != nil && (f.SET != "" || len(f.Labels) > 0):
		return errors.New("a shared address has no SET and no labels, expected one or the other")
	case f.Region != "" && f.Zone == "" && f.Campus != "":
		return fmt.Errorf("campus %q has a region but no zone beside it, expected a zone too: an entry with a region inherits none", f.Campus)
	case e.empty():
		return fmt.Errorf("the %s says nothing of its addresses, expected region, zone, campus, set, labels or shared", what)
	}
	return nil
}

// addRow gives an entry its row in the table, and its statement in the pool.
func (l *mappingLoader) addRow(e *entry, matches ...string) entryRef {
	l.table.rows = append(l.table.rows, Origin{Source: "mapping", File: e.file, Line: e.line, Match: matchText(matches)})
	known := len(l.pool.statements.list)
	statement := l.pool.statement(&e.facts)
	if int(statement) == known { // the first entry that says this
		l.checkNames(e, statement)
	}
	return entryRef{statement, uint32(len(l.table.rows) - 1), int32(e.col)}
}

// matchText returns the matches of an entry for people: the first three, and how
// many more there are.
func matchText(matches []string) string {
	const most = 3
	if len(matches) <= most {
		return strings.Clone(strings.Join(matches, ", ")) // a copy keeps no CSV line in memory
	}
	return fmt.Sprintf("%s and %d more", strings.Join(matches[:most], ", "), len(matches)-most)
}

// insert puts an entry under one of its matches.
func (l *mappingLoader) insert(ref entryRef, match entry, prefixes []netip.Prefix) {
	switch len(prefixes) {
	case 0: // after a fault
	case 1:
		if first, ok := l.refs.Get(prefixes[0]); ok {
			l.repeat(match, fmt.Sprintf("prefix %q", prefixes[0]), first, ref)
			return
		}
		l.refs.Insert(prefixes[0], ref)
	default:
		span := span{prefixes[0].Addr(), netipx.PrefixLastIP(prefixes[len(prefixes)-1])}
		l.ranges = append(l.ranges, rangeRef{span, ref, int32(match.line), int32(match.col)})
	}
}

// setDefault keeps the `default`. All files together may have one.
func (l *mappingLoader) setDefault(e *entry) {
	if l.fallback != nil {
		l.problems.Add(e.problem("default is given twice, first in %s:%d", l.fallback.file, l.fallback.line))
		return
	}
	e.facts.AssignOrigin(&Origin{Source: "default", File: e.file, Line: e.line})
	l.fallback = e
}

package location

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// LoadMapping reads mapping files into a table: CSV by the ending of the name,
// else YAML (README.md has the formats). Every fault goes to problems, and
// LoadMapping returns nil if there is one.
func LoadMapping(files []strict.File, problems *strict.Problems) *Table {
	l := &mappingLoader{table: &Table{}, problems: problems, given: &bart.Table[*entry]{}}
	for _, file := range files {
		if strings.EqualFold(filepath.Ext(file.Name), ".csv") {
			l.readCSV(file)
			continue
		}
		if root, ok := strict.ParseYAML(file, problems); ok {
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
	given    *bart.Table[*entry] // as they stand in the files
	fallback *entry
}

// entry is one entry of a file: what it says, before inheritance.
type entry struct {
	facts     Facts
	file      string
	line, col int
}

func (e *entry) problem(format string, args ...any) strict.Problem {
	return strict.Problem{File: e.file, Line: e.line, Col: e.col, Message: fmt.Sprintf(format, args...)}
}

// place notes one place for all that the entry says, with what matched.
func (e *entry) place(source, match string) {
	e.facts.From(&Place{Source: source, File: e.file, Line: e.line, Match: match})
}

// empty tells whether the entry says nothing.
func (e *entry) empty() bool {
	f := e.facts.Identity
	return f.Location == Location{} && f.SET == "" && len(f.Labels) == 0 && e.facts.Shared == nil
}

// checkFields says what does not go together in an entry.
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

// add puts an entry under each prefix of a match, which stands at a place of its
// own.
func (l *mappingLoader) add(e *entry, at entry, match string, prefixes []netip.Prefix) {
	e.place("mapping", match)
	for _, p := range prefixes {
		if first, twice := l.given.Get(p); twice {
			l.problems.Add(at.problem("prefix %q is given twice, first in %s:%d", p, first.file, first.line))
			continue
		}
		l.given.Insert(p, e)
	}
}

// setDefault takes the one `default` that all files together may have.
func (l *mappingLoader) setDefault(e *entry) {
	if l.fallback != nil {
		l.problems.Add(e.problem("default is given twice, first in %s:%d", l.fallback.file, l.fallback.line))
		return
	}
	e.place("default", "")
	l.fallback = e
}

// complete fills in what narrow entries inherit from wider ones, and checks
// the locations that come out.
func (l *mappingLoader) complete() {
	check := newLocationCheck(l)
	type open struct {
		prefix netip.Prefix
		facts  *Facts
	}
	var wider []open // those that hold the current prefix, widest first
	for prefix, e := range l.given.AllSorted() {
		for len(wider) > 0 && !wider[len(wider)-1].prefix.Contains(prefix.Addr()) {
			wider = wider[:len(wider)-1]
		}
		facts := e.facts
		if len(wider) > 0 {
			facts.inherit(wider[len(wider)-1].facts)
		}
		check.entry(e, facts.Location)
		l.table.prefixes.Insert(prefix, &facts)
		wider = append(wider, open{prefix, &facts})
	}
	if l.fallback != nil {
		check.entry(l.fallback, l.fallback.facts.Location)
		l.table.fallback = l.fallback.facts
	}
}

package location

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// LoadMapping reads mapping files into a table: CSV by the ending of the name,
// else YAML (README.md has the formats). Every fault goes to problems, and
// LoadMapping returns nil if there is one.
func LoadMapping(files []strict.File, problems *strict.Problems) *Table {
	l := &mappingLoader{table: &Table{}, problems: problems, given: &bart.Table[listed]{}, pool: newPool()}
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
	given    *bart.Table[listed] // as they stand in the files
	pool     *pool
	fallback *entry
}

// listed is an entry under one of its prefixes: numbers in the pool and of the
// table's places, and the column.
type listed struct {
	said, place uint32
	col         int32
}

// entry is one entry of a file while it is read: what it says, before
// inheritance.
type entry struct {
	facts     Facts
	file      string
	line, col int
}

func (e *entry) problem(format string, args ...any) strict.Problem {
	return strict.Problem{File: e.file, Line: e.line, Col: e.col, Message: fmt.Sprintf(format, args...)}
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

// number gives an entry its place in the table.
func (l *mappingLoader) number(e *entry, matches ...string) listed {
	l.table.places = append(l.table.places, Origin{Source: "mapping", File: e.file, Line: e.line, Match: named(matches)})
	return listed{l.pool.say(&e.facts), uint32(len(l.table.places) - 1), int32(e.col)}
}

// named are an entry's matches for a reader, the first ones of many.
func named(matches []string) string {
	const most = 3
	if len(matches) <= most {
		return strings.Clone(strings.Join(matches, ", ")) // not the whole row
	}
	return fmt.Sprintf("%s and %d more", strings.Join(matches[:most], ", "), len(matches)-most)
}

// add puts an entry under each prefix of a match, which stands at a place of its
// own.
func (l *mappingLoader) add(g listed, at entry, prefixes []netip.Prefix) {
	for _, p := range prefixes {
		if first, twice := l.given.Get(p); twice {
			by := l.table.places[first.place]
			l.problems.Add(at.problem("prefix %q is given twice, first in %s:%d", p, by.File, by.Line))
			continue
		}
		l.given.Insert(p, g)
	}
}

// setDefault takes the one `default` that all files together may have.
func (l *mappingLoader) setDefault(e *entry) {
	if l.fallback != nil {
		l.problems.Add(e.problem("default is given twice, first in %s:%d", l.fallback.file, l.fallback.line))
		return
	}
	e.facts.From(&Origin{Source: "default", File: e.file, Line: e.line})
	l.fallback = e
}

// complete fills in what narrow entries inherit from wider ones, and checks
// the locations that come out.
func (l *mappingLoader) complete() {
	l.table.places = slices.Clip(slices.Clone(l.table.places)) // do not move from here on
	check := newLocationCheck(l)
	var wider widerEntries
	for prefix, g := range l.given.AllSorted() {
		s, own := l.pool.said.list[g.said], &l.table.places[g.place]
		if around := wider.around(prefix); around != nil {
			s.inherit(around)
			if s.Shared == nil {
				s.labels = l.pool.inheritLabels(s.labels, around.labels)
			}
		}
		check.entry(g, s.Location)
		l.table.prefixes.Insert(prefix, l.pool.ref(&s, g.place))
		wider = append(wider, widerEntry{prefix, s, own})
	}
	l.table.identities, l.table.origins = slices.Clip(l.pool.identities.list), slices.Clip(l.pool.origins.list)
	if l.fallback != nil {
		if err := check.fault(l.fallback.facts.Location, l.fallback.facts.RegionFrom); err != nil {
			l.problems.Add(l.fallback.problem("%v", err))
		}
		l.table.fallback = l.fallback.facts
	}
}

// widerEntries are those that hold the current prefix, widest first.
type widerEntries []widerEntry

type widerEntry struct {
	prefix netip.Prefix
	said   statement
	own    *Origin // nil: said has it in the place of ownPlace already
}

// around drops what does not hold prefix, and returns what the next wider entry
// comes to; it is nil if there is none.
func (w *widerEntries) around(prefix netip.Prefix) *statement {
	list := *w
	for len(list) > 0 && !list[len(list)-1].prefix.Contains(prefix.Addr()) {
		list = list[:len(list)-1]
	}
	*w = list
	if len(list) == 0 {
		return nil
	}
	last := &list[len(list)-1]
	if last.own != nil {
		last.said, last.own = last.said.at(last.own), nil
	}
	return &last.said
}

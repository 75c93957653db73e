package location

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

var csvColumns = []string{"match", "region", "zone", "campus", "set", "shared", "label.<key>"}

// csvFile reads one CSV mapping file.
type csvFile struct {
	*mappingLoader
	name   string
	reader *csv.Reader
	header []string
}

// readCSV reads a file whose first line names the columns. Lines that start with
// "#" are comments. An empty cell says nothing, and so does a row of empty cells.
func (l *mappingLoader) readCSV(file strict.File) {
	if err := strict.CheckText(file.Data); err != nil {
		l.problems.Add(strict.Problem{File: file.Name, Message: err.Error()})
		return
	}
	f := &csvFile{mappingLoader: l, name: file.Name, reader: newCSVReader(file.Data)}
	header, err := f.reader.Read()
	if errors.Is(err, io.EOF) {
		l.problems.Add(strict.Problem{File: file.Name, Message: "has no header, expected a line of " + strings.Join(csvColumns, ",")})
		return
	}
	if err != nil {
		f.addSyntaxProblem(err)
		return
	}
	f.header = trimAll(header)
	if !f.checkHeader() {
		return
	}
	for {
		row, err := f.reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			f.addSyntaxProblem(err)
			return
		}
		if row = trimAll(row); isEmptyRow(row) {
			continue
		}
		if len(row) != len(f.header) {
			f.cellAt(0).errorf("the row has %s, the header %d, expected as many", cells(len(row)), len(f.header))
			continue
		}
		f.readRow(row)
	}
}

// cell is a cell of the row read last.
type cell struct {
	entry
	problems *strict.Problems
}

// positionAt returns where the cell in a column of the row read last stands.
func (f *csvFile) positionAt(column int) (p position) {
	p.line, p.col = f.reader.FieldPos(column)
	return p
}

// cellAt returns the cell in a column of the row read last.
func (f *csvFile) cellAt(column int) cell {
	line, col := f.reader.FieldPos(column)
	return cell{entry{file: f.name, line: line, col: col}, f.problems}
}

// errorf adds a fault of the cell.
func (c cell) errorf(format string, args ...any) { c.problems.Add(c.problem(format, args...)) }

func (f *csvFile) addSyntaxProblem(err error) {
	p := strict.Problem{File: f.name, Line: 1, Col: 1, Message: "not valid CSV: " + err.Error()}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		p.Line, p.Col, p.Message = parse.Line, parse.Column, "not valid CSV: "+parse.Err.Error()
	}
	f.problems.Add(p)
}

// readRow reads a row into an entry.
func (f *csvFile) readRow(row []string) {
	e := new(f.cellAt(0).entry)
	match, matchColumn, ok := "", 0, true
	for column, value := range row {
		if f.header[column] == "match" {
			match, matchColumn = value, column
			continue
		}
		ok = f.readCell(e, column, value) && ok
	}
	matches, several := []string{match}, [][]netip.Prefix(nil)
	prefixes, err := ParseMatch(match)
	if err != nil {
		matches = splitMatches(match)
		several, err = parseMatches(matches)
	}
	if err != nil {
		f.cellAt(matchColumn).errorf("%v", err)
		return
	}
	if !ok {
		f.sayNames(e) // what addRow does not come to
		return
	}
	if err := e.checkFields("row"); err != nil {
		f.cellAt(0).errorf("%v", err)
		return
	}
	ref, cell := f.addRow(e, matches...), f.cellAt(matchColumn).entry
	f.insert(ref, cell, prefixes)
	for _, prefixes := range several {
		f.insert(ref, cell, prefixes)
	}
}

// sayNames adds a fault for each name of an entry that is wrong.
func (f *csvFile) sayNames(e *entry) {
	for level, at := range e.levels {
		if err := CheckPlaceName(level, e.facts.Level(level)); err != nil {
			f.problems.Add(strict.Problem{File: f.name, Line: at.line, Col: at.col, Message: err.Error()})
		}
	}
}

// readCell reads what a cell says of the addresses. It returns false after a fault.
func (f *csvFile) readCell(e *entry, column int, value string) bool {
	switch name := f.header[column]; name {
	case "":
		if value != "" {
			f.cellAt(column).errorf("%q is in a column without a name, expected one in the header", value)
			return false
		}
	case "region", "zone", "campus":
		level := slices.Index(levelNames[:], name)
		said, _ := e.facts.level(level)
		*said, e.levels[level] = value, f.positionAt(column)
	case "set":
		return f.readSET(e, column, value)
	case "shared":
		return f.readShared(e, column, value)
	default:
		if value != "" {
			e.addLabel(strings.TrimPrefix(name, "label."), value)
		}
	}
	return true
}

// readShared reads the cell of the column "shared". It returns false after a fault.
func (f *csvFile) readShared(e *entry, column int, value string) bool {
	switch value {
	case "", "false":
	case "true":
		e.facts.Shared = &Origin{}
	default:
		f.cellAt(column).errorf("found %q, expected true or false", value)
		return false
	}
	return true
}

// readSET reads the cell of the column "set". It returns false after a fault.
func (f *csvFile) readSET(e *entry, column int, value string) bool {
	if value == "" {
		return true
	}
	set, err := ParseSET(value)
	if isNothing(value) {
		err = fmt.Errorf("SET name %q is how exports write that there is none, expected an empty cell", value)
	}
	if err != nil {
		f.cellAt(column).errorf("%v", err)
		return false
	}
	e.facts.SET = set
	return true
}

func (e *entry) addLabel(key, value string) {
	if e.facts.Labels == nil {
		e.facts.Labels = map[string]string{}
	}
	e.facts.Labels[key] = value
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func trimAll(cells []string) []string {
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
	}
	return cells
}

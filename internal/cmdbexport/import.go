// Package cmdbexport makes a mapping file of what a CMDB exports: a CSV file or a JSON
// list, in which operators name columns. What it makes loads, or is not made: rows that
// would not load are left out, and the Result says why. The package is pure.
package cmdbexport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Options say how to read an export.
type Options struct {
	Encoding string   // of CSV: "" for UTF-8, and UTF-16 with a mark; or gbk
	Rows     string   // the keys that lead to the list in a JSON file, as data.info; "": the file is the list
	SkipRows int      // rows before the row of the column names
	Where    []string // COLUMN=VALUE or COLUMN!=VALUE
	Match    string   // the value with the addresses
	Hosts    bool     // addresses are hosts: what follows a slash is the mask of their network
	Fields   []Field  // what to say of the addresses, in the order of the columns to write
	Names    []strict.File
}

// Field is a column of the mapping file, and the value to write: the name of a column of
// the export, or after "=" a text in which {COLUMN} stands for a column.
type Field struct {
	Name  string // region, zone, campus, set, shared or label.KEY
	Value string
}

// Result is what Import has made of an export.
type Result struct {
	CSV     []byte  `json:"-"`
	Rows    int     `json:"rows"`    // of the export
	Entries int     `json:"entries"` // written
	LeftOut []Group `json:"leftOut"` // the most frequent reason first
	Notes   []Group `json:"notes"`   // what was read otherwise than it stands there
}

// Import makes a mapping file of an export. Its errors say what is wrong with the file
// or the options. Nothing taken is an error, too; the Result says why.
func Import(file strict.File, options Options) (Result, error) {
	s, err := readSheet(file, options)
	if err != nil {
		return Result{}, err
	}
	im := &importer{sheet: s, hosts: options.Hosts}
	if err := im.prepare(options); err != nil {
		return Result{}, err
	}
	for _, r := range s.rows {
		im.read(r)
	}
	im.dropTwins()
	if err := im.dropUnloadable(); err != nil {
		return Result{}, err
	}
	result := Result{
		CSV: im.csv(), Rows: len(s.rows), Entries: len(im.entries),
		LeftOut: im.leftOut.list(), Notes: im.notes.list(),
	}
	if len(im.entries) == 0 {
		return result, errNothing
	}
	return result, nil
}

// Faults returns how often something was left out and something is lost by it.
func (r Result) Faults() (n int) {
	for _, group := range r.LeftOut {
		if !group.Harmless {
			n += group.Count
		}
	}
	return n
}

var errNothing = errors.New("nothing was taken")

// importer makes entries of the rows of a sheet.
type importer struct {
	sheet   *sheet
	hosts   bool
	where   []condition
	match   value
	fields  []fieldValue
	names   []nameTable
	columns []string // of the mapping file, after match
	entries []entry
	leftOut groups
	notes   groups
}

// fieldValue is where a field of the mapping file comes from.
type fieldValue struct {
	name  string
	value value
}

// entry is a line of the mapping file.
type entry struct {
	origin string // of the row in the export
	match  string
	key    string   // the same for the same addresses
	cells  []string // by columns
}

// prepare finds the columns that the options name.
func (im *importer) prepare(options Options) (err error) {
	if options.Match == "" {
		return errors.New("no column has the addresses, expected --match COLUMN")
	}
	if im.match, err = im.sheet.value(options.Match); err != nil {
		return err
	}
	for _, field := range options.Fields {
		v, err := im.sheet.value(field.Value)
		if unknown, ok := errors.AsType[unknownColumn](err); ok && unknown.name == field.Value {
			return fmt.Errorf("%w; %q would be the text itself", err, "="+field.Value)
		}
		if err != nil {
			return err
		}
		im.fields = append(im.fields, fieldValue{field.Name, v})
		if err := im.addColumn(field.Name, "a flag"); err != nil {
			return err
		}
	}
	for _, file := range options.Names {
		if err := im.addNames(file); err != nil {
			return err
		}
	}
	for _, text := range options.Where {
		if err := im.addCondition(text); err != nil {
			return err
		}
	}
	if len(im.columns) == 0 {
		return errors.New("nothing is said of the addresses, expected one of --region, --zone, --campus, --set, --shared, --label or --names")
	}
	return nil
}

// addColumn adds a column to the mapping file. Each column is given once.
func (im *importer) addColumn(name, giver string) error {
	for _, column := range im.columns {
		if column == name {
			return fmt.Errorf("%s is given twice, the second time by %s, expected once", name, giver)
		}
	}
	im.columns = append(im.columns, name)
	return nil
}

// read makes the entries of a row.
func (im *importer) read(r row) {
	if r.fault != "" {
		im.leftOut.add("row", r.fault, r.origin)
		if r.fault == faultEmpty {
			im.leftOut.harmless("row", r.fault)
		}
		return
	}
	if !im.holds(r) {
		return
	}
	cells, ok := im.readFields(r)
	if !ok {
		return
	}
	cell := im.clean(im.match.of(r), r)
	var faults []string
	taken := len(im.entries)
	for _, text := range splitMatch(cell) {
		e, err := newEntry(text, im.hosts)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		e.origin, e.cells = r.origin, cells
		im.entries = append(im.entries, e)
	}
	switch {
	case len(im.entries) == taken && len(faults) == 0:
		im.leftOut.add("row", im.match.name+" is empty", r.origin)
	case len(im.entries) == taken && len(faults) > 1: // words, as of a folder
		im.leftOut.add("row", im.match.name+" has no address", fmt.Sprintf("%s: %q", r.origin, cell))
	default:
		for _, fault := range faults {
			im.leftOut.add("address", generalise(fault), r.origin+": "+fault)
		}
	}
}

// readFields returns what a row says of its addresses; ok is false if the row is left out.
func (im *importer) readFields(r row) (cells []string, ok bool) {
	for _, field := range im.fields {
		cells = append(cells, im.clean(field.value.of(r), r))
	}
	for _, table := range im.names {
		key := im.clean(table.key.of(r), r)
		found, ok := table.rows[key]
		if !ok {
			im.leftOut.add("row", fmt.Sprintf("%s is not in %s", table.key.name, table.file), fmt.Sprintf("%s %q", r.origin, key))
			return nil, false
		}
		cells = append(cells, found...)
	}
	said := false
	for i, cell := range cells {
		said = said || cell != ""
		if fault := cellFault(cell); fault != "" {
			im.leftOut.add("row", im.columns[i]+" "+fault, fmt.Sprintf("%s %q", r.origin, cell))
			return nil, false
		}
	}
	if !said {
		im.leftOut.add("row", "says nothing: "+strings.Join(im.columns, ", ")+" empty", r.origin)
	}
	return cells, said
}

// nothings are the words by which databases and people say that a cell is empty.
var nothings = []string{"NULL", "null", "(null)", "(NULL)", "<null>", "None", "nil", `\N`, "N/A", "n/a", "-", "--", "—"}

// clean returns a value of a row, without blanks at its ends; "" for a word that says
// that the cell is empty.
func (im *importer) clean(text string, r row) string {
	text = strings.TrimSpace(text)
	for _, word := range nothings {
		if text == word {
			im.notes.add("cell", fmt.Sprintf("%q is read as an empty cell", text), r.origin)
			return ""
		}
	}
	return text
}

// cellFault returns why a text cannot be a cell of a mapping file; "" if it can.
func cellFault(text string) string {
	switch {
	case strings.ContainsAny(text, "\r\n"):
		return "has a line break"
	case strings.HasPrefix(text, "#") && (strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") || text == "#N/A"):
		return "is an error of the spreadsheet"
	}
	return ""
}

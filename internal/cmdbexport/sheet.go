package cmdbexport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// sheet is an export: its rows, and the names of its columns.
type sheet struct {
	file    string
	header  []string   // of CSV
	skipped [][]string // rows before the header
	rows    []row
	isJSON  bool
}

// row is a row of an export.
type row struct {
	origin string // file:line, or file: rows[n]
	cells  []string
	object map[string]any // in JSON
	fault  string         // why the row cannot be read; "": the row can be read
}

// faultEmpty is the fault of a row without a cell that says something.
const faultEmpty = "the row is empty"

// readSheet reads an export, in whatever form it is.
func readSheet(file strict.File, options Options) (*sheet, error) {
	data, err := decode(file.Data, options.Encoding)
	if err != nil {
		return nil, err
	}
	s := &sheet{file: file.Name}
	if first := bytes.TrimSpace(data); first[0] == '{' || first[0] == '[' {
		s.isJSON = true
		if options.SkipRows > 0 {
			return nil, errors.New("this is JSON, in which no rows precede the names, expected no --skip-rows")
		}
		return s, s.readJSON(data, options.Rows)
	}
	if options.Rows != "" {
		return nil, errors.New("this is CSV, which has one list of rows, expected no --rows")
	}
	return s, s.readCSV(data, options.SkipRows)
}

// readCSV reads the rows of a CSV file. Each row has as many cells as the header; empty
// cells behind the last do not count.
func (s *sheet) readCSV(data []byte, skip int) error {
	if !bytes.Contains(data, []byte("\n")) {
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n")) // as Excel for the Mac can write
	}
	before := 0 // lines before data
	if line, rest, _ := bytes.Cut(data, []byte("\n")); bytes.HasPrefix(bytes.ToLower(line), []byte("sep=")) {
		data, before = rest, 1 // Excel names the separator so
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.Comma, reader.FieldsPerRecord = separator(data, skip), -1
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			return fmt.Errorf("not valid CSV in line %d: %v", parse.StartLine+before, parse.Err)
		}
		if err != nil {
			return err
		}
		s.addCells(cells, skip, func() int { line, _ := reader.FieldPos(0); return line + before })
	}
	if s.header == nil {
		return fmt.Errorf("has %s, expected a row with the names of the columns and rows below", Count(len(s.skipped), "row"))
	}
	return nil
}

// addCells adds a row of a CSV file.
func (s *sheet) addCells(cells []string, skip int, line func() int) {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	switch {
	case len(s.skipped) < skip:
		s.skipped = append(s.skipped, cells)
		return
	case s.header == nil:
		s.header = cells
		return
	}
	r := row{origin: fmt.Sprintf("%s:%d", s.file, line()), cells: cells}
	for len(r.cells) > len(s.header) && r.cells[len(r.cells)-1] == "" {
		r.cells = r.cells[:len(r.cells)-1]
	}
	switch {
	case strings.Join(cells, "") == "":
		r.fault = faultEmpty
	case len(r.cells) != len(s.header):
		r.fault = fmt.Sprintf("the row has not as many cells as the header (%d)", len(s.header))
	}
	s.rows = append(s.rows, r)
}

// separator returns the separator of a CSV file: the one that its first lines have most.
func separator(data []byte, skip int) rune {
	end := 0
	for range skip + 1 {
		if n := bytes.IndexByte(data[end:], '\n'); n >= 0 {
			end += n + 1
		}
	}
	if end == 0 { // one line without an end
		end = len(data)
	}
	best, most := ',', 0
	for _, mark := range []rune{',', ';', '\t', '|'} {
		if n := bytes.Count(data[:end], []byte(string(mark))); n > most {
			best, most = mark, n
		}
	}
	return best
}

// value is a value of each row: of a column, or a text with columns in it.
type value struct {
	name  string // for people
	parts []part
}

// part is a text, or the cell of a column.
type part struct {
	text   string
	column func(row) string // nil: the text
}

// of returns the value of a row.
func (v value) of(r row) string {
	if len(v.parts) == 1 && v.parts[0].column != nil {
		return v.parts[0].column(r)
	}
	var b strings.Builder
	for _, p := range v.parts {
		if p.column != nil {
			b.WriteString(p.column(r))
			continue
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// value returns the value that an option names: the name of a column, or after "=" a
// text in which {COLUMN} stands for a column.
func (s *sheet) value(text string) (value, error) {
	rest, ok := strings.CutPrefix(text, "=")
	if !ok {
		column, err := s.column(text)
		return value{text, []part{{column: column}}}, err
	}
	v := value{name: text}
	for rest != "" {
		before, after, ok := strings.Cut(rest, "{")
		v.parts = append(v.parts, part{text: before})
		if !ok {
			break
		}
		name, behind, ok := strings.Cut(after, "}")
		if !ok {
			return value{}, fmt.Errorf("%q has a { without a }, expected {COLUMN}", text)
		}
		column, err := s.column(name)
		if err != nil {
			return value{}, err
		}
		v.parts, rest = append(v.parts, part{column: column}), behind
	}
	return v, nil
}

// column returns the reader of a column.
func (s *sheet) column(name string) (func(row) string, error) {
	if s.isJSON {
		return s.path(name)
	}
	for _, names := range append([][]string{s.header}, s.skipped...) {
		n := slices.Index(names, name)
		if n < 0 {
			continue
		}
		if slices.Contains(names[n+1:], name) {
			return nil, fmt.Errorf("column %q is there twice, expected a name that one column has", name)
		}
		return func(r row) string {
			if n < len(r.cells) {
				return r.cells[n]
			}
			return ""
		}, nil
	}
	return nil, s.noColumn(name)
}

// lookAhead is how many rows are looked through for a header that stands further below.
const lookAhead = 10

// noColumn returns the error for a name that no column has.
func (s *sheet) noColumn(name string) error {
	for n, r := range s.rows[:min(len(s.rows), lookAhead)] {
		if slices.Contains(r.cells, name) {
			return fmt.Errorf("no column is named %q; row %d has it: give --skip-rows %d", name, len(s.skipped)+n+2, len(s.skipped)+n+1)
		}
	}
	return noColumn(name, s.header)
}

// noColumn returns the error for a name that is none of names.
func noColumn(name string, names []string) error {
	if near, ok := strict.Nearest(name, names); ok {
		return fmt.Errorf("no column is named %q; did you mean %q?", name, near)
	}
	const most = 40
	shown := make([]string, 0, most)
	for _, n := range names[:min(len(names), most)] {
		shown = append(shown, fmt.Sprintf("%q", n))
	}
	if len(names) > most {
		shown = append(shown, fmt.Sprintf("and %d more", len(names)-most))
	}
	return unknownColumn{name, strings.Join(shown, ", ")}
}

// unknownColumn is the error for a name that is near no column.
type unknownColumn struct{ name, columns string }

func (u unknownColumn) Error() string {
	return fmt.Sprintf("no column is named %q, expected one of %s", u.name, u.columns)
}

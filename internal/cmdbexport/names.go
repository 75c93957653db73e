package cmdbexport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// nameTable says of each value of a column of the export what it means.
type nameTable struct {
	file string
	key  value
	rows map[string][]string // the fields, by the value of the column
}

// fieldNames are the columns of a mapping file that a table of names can have.
var fieldNames = []string{"region", "zone", "campus", "set", "shared"}

// isField reports whether a mapping file can have a column.
func isField(name string) bool {
	return slices.Contains(fieldNames, name) || strings.HasPrefix(name, "label.") && len(name) > len("label.")
}

// addNames adds a table of names: a CSV file whose first column has the name and the
// values of a column of the export. The other columns are those of a mapping file.
func (im *importer) addNames(file strict.File) error {
	data, err := decode(file.Data, "")
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	names := &sheet{file: file.Name}
	if err := names.readCSV(data, 0); err != nil {
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	table := nameTable{file: file.Name, rows: map[string][]string{}}
	if len(names.header) < 2 {
		return fmt.Errorf("%s: has one column, expected a column of the export, and columns as region and zone", file.Name)
	}
	if table.key, err = im.sheet.value(names.header[0]); err != nil {
		return fmt.Errorf("%s: the first column is that of the export: %w", file.Name, err)
	}
	for _, name := range names.header[1:] {
		if !isField(name) {
			return fmt.Errorf("%s: column %q is none of a mapping file, expected one of %s, label.KEY", file.Name, name, strings.Join(fieldNames, ", "))
		}
		if err := im.addColumn(name, file.Name); err != nil {
			return err
		}
	}
	for _, r := range names.rows {
		if r.fault == faultEmpty {
			continue
		}
		if r.fault != "" {
			return fmt.Errorf("%s: %s", r.origin, r.fault)
		}
		if _, ok := table.rows[r.cells[0]]; ok {
			return fmt.Errorf("%s: %q is there twice, expected each name once", r.origin, r.cells[0])
		}
		table.rows[r.cells[0]] = r.cells[1:]
	}
	im.names = append(im.names, table)
	return nil
}

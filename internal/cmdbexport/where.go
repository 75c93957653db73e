package cmdbexport

import (
	"fmt"
	"slices"
	"strings"
)

// condition is what a column must say for a row to be taken.
type condition struct {
	column value
	not    bool
	values []string // any of them
}

// addCondition adds COLUMN=VALUE or COLUMN!=VALUE. Several values of one column are
// alternatives.
func (im *importer) addCondition(text string) error {
	name, want, ok := strings.Cut(text, "=")
	if !ok || strings.TrimSuffix(name, "!") == "" {
		return fmt.Errorf("--where %q is no condition, expected COLUMN=VALUE or COLUMN!=VALUE", text)
	}
	name, not := strings.CutSuffix(name, "!")
	for n := range im.where {
		if im.where[n].column.name == name && im.where[n].not == not {
			im.where[n].values = append(im.where[n].values, want)
			return nil
		}
	}
	column, err := im.sheet.column(name)
	if err != nil {
		return err
	}
	im.where = append(im.where, condition{value{name, []part{{column: column}}}, not, []string{want}})
	return nil
}

// holds reports whether a row meets every condition. A row that does not is left out.
func (im *importer) holds(r row) bool {
	for _, c := range im.where {
		found := c.column.of(r)
		if slices.Contains(c.values, found) != c.not {
			continue
		}
		word := " is not "
		if c.not {
			word = " is "
		}
		reason := c.column.name + word + quoted(c.values)
		im.leftOut.addDistinct("row", reason, fmt.Sprintf("%q", found), r.origin)
		im.leftOut.harmless("row", reason)
		return false
	}
	return true
}

// quoted returns values for people.
func quoted(values []string) string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprintf("%q", v))
	}
	return strings.Join(out, " or ")
}

package location

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// newCSVReader returns a reader of the rows. Cells are separated by commas, or by what the
// header has in their place: semicolons or tabs, as Excel writes them.
func newCSVReader(data []byte) *csv.Reader {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data, separator := cutSeparator(data)
	reader := csv.NewReader(bytes.NewReader(data))
	reader.Comment = '#'
	reader.Comma = separator
	reader.TrimLeadingSpace = separator != '\t'
	return reader
}

// cutSeparator returns what separates cells. It makes a comment of the line sep=; which
// Excel reads.
func cutSeparator(data []byte) (rest []byte, separator rune) {
	line, below, _ := bytes.Cut(data, []byte("\n"))
	if text := strings.TrimSpace(string(line)); len(text) == len("sep=;") && strings.EqualFold(text[:4], "sep=") {
		return slices.Concat([]byte("#\n"), below), rune(text[4])
	}
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		for _, other := range []byte{';', '\t'} {
			if bytes.IndexByte(line, ',') < 0 && bytes.IndexByte(line, other) >= 0 {
				return data, rune(other)
			}
		}
		break
	}
	return data, ','
}

// isEmptyRow reports whether a row has nothing but empty cells, as Excel leaves them below
// a table.
func isEmptyRow(row []string) bool {
	return !slices.ContainsFunc(row, func(cell string) bool { return cell != "" })
}

// checkHeader reports whether the header is valid. It adds a fault for each column
// that is not. A column without a name may stand behind the others.
func (f *csvFile) checkHeader() bool {
	valid := true
	for i, column := range f.header {
		if column != "" && !isColumn(column) {
			f.cellAt(i).errorf("unknown column %q%s", column, columnHint(column))
			valid = false
		}
		if column != "" && slices.Contains(f.header[:i], column) {
			f.cellAt(i).errorf("column %q is given twice, expected each once", column)
			valid = false
		}
	}
	if !slices.Contains(f.header, "match") && valid {
		f.cellAt(0).errorf("the header has no column \"match\"")
		valid = false
	}
	return valid
}

func isColumn(name string) bool {
	return slices.Contains(csvColumns[:6], name) || strings.HasPrefix(name, "label.") && len(name) > len("label.")
}

// columnHint returns the end of the message about a column that is unknown.
func columnHint(column string) string {
	if lower := strings.ToLower(column); lower != column && isColumn(lower) {
		return fmt.Sprintf(": names of columns are in lower case, expected %q", lower)
	}
	if near, ok := strict.Nearest(column, csvColumns); ok {
		return strict.DidYouMean(column, near)
	}
	return ", expected one of " + strings.Join(csvColumns, ", ") + "; setctl import leaves other columns out"
}

// parseMatches reads several matches.
func parseMatches(matches []string) (all [][]netip.Prefix, err error) {
	if len(matches) == 0 {
		return nil, errors.New("the row has no match, expected an address, a prefix or a range")
	}
	for _, match := range matches {
		prefixes, err := ParseMatch(match)
		if err != nil {
			return nil, err
		}
		all = append(all, prefixes)
	}
	return all, nil
}

var rangeBlanks = regexp.MustCompile(`\s*-\s*`)

// splitMatches returns the matches of a cell that has several, as exports have them: behind
// each other, on lines of their own, or with commas, semicolons or bars between them.
func splitMatches(text string) []string {
	return strings.FieldsFunc(rangeBlanks.ReplaceAllString(text, "-"), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;|、，；", r) })
}

// Package table writes columns for people. text/tabwriter does so, too, but counts a
// character as one cell of a terminal, where Chinese ones take two.
package table

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// gap is how many blanks stand behind the widest text of a column.
const gap = 2

// Writer takes lines whose columns end with tabs, and writes them with blanks. A column
// is as wide as its widest text in the lines one after another that have it. What stands
// behind the last tab of a line is in no column.
type Writer struct {
	out  io.Writer
	text strings.Builder
}

// translator is a writer that has the texts of cells in another language. Tables translate
// cells before they align them.
type translator interface {
	Cells([]string) []string
	Aligned() io.Writer // for lines whose cells are translated
}

// New returns a Writer to out, which gets nothing before Flush.
func New(out io.Writer) *Writer { return &Writer{out: out} }

// Write takes text. It returns no error.
func (w *Writer) Write(text []byte) (int, error) { return w.text.Write(text) }

// Flush writes the lines, and forgets them. It returns the error of the writer below.
func (w *Writer) Flush() error {
	var lines [][]string
	for line := range strings.SplitSeq(w.text.String(), "\n") {
		lines = append(lines, strings.Split(line, "\t"))
	}
	w.text.Reset()
	out := w.out
	if t, ok := w.out.(translator); ok {
		out = t.Aligned()
		for n, cells := range lines {
			lines[n] = t.Cells(cells)
		}
	}
	align(lines, 0)
	whole := make([]string, len(lines))
	for n, cells := range lines {
		whole[n] = strings.Join(cells, "")
	}
	_, err := io.WriteString(out, strings.Join(whole, "\n"))
	return err
}

// align fills up the texts of a column and of the columns behind it.
func align(lines [][]string, column int) {
	for first := 0; first < len(lines); first++ {
		last, widest := first, 0
		for ; last < len(lines) && column < len(lines[last])-1; last++ {
			widest = max(widest, Width(lines[last][column]))
		}
		if last == first {
			continue
		}
		block := lines[first:last]
		for _, cells := range block {
			cells[column] += strings.Repeat(" ", widest+gap-Width(cells[column]))
		}
		align(block, column+1)
		first = last
	}
}

// Width returns how many cells of a terminal a text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // drawn into the one before
		default:
			n++
		}
	}
	return n
}

// Package chinese puts into Chinese what setctl says at night. Every text is made in
// English, many of them in a server of another version, and comes as a text over HTTP. The
// Chinese one is found by the shape of the English one: the catalogue has the format with
// which the code makes the English text beside the Chinese words for it
// (docs/decisions/0022). What the catalogue does not have stays English, and names, paths,
// numbers and quoted texts stay as they are.
package chinese

import (
	"cmp"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Wanted reports whether the environment asks for Chinese: the first of LC_ALL,
// LC_MESSAGES and LANG that is set decides, as for other programs.
func Wanted() bool {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	return strings.HasPrefix(strings.ToLower(locale), "zh")
}

// Text returns a text in Chinese, as far as the catalogue has it. Blanks at its ends stay.
// Text may be called concurrently.
func Text(text string) string {
	core := strings.Trim(text, " ")
	if core == "" {
		return text
	}
	before, after, _ := strings.Cut(text, core)
	if found := problem.FindStringSubmatch(core); found != nil {
		before, core = before+found[1], found[3]
		if found[2] != "" {
			before += "警告："
		}
	} else if found := label.FindStringSubmatch(core); found != nil {
		before, core = before+sentence(found[1])+found[2], found[3]
	}
	return before + sentence(core) + after
}

// problem finds the place of a problem in a file, and whether the problem is a warning.
var problem = regexp.MustCompile(`^(\S+:[0-9]+:[0-9]+: )(warning: )?(.*)$`)

// label finds the word in capitals before a sentence.
var label = regexp.MustCompile(`^([A-Z]+)(  +)(.*)$`)

// sentence returns a text without blanks at its ends in Chinese.
func sentence(text string) string {
	if said, ok := whole[text]; ok {
		return said
	}
	for _, row := range shapes() {
		if values := row.match(text); values != nil {
			return row.say(values)
		}
	}
	return parts(text)
}

// parts returns several sentences in Chinese, each by itself. The catalogue may have one
// with what stands before it, as in "; did you mean".
func parts(text string) string {
	for mark, said := range map[string]string{": ": "：", "; ": "；"} {
		if rest, ok := strings.CutPrefix(text, mark); ok {
			return said + Text(rest)
		}
	}
	var out strings.Builder
	start := 0
	for _, at := range quotedOrSemicolon.FindAllStringIndex(text, -1) {
		if text[at[0]] == ';' {
			out.WriteString(sentence(text[start:at[0]]))
			start = at[0]
		}
	}
	if start > 0 {
		return out.String() + sentence(text[start:])
	}
	return list(text)
}

// list returns a list in Chinese if the catalogue has each item.
func list(text string) string {
	items := strings.Split(text, ", ")
	if len(items) == 1 {
		return text
	}
	for n, item := range items {
		if items[n] = sentence(item); items[n] == item {
			return text
		}
	}
	return strings.Join(items, "，")
}

// quotedOrSemicolon finds quoted texts, and what stands between sentences that are not
// quoted.
var quotedOrSemicolon = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|; `)

// Writer writes texts in Chinese. Each Write is translated line by line, so that a line is
// to be written at once, as fmt.Fprintf does. Its methods may not be called concurrently.
type Writer struct{ out io.Writer }

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out} }

// Write writes lines in Chinese.
func (w *Writer) Write(text []byte) (int, error) {
	lines := strings.Split(string(text), "\n")
	for n, line := range lines {
		lines[n] = Text(line)
	}
	if _, err := io.WriteString(w.out, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Cells returns the cells of a line of a table in Chinese. A table translates its cells
// before it aligns them.
func (w *Writer) Cells(cells []string) []string {
	out := slices.Clone(cells)
	for n, cell := range out {
		out[n] = Text(cell)
	}
	return out
}

// Aligned returns the writer for lines whose cells are Chinese already.
func (w *Writer) Aligned() io.Writer { return w.out }

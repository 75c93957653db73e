package strict

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"gopkg.in/yaml.v3"
)

var yamlLine = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// syntaxProblem returns the fault for a file that is not YAML. The error of the
// library has the line before the list or mapping with the fault, or no line; see
// faultLine.
func syntaxProblem(file File, err error) Problem {
	line := faultLine(file.Data)
	message := "not valid YAML: " + yamlLine.ReplaceAllString(err.Error(), "")
	whole := lineOf(file.Data, line)
	text := bytes.TrimSpace(whole)
	if before, _, _ := bytes.Cut(whole, text); bytes.ContainsRune(before, '\t') {
		message = "not valid YAML: the line begins with a tab, expected spaces"
	}
	if bytes.HasPrefix(text, []byte("%YAML")) {
		return Problem{File: file.Name, Line: line, Col: 1, Message: "\"" + cut(string(text)) + "\" names a version of YAML, and this program reads 1.1 alone; delete the line"}
	}
	if len(text) > 0 {
		message += ", at \"" + cut(string(text)) + "\""
	}
	return Problem{File: file.Name, Line: line, Col: 1, Message: message}
}

// maxQuote bounds, in characters, the quote of a line in a message.
const maxQuote = 60

// cut returns the first maxQuote characters of a text.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxQuote {
		return string(runes[:maxQuote]) + "..."
	}
	return text
}

// maxReread bounds, in bytes, what faultLine reads again.
const maxReread = 1 << 20

// faultLine returns the line of the fault in data: the line after the longest run of
// lines from the beginning that is valid YAML. If a value does not end, faultLine
// returns the line in which the value begins. In large files it returns the line at
// which the reading stopped, which can be a few lines further.
func faultLine(data []byte) int {
	r := &lineReader{rest: data}
	_ = readYAML(r)
	fed := data[:len(data)-len(r.rest)]
	stopped := max(r.lines, 1)
	for line, budget := stopped, maxReread; line > 1; line-- {
		end := bytes.LastIndexByte(bytes.TrimSuffix(fed, []byte("\n")), '\n') + 1
		if fed, budget = fed[:end], budget-end; budget < 0 {
			return stopped
		}
		if readYAML(bytes.NewReader(fed)) == nil {
			return line
		}
	}
	return 1
}

// readYAML returns the first error in the documents of r.
func readYAML(r io.Reader) error {
	for decoder := yaml.NewDecoder(r); ; {
		var doc yaml.Node
		switch err := decoder.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// lineReader is a reader that returns one line at a time, and counts the lines.
type lineReader struct {
	rest  []byte
	lines int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	end := bytes.IndexByte(r.rest, '\n') + 1
	if end == 0 {
		end = len(r.rest)
	}
	n := copy(p, r.rest[:end])
	if n == end {
		r.lines++
	}
	r.rest = r.rest[n:]
	return n, nil
}

// lineOf returns a line of data, counted from 1.
func lineOf(data []byte, line int) []byte {
	for ; line > 1; line-- {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return text
}

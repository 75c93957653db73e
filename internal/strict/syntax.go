package strict

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"gopkg.in/yaml.v3"
)

var yamlLine = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// syntaxProblem is a fault against YAML itself. The library gives the line before
// the list or mapping that the fault is in, or none; see faultLine.
func syntaxProblem(file File, err error) Problem {
	line := faultLine(file.Data)
	message := "not valid YAML: " + yamlLine.ReplaceAllString(err.Error(), "")
	whole := lineOf(file.Data, line)
	text := bytes.TrimSpace(whole)
	if before, _, _ := bytes.Cut(whole, text); bytes.ContainsRune(before, '\t') {
		message = "not valid YAML: the line begins with a tab, expected spaces"
	}
	if len(text) > 0 {
		message += ", at \"" + cut(string(text)) + "\""
	}
	return Problem{File: file.Name, Line: line, Col: 1, Message: message}
}

// maxQuote bounds what is quoted of a line.
const maxQuote = 60

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxQuote {
		return string(runes[:maxQuote]) + "..."
	}
	return text
}

// maxReread bounds, in bytes, what is read again to find a fault.
const maxReread = 1 << 20

// faultLine is the line after the longest beginning of whole lines that is valid
// YAML: the line of the fault, or the one where something begins that does not end. In large
// files it is the line at which reading stopped, which can be a few lines further.
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

// readYAML reads all documents.
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

// lineReader gives one line at a time, and counts them.
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

// lineOf is a line, counted from 1.
func lineOf(data []byte, line int) []byte {
	for ; line > 1; line-- {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return text
}

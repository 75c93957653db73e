package strict

import (
	"bytes"
	"errors"
	"io"

	"gopkg.in/yaml.v3"
)

// ParseYAML reads the one document of a file, which must be a mapping. After a
// fault, which it adds to problems, ok is false. The Nodes add their faults to
// problems too.
func ParseYAML(file File, problems *Problems) (root Node, ok bool) {
	if err := CheckText(file.Data); err != nil {
		problems.Add(Problem{File: file.Name, Message: err.Error()})
		return Node{}, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(file.Data))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		problems.Add(Problem{File: file.Name, Message: "has comments only; delete the file or give it content"})
		return Node{}, false
	}
	if err != nil {
		problems.Add(syntaxProblem(file, err))
		return Node{}, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		problems.Add(Problem{
			File: file.Name, Line: second.Line, Col: second.Column,
			Message: "a second YAML document starts here, expected one document in a file; move it to a file of its own",
		})
		return Node{}, false
	case !errors.Is(err, io.EOF):
		problems.Add(syntaxProblem(file, err))
		return Node{}, false
	}
	if !bytes.HasSuffix(file.Data, []byte("\n")) {
		moveIntoFile(&doc, &yaml.Node{Line: countLines(file.Data), Column: 1})
	}
	root = Node{yaml: doc.Content[0], file: file.Name, problems: problems}
	if root.Null() { // `---` alone: the value would stand behind the end of the file
		problems.Add(Problem{File: file.Name, Message: "has no keys and values; delete the file or give it content"})
		return Node{}, false
	}
	if root.yaml.Kind != yaml.MappingNode {
		root.Errorf("found %s, expected keys and values", root.describe())
		return Node{}, false
	}
	return root, true
}

// moveIntoFile moves values that stand behind the end of a file to the last line.
// The YAML library puts a value there if the value is left out and the last line has
// no line end.
func moveIntoFile(n, last *yaml.Node) {
	if n.Line > last.Line {
		n.Line, n.Column = last.Line, last.Column
	}
	for _, c := range n.Content {
		moveIntoFile(c, last)
	}
}

// countLines returns the number of lines of a text. YAML has five line ends.
func countLines(data []byte) int {
	n := 1 - bytes.Count(data, []byte("\r\n"))
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += bytes.Count(data, []byte(end))
	}
	return n
}

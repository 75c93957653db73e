package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// The YAML library makes a tree of a whole document, which takes some 40 times the
// memory of the text. So the list of a large file is cut into parts, and each part is
// made a tree of its own when its turn comes.
const (
	// largeSize is the size, in bytes, from which on a list is cut.
	largeSize = 1 << 20
	// MaxWholeSize is the size, in bytes, of the largest YAML file that is read whole: a
	// file whose list cannot be cut.
	MaxWholeSize = 32 << 20
	// partSize is the size, in bytes, of a part. An entry is never cut.
	partSize = 32 << 10
	// maxText is the size, in bytes, from which on a part does not grow any more to find
	// the end of a text over several lines that look like entries.
	maxText = 4 * partSize
)

// ParseLarge reads a file as ParseYAML does. In a large file the list under the key is
// read in parts, if the list is in block style, an entry at a line that begins with "-".
// Its Node is for Each, which needs no more memory than one part. A larger file than
// MaxWholeSize whose list is in another form is a fault.
func ParseLarge(file File, key string, problems *Problems) (root Node, ok bool) {
	return parseLarge(file, key, largeSize, partSize, problems)
}

func parseLarge(file File, key string, size, part int, problems *Problems) (root Node, ok bool) {
	if len(file.Data) < size {
		return ParseYAML(file, problems)
	}
	var faults Problems // of the file without its list
	if list, ok := findList(file, key); ok {
		if root, ok := list.parseRest(&faults); ok {
			list.part, root.problems, root.long = part, problems, list
			return root, true
		}
	}
	if len(file.Data) <= MaxWholeSize {
		return ParseYAML(file, problems)
	}
	for _, p := range faults.list {
		problems.Add(p)
	}
	if len(faults.list) == 0 {
		problems.Add(Problem{File: file.Name, Message: fmt.Sprintf("is larger than %d MiB, and its %s cannot be read in parts, "+
			"expected a line %q, and below it a line \"- match: ...\" for each entry; or CSV", MaxWholeSize>>20, key, key+":")})
	}
	return Node{}, false
}

// longList is a block list that is read in parts.
type longList struct {
	file       File
	keyLine    int        // the line of the key, from 1
	node       *yaml.Node // stands for the list in the tree of the rest
	first      int        // the line of the first entry
	col        int        // of the entries, from 1
	begin, end int        // of the entries in the text
	part       int        // the size of a part, in bytes
}

// findList finds the block list under a key at the beginning of a line. It reports false if
// there is none. Whether the line is a key at all, parseRest sees.
func findList(file File, key string) (list *longList, ok bool) {
	data := file.Data
	for _, end := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(data, []byte(end)) {
			return nil, false // line ends that are not counted here
		}
	}
	if bytes.Count(data, []byte("\r")) != bytes.Count(data, []byte("\r\n")) {
		return nil, false
	}
	list = &longList{file: file}
	at, line := 0, 0
	for at < len(data) && list.keyLine == 0 {
		text, next := lineAt(data, at)
		line++
		if rest, ok := bytes.CutPrefix(text, []byte(key+":")); ok && isBlankOrComment(rest) && !bytes.HasPrefix(rest, []byte("#")) {
			list.keyLine = line
		}
		at = next
	}
	return list, list.findEntries(at, line)
}

// findEntries finds where the entries begin and end, behind the line of the key. It
// reports false if no entry comes first.
func (l *longList) findEntries(at, line int) bool {
	data := l.file.Data
	for ; at < len(data) && l.first == 0; line++ {
		text, next := lineAt(data, at)
		if indent, isEntry := entryIndent(text); isEntry {
			l.begin, l.first, l.col = at, line+1, indent+1
			break
		}
		if !isBlankOrComment(text) {
			return false
		}
		at = next
	}
	for at < len(data) {
		text, next := lineAt(data, at)
		indent, isEntry := entryIndent(text)
		inside := indent > l.col-1 || indent == l.col-1 && isEntry
		if !inside && !isBlankOrComment(text) {
			if indent > 0 && text[indent] == '!' {
				return false // without the list this is the tag of an empty value
			}
			break
		}
		if bytes.HasPrefix(bytes.TrimLeft(text, " -"), []byte("?")) {
			return false // the value of such a key can stand where the next entry begins
		}
		at = next
	}
	l.end = at
	return l.first > 0
}

// lineAt returns the line that begins at a place, without its end, and where the next
// line begins.
func lineAt(data []byte, at int) (text []byte, next int) {
	n := bytes.IndexByte(data[at:], '\n')
	if n < 0 {
		return bytes.TrimSuffix(data[at:], []byte("\r")), len(data)
	}
	return bytes.TrimSuffix(data[at:at+n], []byte("\r")), at + n + 1
}

// isBlankOrComment reports whether a line, or its end, says nothing.
func isBlankOrComment(text []byte) bool {
	trimmed := bytes.TrimLeft(text, " \t")
	return len(trimmed) == 0 || trimmed[0] == '#'
}

// entryIndent returns how many blanks a line begins with. It reports whether an entry
// of a list follows.
func entryIndent(text []byte) (indent int, isEntry bool) {
	for indent < len(text) && text[indent] == ' ' {
		indent++
	}
	rest := text[indent:]
	return indent, len(rest) > 0 && rest[0] == '-' && (len(rest) == 1 || rest[1] == ' ')
}

// parseRest reads the file without the entries of the list. It reports false after a
// fault, which it adds to problems, and if the list is not what it looks like.
func (l *longList) parseRest(problems *Problems) (root Node, ok bool) {
	data := l.file.Data
	var rest bytes.Buffer
	rest.Write(data[:l.begin])
	for range bytes.Count(data[l.begin:l.end], []byte("\n")) {
		rest.WriteByte('\n') // so that lines stay what they are
	}
	rest.Write(data[l.end:])
	root, ok = ParseYAML(File{Name: l.file.Name, Data: rest.Bytes()}, problems)
	if !ok {
		return Node{}, false
	}
	for i := 0; i+1 < len(root.yaml.Content); i += 2 {
		name, value := root.yaml.Content[i], root.yaml.Content[i+1]
		if name.Line != l.keyLine || name.Column != 1 {
			continue
		}
		if value.Kind != yaml.ScalarNode || value.Tag != "!!null" || value.Anchor != "" || value.Value != "" {
			return Node{}, false
		}
		l.node = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: l.first, Column: l.col}
		root.yaml.Content[i+1] = l.node
		return root, true
	}
	return Node{}, false
}

// each calls read for each entry of the list. After a fault of the syntax, which is
// added to problems, it ends.
func (l *longList) each(n Node, read func(Node)) {
	data := l.file.Data
	line := l.first
	for begin := l.begin; begin < l.end; {
		end := l.partEnd(begin)
		items, err := l.parse(data[begin:end])
		for err != nil && end < min(begin+maxText, l.end) { // a text over several lines can look like entries
			end = l.partEnd(begin + 2*(end-begin) - l.part) // twice as long
			items, err = l.parse(data[begin:end])
		}
		if err != nil {
			l.addSyntaxProblem(n.problems, data[begin:end], line)
			return
		}
		for _, item := range items {
			shift(item, line-1)
			read(n.child(item))
		}
		line += bytes.Count(data[begin:end], []byte("\n"))
		begin = end
	}
}

// partEnd returns where the part that begins at a place ends: before an entry.
func (l *longList) partEnd(begin int) int {
	for at := min(begin+l.part, l.end); at < l.end; {
		n := bytes.IndexByte(l.file.Data[at:l.end], '\n')
		if n < 0 {
			break
		}
		at += n + 1
		text, _ := lineAt(l.file.Data[:l.end], at)
		if indent, isEntry := entryIndent(text); isEntry && indent == l.col-1 {
			return at
		}
	}
	return l.end
}

// parse returns the entries of a part.
func (l *longList) parse(part []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(part))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, errors.New("yaml: a second document starts here"))
	}
	list := doc.Content[0]
	if list.Kind != yaml.SequenceNode || list.Column != l.col {
		return nil, errors.New("yaml: did not find a list")
	}
	if !bytes.HasSuffix(part, []byte("\n")) {
		moveIntoFile(list, &yaml.Node{Line: countLines(part), Column: 1})
	}
	return list.Content, nil
}

// addSyntaxProblem adds the fault of a part that is no list, at the first entry that is
// none. An alias is a fault of its own kind: its anchor can be in another part.
func (l *longList) addSyntaxProblem(problems *Problems, part []byte, line int) {
	entries := longList{file: File{Name: l.file.Name, Data: part}, col: l.col, end: len(part), part: 1}
	for begin := 0; ; {
		end := entries.partEnd(begin)
		_, err := l.parse(part[begin:end])
		if err == nil && end < len(part) {
			begin = end
			continue
		}
		line += bytes.Count(part[:begin], []byte("\n"))
		part = part[begin:min(begin+maxFaultText, len(part))]
		if err == nil {
			_, err = l.parse(part)
		}
		p := entries.syntaxProblem(part, line, err)
		if p.Message != noAnchors || problems.noteAnchor(p.File) {
			problems.Add(p)
		}
		return
	}
}

// maxFaultText bounds, in bytes, the text in which the line of a fault is looked for.
const maxFaultText = 4 << 10

// syntaxProblem returns the fault of a text that begins at a line.
func (l *longList) syntaxProblem(text []byte, line int, err error) Problem {
	if err == nil { // the entries are a list each, and no list together
		err = errors.New("yaml: did not find a list")
	}
	if name, ok := strings.CutPrefix(err.Error(), "yaml: unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		if at := bytes.Index(text, []byte("*"+name)); at >= 0 {
			before := text[:at]
			return Problem{
				File: l.file.Name, Line: line + bytes.Count(before, []byte("\n")), Col: at - bytes.LastIndexByte(before, '\n'), Message: noAnchors,
			}
		}
	}
	p := syntaxProblem(File{Name: l.file.Name, Data: text}, err)
	p.Line += line - 1
	return p
}

// shift moves a tree down by lines.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

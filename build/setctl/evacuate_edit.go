package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// entryText returns an evacuation as a line of a routing file.
func entryText(e route.Evacuation) string {
	return fmt.Sprintf("{%s: %s, until: %s, reason: %s}", e.Kind(), quoted(e.Place()), e.Until.Format(time.RFC3339), quoted(e.Reason))
}

// quoted returns a text in double quotes, as YAML and JSON read it.
func quoted(s string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	out, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// evacuateNode returns the key `evacuate` and the list under it, or nil if the file has
// no such key. Alone is true if the file has no other key but its version.
func evacuateNode(file strict.File) (key, list *yaml.Node, alone bool, err error) {
	if strings.ContainsAny(strings.ReplaceAll(string(file.Data), "\r\n", "\n"), "\r\u0085\u2028\u2029") {
		return nil, nil, false, fmt.Errorf("%s: a line ends in another way than by a newline, as on old systems; this command edits files with lines by newlines", file.Name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(file.Data, &doc); err != nil {
		return nil, nil, false, err
	}
	root := doc.Content[0]
	alone = len(root.Content) <= 4 // two keys and their values
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "evacuate" {
			key, list = root.Content[i], root.Content[i+1]
		}
	}
	if root.Style == yaml.FlowStyle {
		return nil, nil, false, fmt.Errorf("%s: the file is written in braces; this command edits files with a key a line", file.Name)
	}
	if list != nil && list.Style == yaml.FlowStyle && len(list.Content) > 0 {
		return nil, nil, false, fmt.Errorf("%s:%d: the list is in brackets; this command edits lists with an entry a line, each after a dash", file.Name, list.Line)
	}
	return key, list, alone, nil
}

// isAlone reports whether a routing file has evacuations and nothing else.
func isAlone(file strict.File) bool {
	root, ok := strict.ParseYAML(file, new(strict.Problems))
	others := slices.DeleteFunc(slices.Clone(routingKeys), func(key string) bool { return key == "evacuate" })
	return ok && !root.HasAny(others...)
}

// checkAlone refuses to add an evacuation to a file that has anything else: who publishes
// its rules anew, from Git, would end the evacuation without a word.
func (e *evacuateCommand) checkAlone(file strict.File) error {
	if isAlone(file) {
		return nil
	}
	hint := "make evacuate.yaml beside it, with the lines \"version: 1\" and \"evacuate: []\", see that the server's configuration names it, and give it as --file"
	if e.inCenter() {
		hint = centerHint(e.file)
	}
	return failure{fmt.Errorf("%s has more than evacuations: who publishes its rules anew would end the evacuation; expected a file with nothing else: %s", e.file, hint)}
}

// centerHint says how to have a file for evacuations in the config center, beside another.
func centerHint(beside string) string {
	name := beside[:strings.LastIndexByte(beside, '/')+1] + "evacuate.yaml"
	return fmt.Sprintf("publish one with the lines \"version: 1\" and \"evacuate: []\", by setctl publish evacuate.yaml --to %s, and name it in the configuration of every server, among the files of plugin.router", name)
}

// addEntry puts an evacuation before the others, and leaves the rest of the text
// as it is, comments included.
func addEntry(file strict.File, entry string) (string, error) {
	key, list, _, err := evacuateNode(file)
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(string(file.Data), "\n")
	switch {
	case key == nil:
		end := ""
		if !strings.HasSuffix(string(file.Data), "\n") {
			end = "\n"
		}
		return string(file.Data) + end + "evacuate:\n  - " + entry + "\n", nil
	case len(list.Content) == 0: // `evacuate: []`
		line := lines[key.Line-1]
		lines[key.Line-1] = line[:strings.Index(line, ":")+1] + "\n  - " + entry + "\n"
		return strings.Join(lines, ""), nil
	}
	first := list.Content[0].Line - 1
	indented := strings.TrimLeft(lines[first], " ")
	if !strings.HasPrefix(indented, "-") {
		return "", fmt.Errorf("%s:%d: the entry does not start beside its dash; this command edits lists with an entry a line", file.Name, first+1)
	}
	dash := len(lines[first]) - len(indented)
	lines[first] = lines[first][:dash] + "- " + entry + "\n" + lines[first]
	return strings.Join(lines, ""), nil
}

// removeEntry takes out the evacuation that starts in a line. With the last evacuation
// it takes out the key.
func removeEntry(file strict.File, line int) (string, error) {
	key, list, alone, err := evacuateNode(file)
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(string(file.Data), "\n")
	for _, item := range list.Content {
		if item.Line != line {
			continue
		}
		first, last, replacement := item.Line-1, lastLine(item), ""
		if len(list.Content) == 1 {
			first = key.Line - 1
			if alone {
				replacement = "evacuate: []\n" // else nothing would tell that this is a routing file
			}
		}
		return strings.Join(lines[:first], "") + replacement + strings.Join(lines[last:], ""), nil
	}
	return "", fmt.Errorf("%s:%d: no evacuation starts here", file.Name, line)
}

// lastLine returns the last line of a value, counted from 1.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

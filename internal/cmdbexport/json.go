package cmdbexport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// readJSON reads the rows of the list to which a path of keys leads.
func (s *sheet) readJSON(data []byte, path string) error {
	var root any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return jsonFault(data, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has more than one JSON value, expected one list")
	}
	list, err := listAt(root, path)
	if err != nil {
		return err
	}
	for n, item := range list {
		object, ok := item.(map[string]any)
		r := row{origin: fmt.Sprintf("%s: %s[%d]", s.file, path, n), object: object}
		if !ok {
			r.fault = "is not an object with keys and values"
		}
		s.rows = append(s.rows, r)
	}
	return nil
}

// jsonFault returns the error of a JSON file, with its line.
func jsonFault(data []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not valid JSON in line %d: %v", 1+bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")), err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not valid JSON: the file ends too early")
	}
	return fmt.Errorf("not valid JSON: %v", err)
}

// listAt returns the list to which a path of keys leads.
func listAt(root any, path string) ([]any, error) {
	found := root
	if path != "" {
		found = at(root, path)
	}
	if list, ok := found.([]any); ok {
		return list, nil
	}
	lists := listsIn(root, "", 3)
	switch {
	case len(lists) == 0:
		return nil, errors.New("has no list, expected rows in a JSON list")
	case path == "":
		return nil, fmt.Errorf("the rows are in a list of the file, expected --rows %s", strings.Join(lists, " or --rows "))
	}
	if near, ok := strict.Nearest(path, lists); ok {
		return nil, fmt.Errorf("--rows %s is no list; did you mean --rows %s?", path, near)
	}
	return nil, fmt.Errorf("--rows %s is no list, expected --rows %s", path, strings.Join(lists, " or --rows "))
}

// listsIn returns the paths of the lists in a value, down to a depth.
func listsIn(v any, path string, depth int) (paths []string) {
	object, ok := v.(map[string]any)
	if !ok || depth == 0 {
		return nil
	}
	for _, key := range sortedKeys(object) {
		name := strings.TrimPrefix(path+"."+key, ".")
		if _, ok := object[key].([]any); ok && len(paths) < 10 {
			paths = append(paths, name)
		}
		paths = append(paths, listsIn(object[key], name, depth-1)...)
	}
	return paths
}

func sortedKeys(object map[string]any) (keys []string) {
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// at returns the value to which a path of keys leads; nil if there is none. A key may
// have dots itself.
func at(v any, path string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if found, ok := object[path]; ok {
		return found
	}
	first, rest, ok := strings.Cut(path, ".")
	if !ok {
		return nil
	}
	return at(object[first], rest)
}

// path returns the reader of a column of a JSON list, which is a path of keys.
func (s *sheet) path(name string) (func(row) string, error) {
	for _, r := range s.rows {
		switch found := at(r.object, name).(type) {
		case nil:
			continue
		case map[string]any:
			return nil, fmt.Errorf("column %q has keys and values, expected one of them, as %q", name, name+"."+strings.Join(firstKey(found), ""))
		}
		return func(r row) string { return jsonText(at(r.object, name)) }, nil
	}
	for _, r := range s.rows { // null in every row
		if _, ok := r.object[name]; ok {
			return func(row) string { return "" }, nil
		}
	}
	if len(s.rows) == 0 {
		return nil, errors.New("the list is empty, expected rows")
	}
	return nil, noColumn(name, sortedKeys(s.rows[0].object))
}

// firstKey returns the key by which people call an object.
func firstKey(object map[string]any) []string {
	for _, key := range []string{"name", "value", "label"} {
		if _, ok := object[key]; ok {
			return []string{key}
		}
	}
	keys := sortedKeys(object)
	return keys[:min(len(keys), 1)]
}

// jsonText returns a value as a cell of CSV has it: a list with a line for each value.
func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []any:
		var lines []string
		for _, item := range v {
			lines = append(lines, jsonText(item))
		}
		return strings.Join(lines, "\n")
	}
	return fmt.Sprint(v)
}

package chinese

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sources are the files whose texts the catalogue has.
var sources = []string{
	"internal/strict", "internal/alike", "internal/shrink", "plugin/location", "plugin/router/route", "plugin/router/explain", "plugin/router/caller",
	"plugin/router/api", "plugin/router/nodes/judge.go", "plugin/router/nodes/ask.go", "plugin/router/nodes/nodes.go", "plugin/router/nodes/others.go",
	"plugin/router/world/plan_text.go", "plugin/router/world/plan.go", "plugin/router/world/unknown.go",
	"plugin/router/world/targets.go", "plugin/router/world/warn.go", "plugin/router/world/drill_warn.go", "plugin/router/world/warn_sets.go", "plugin/router/admin/status.go", "plugin/router/admin/requests.go", "plugin/router/world/reach.go", "plugin/router/world/drift.go", "plugin/router/explain.go",
	"build/setctl/main.go", "build/setctl/reload.go", "build/setctl/status.go", "build/setctl/nodes.go", "build/setctl/evacuate.go", "build/setctl/evacuate_edit.go", "build/setctl/evacuate_wait.go", "build/setctl/evacuate_center.go",
	"build/setctl/publish_wait.go", "build/setctl/check.go", "build/setctl/check_text.go", "build/setctl/server.go", "build/setctl/explain.go",
}

// A text of the sources that is neither in the catalogue nor in english.list fails, and so
// does one of the catalogue that no source has.
func TestCatalogueIsWhole(t *testing.T) {
	var found texts
	for _, source := range sources {
		found.collect(t, filepath.Join("../..", source))
	}
	stays := readList(t, "testdata/english.list")
	used := map[*row]bool{}
	for _, text := range found.sentences {
		isIn := false
		for _, r := range rows {
			if text.pattern.MatchString(plain(r.english)) {
				isIn, used[r] = true, true
			}
		}
		switch _, ok := stays[text.text]; {
		case isIn && ok:
			t.Errorf("%s: testdata/english.list has what the catalogue has, too: %s", text.place, text.text)
		case !isIn && !ok:
			t.Errorf("%s: neither in the catalogue nor in testdata/english.list: %s", text.place, text.text)
		}
	}
	for text, line := range stays {
		if !slices.ContainsFunc(found.sentences, func(s sentenceOfCode) bool { return s.text == text }) {
			t.Errorf("testdata/english.list:%d: no source has: %s", line, text)
		}
	}
	for _, r := range rows {
		if strings.HasPrefix(r.origin, "yaml.txt") {
			continue
		}
		list := word.FindAllString(plain(r.english), -1)
		isKnown := func(w string) bool { return found.words[singular(w)] }
		if len(list) > 3 && !used[r] || len(list) <= 3 && slices.ContainsFunc(list, func(w string) bool { return !isKnown(w) }) {
			t.Errorf("%s: no source has: %s", r.origin, r.english)
		}
	}
}

// A Chinese text has each value of the English one, and no other.
func TestCatalogueHasEachValue(t *testing.T) {
	for _, r := range rows {
		values := len(valueOf.FindAllString(r.english, -1))
		var got []int
		for _, m := range slot.FindAllStringSubmatch(r.chinese, -1) {
			n, _ := strconv.Atoi(m[1])
			got = append(got, n)
		}
		slices.Sort(got)
		want := []int{}
		for n := range values {
			want = append(want, n+1)
		}
		if !slices.Equal(got, want) && values+len(got) > 0 {
			t.Errorf("%s: values %v, want %v", r.origin, got, want)
		}
	}
}

// texts are what the sources have in quotes.
type texts struct {
	sentences []sentenceOfCode
	words     map[string]bool // in lower case, without the s of a plural
}

// sentenceOfCode is a text of several words, and where it is first.
type sentenceOfCode struct {
	text, place string
	pattern     *regexp.Regexp // finds the text in the catalogue, where values may be words
}

var word = regexp.MustCompile(`[a-zA-Z]{2,}`)

// singular returns a word in lower case, without the s of a plural.
func singular(w string) string {
	w = strings.ToLower(w)
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(w, "es"), "s"), "e")
}

// verb is a value in a format, and what stands in its place.
var verb = regexp.MustCompile(`%(?:\[\d\])?[-+#]?[0-9.]*[a-zA-Z]`)

// plain returns a format without its verbs.
func plain(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(format, value), "%%", "%")
}

// value stands for a value of a format.
const value = "·"

// collect gathers the texts of a file or a folder. Literals of several lines and columns are
// several texts.
func (found *texts) collect(t *testing.T, path string) {
	files := []string{path}
	if !strings.HasSuffix(path, ".go") {
		var err error
		if files, err = filepath.Glob(filepath.Join(path, "*.go")); err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", path, err, len(files))
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		skipped := map[ast.Expr]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec, *ast.StructType:
				return false
			case *ast.CompositeLit: // docs/reference/words.md
				if list, ok := n.Type.(*ast.ArrayType); ok && fmt.Sprint(list.Elt) == "ForeignWord" {
					return false
				}
			case *ast.KeyValueExpr: // help of a command
				if key, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"Use", "Short", "Long"}, key.Name) {
					return false
				}
			case *ast.CallExpr:
				if isFlag(n) {
					return false
				}
				for _, literal := range meanings(n) {
					skipped[literal] = true
				}
			case *ast.BasicLit:
				if n.Kind == token.STRING && !skipped[n] {
					literal, _ := strconv.Unquote(n.Value)
					found.add(literal, fmt.Sprintf("%s:%d", filepath.Base(name), set.Position(n.Pos()).Line))
				}
			}
			return true
		})
	}
}

// isFlag reports whether a call defines a flag of a command.
func isFlag(call *ast.CallExpr) bool {
	switch function := call.Fun.(type) {
	case *ast.SelectorExpr:
		return slices.Contains([]string{"StringVar", "String", "BoolVar", "IntVar", "DurationVar", "StringSliceVar", "StringArrayVar", "StringVarP"}, function.Sel.Name) && len(call.Args) >= 3
	case *ast.Ident:
		return slices.Contains([]string{"addDuration", "addFailOn"}, function.Name)
	}
	return false
}

// meanings returns the arguments of a call that say what a key of a file means: they are for
// the reference pages.
func meanings(call *ast.CallExpr) []ast.Expr {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	switch {
	case ok && slices.Contains([]string{"Optional", "Required"}, selector.Sel.Name) && len(call.Args) > 1:
		return call.Args[1:2]
	case ok && selector.Sel.Name == "Form":
		return call.Args
	}
	return nil
}

// blankBetween finds a blank between two words.
var blankBetween = regexp.MustCompile(`[a-zA-Z,;:)"·] [a-zA-Z("·]`)

// add adds the texts of a literal.
func (found *texts) add(literal, place string) {
	if found.words == nil {
		found.words = map[string]bool{}
	}
	for _, text := range regexp.MustCompile("[\n\t]").Split(literal, -1) {
		text = strings.Trim(plain(text), " "+value)
		list := word.FindAllString(text, -1)
		for _, w := range list {
			found.words[singular(w)] = true
		}
		isNew := !slices.ContainsFunc(found.sentences, func(s sentenceOfCode) bool { return s.text == text })
		if isNew && len(list) > 0 && blankBetween.MatchString(text) {
			pattern := strings.ReplaceAll(regexp.QuoteMeta(text), value, ".*")
			found.sentences = append(found.sentences, sentenceOfCode{text, place, regexp.MustCompile(pattern)})
		}
	}
}

// readList reads a file with a text a line.
func readList(t *testing.T, name string) map[string]int {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for n, line := range strings.Split(string(data), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			out[line] = n + 1
		}
	}
	return out
}

package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// block is a fenced block of a Markdown page.
type block struct {
	page, info, text string
}

func (b block) file(name string) []strict.File {
	return []strict.File{{Name: b.page + " " + name, Data: []byte(b.text)}}
}

func blocks(t *testing.T, root string) []block {
	t.Helper()
	var out []block
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, part := range strings.Split("\n"+string(text), "\n```") {
			if info, body, _ := strings.Cut(part, "\n"); i%2 == 1 {
				out = append(out, block{path, info, body + "\n"})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The documentation's examples are loaded and its commands run, so that it
// cannot rot.
func TestDocumentation(t *testing.T) {
	seen := map[string]int{}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, b := range blocks(t, ".") {
		seen[b.info]++
		var problems strict.Problems
		switch b.info {
		case "yaml mapping":
			location.LoadMapping(b.file("m.yaml"), &problems)
		case "csv mapping":
			location.LoadMapping(b.file("m.csv"), &problems)
		case "yaml routing":
			wantIsolation(t, b.page, route.Load(b.file("r.yaml"), time.Now(), &problems))
		case "yaml server":
			checkServer(t, b)
		case "yaml cases":
			checkCases(t, b, &problems)
		case "go":
			if _, err := parser.ParseFile(token.NewFileSet(), b.page, b.text, parser.AllErrors); err != nil {
				t.Error(err)
			}
		case "console":
			checkConsole(t, b)
		}
		if err := problems.Err(); err != nil {
			t.Error(err)
		}
	}
	for _, info := range []string{"yaml mapping", "csv mapping", "yaml routing", "yaml server", "yaml cases", "go", "console"} {
		if seen[info] == 0 {
			t.Errorf("no block %q was found: is the documentation still read?", info)
		}
	}
}

// wantIsolation wants rules that keep businesses apart, in every direction: no caller is
// left to the stock answer, or gets every business for being unknown.
func wantIsolation(t *testing.T, name string, rules *route.Rules) {
	t.Helper()
	var problems, lints strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n10.1.0.1,qb.novel.h\n10.2.0.1,ams.SH.1\n")}}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	rules.LintUnknown(table, &lints)
	rules.Lint(table, &lints)
	for _, p := range lints.List() {
		if strings.Contains(p.Message, "every business") || strings.Contains(p.Message, "who get every SET") {
			t.Errorf("%s: %s", name, p)
		}
	}
}

// The files that are shipped keep businesses apart, too.
func TestShippedFilesIsolate(t *testing.T) {
	for _, name := range []string{
		"build/conf/routing/sample.yaml", "scripts/demo/conf/routing.yaml", "build/kubernetes/files/routing/routing.yaml",
		"build/conf/routing/evacuate.yaml", "scripts/demo/conf/evacuate.yaml", "build/kubernetes/files/routing/evacuate.yaml",
		"testdata/tutorial/7-clean/routing.yaml", "testdata/cases/set-schemes.routing.yaml",
	} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		var problems strict.Problems
		wantIsolation(t, name, route.Load([]strict.File{{Name: name, Data: text}}, time.Now(), &problems))
		if err := problems.Err(); err != nil {
			t.Error(err)
		}
	}
}

// A Chinese page has the same headings, tables and examples as the English
// one; pictures have words of their own.
func TestChinesePageIsTheSame(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shape := func(page string) (out []string) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split("\n"+string(text), "\n```") {
			if i%2 == 1 && !strings.HasPrefix(part, "mermaid") {
				out = append(out, part)
				continue
			}
			for line := range strings.Lines(part) {
				for _, start := range []string{"# ", "## ", "|"} {
					if strings.HasPrefix(line, start) {
						out = append(out, start)
					}
				}
			}
		}
		return out
	}
	for _, page := range []string{"README", "docs/tutorial-set", "docs/start", "docs/glossary", "docs/gallery", "docs/operations", "docs/faq"} {
		if diff := cmp.Diff(shape(page+".md"), shape(page+"-zh.md")); diff != "" {
			t.Errorf("%[1]s.md and %[1]s-zh.md differ (-en +zh):\n%[2]s", page, diff)
		}
	}
}

func checkServer(t *testing.T, b block) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "server.yaml")
	if err := os.WriteFile(name, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serverconfig.Load(name); err != nil {
		t.Errorf("%s: %v", b.page, err)
	}
}

// checkCases puts the file where its relative names are meant to start.
func checkCases(t *testing.T, b block, problems *strict.Problems) {
	t.Helper()
	name := filepath.Join(filepath.Dir(b.page), "readme.cases.tmp.yaml")
	if err := os.WriteFile(name, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(name)
	file := cases.Load(name, problems)
	if file == nil {
		return
	}
	for _, c := range file.Tests {
		if _, differences := file.Run(c); len(differences) > 0 {
			t.Errorf("%s: %s: %v", b.page, c.Name, differences)
		}
	}
}

// checkConsole runs each `$ bin/setctl ...` of a block and compares what it
// prints.
func checkConsole(t *testing.T, b block) {
	t.Helper()
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		args := strings.Fields(command)
		if args[0] != "bin/setctl" {
			continue
		}
		var out bytes.Buffer
		run(expand(args[1:]), &out, &out)
		if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(out.String())); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", b.page, command, diff)
		}
	}
}

// expand does what a shell does with globs and single quotes.
func expand(args []string) []string {
	var out []string
	for _, arg := range args {
		if strings.HasPrefix(arg, "'") {
			out = append(out, strings.Trim(arg, "'"))
			continue
		}
		if matches, _ := filepath.Glob(arg); len(matches) > 0 {
			out = append(out, matches...)
			continue
		}
		out = append(out, arg)
	}
	return out
}

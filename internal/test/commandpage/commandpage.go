// Package commandpage writes a page of docs/reference of what a program says of its
// commands and flags.
package commandpage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Output is a command line, and what it prints.
type Output struct {
	Line, Text string
	From       string // a link to where it comes from; empty: none
}

// Write writes the sections of the commands of a program, in their order, each with its
// flags and one output. A command without an output, and an output without a command, are
// faults.
func Write(t testing.TB, b *bytes.Buffer, root *cobra.Command, outputs map[string]Output) {
	t.Helper()
	there := map[string]bool{}
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		there[c.Name()] = true
		fmt.Fprintf(b, "\n## %s %s\n\n%s.\n\n", root.Name(), c.Name(), sentence(c.Short))
		fmt.Fprintf(b, "    %s\n", c.UseLine())
		writeFlags(t, b, c)
		if c.Example != "" {
			fmt.Fprintf(b, "\nExamples:\n\n%s\n", indented(c.Example))
		}
		output, ok := outputs[c.Name()]
		if !ok {
			t.Errorf("%s %s has no output for its page", root.Name(), c.Name())
			continue
		}
		if output.Line != "" {
			writeOutput(b, output)
		}
	}
	for name := range outputs {
		if !there[name] {
			t.Errorf("%s has no command %s, and the page has its output", root.Name(), name)
		}
	}
}

func writeOutput(b *bytes.Buffer, o Output) {
	fmt.Fprintf(b, "\nWhat it prints%s:\n\n```text\n$ %s\n%s```\n", o.From, o.Line, strings.TrimRight(o.Text, "\n")+"\n")
}

// sentence returns a text that begins with a capital.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// indented returns lines as a block of code.
func indented(text string) string {
	return "    " + strings.Join(strings.Split(strings.ReplaceAll(strings.Trim(text, "\n"), "  setctl", "setctl"), "\n"), "\n    ")
}

// writeFlags writes the table of the flags of a command.
func writeFlags(t testing.TB, b *bytes.Buffer, c *cobra.Command) {
	t.Helper()
	rows := 0
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { rows += writeFlag(t, b, c, f, rows) })
	c.PersistentFlags().VisitAll(func(f *pflag.Flag) { rows += writeFlag(t, b, c, f, rows) })
}

func writeFlag(t testing.TB, b *bytes.Buffer, c *cobra.Command, f *pflag.Flag, rows int) int {
	t.Helper()
	if f.Hidden || f.Name == "help" {
		return 0
	}
	if f.Usage == "" {
		t.Errorf("%s: --%s does not say what it is for", c.Name(), f.Name)
	}
	if rows == 0 {
		fmt.Fprintf(b, "\n| flag | default | what it does |\n|---|---|---|\n")
	}
	kind, usage := pflag.UnquoteUsage(f)
	name := "`--" + strings.TrimSpace(f.Name+" "+strings.ToUpper(kind)) + "`"
	if f.Shorthand != "" {
		name += ", `-" + f.Shorthand + "`"
	}
	standard := f.DefValue
	if empty := map[string]bool{"": true, "false": true, "[]": true, "0s": true}; empty[standard] {
		standard = ""
	} else {
		standard = "`" + standard + "`"
	}
	row := fmt.Sprintf("| %s | %s | %s |", name, standard, strings.ReplaceAll(usage, "|", `\|`))
	fmt.Fprintln(b, strings.ReplaceAll(row, "|  |", "| |"))
	return 1
}

// FromPage returns the first output of a command on a page whose commands a test runs.
func FromPage(t testing.TB, root, page, program, command string) Output {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "\n```") {
		info, body, _ := strings.Cut(part, "\n")
		if i%2 == 0 || !strings.HasPrefix(info, "console") {
			continue
		}
		pattern := regexp.MustCompile(`(?m)^\$ ((?:bin/)?` + program + ` ` + command + `\b(?:[^\n]*\\\n)*[^\n]*)\n((?:[^$\n][^\n]*\n|\n)*)`)
		if m := pattern.FindStringSubmatch(body + "\n"); m != nil {
			return Output{Line: m[1], Text: m[2], From: fmt.Sprintf(", in [%s](../%s)", filepath.Base(page), filepath.Base(page))}
		}
	}
	t.Errorf("%s has no output of %s %s", page, program, command)
	return Output{}
}

// fromPages finds outputs that other pages have, which have tests of their own.
var fromPages = regexp.MustCompile("(?s)(What it prints, in \\[[^\n]*\n\n```text\n\\$ [^\n]*\n).*?```")

// Compare compares a page with its file, or writes the file. What outputs of other pages
// say is not compared: the tests of those pages do that.
func Compare(t testing.TB, name string, want []byte, update bool) {
	t.Helper()
	if update && !t.Failed() {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(fromPages.ReplaceAllString(string(got), "$1```"), "\n"), strings.Split(fromPages.ReplaceAllString(string(want), "$1```"), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("%s:%d is out of date; the test with -update writes it anew", name, i+1)
		}
	}
}

package setrouter

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A server of one's own builds with the program and the line of go.mod that the
// README has, and not without that line: the README has the compiler's words, too.
func TestModuleThatImportsThePack(t *testing.T) {
	const says = "undefined: stream.StreamState"
	page, chinese := read(t, "README.md"), read(t, "README-zh.md")
	program, requires := fenced(t, page, "package main\n"), fenced(t, page, "require "+modulePath)
	if fenced(t, chinese, "package main\n") != program || fenced(t, chinese, "require "+modulePath) != requires {
		t.Error("README-zh.md has another program, or other lines for go.mod, than README.md")
	}
	for _, text := range []string{page, chinese} {
		if !strings.Contains(text, says) {
			t.Errorf("a README does not say %q", says)
		}
	}
	exclude := regexp.MustCompile(`(?m)^exclude .*`).FindString(requires)
	if exclude == "" || !strings.Contains(read(t, "go.mod"), exclude+"\n") {
		t.Errorf("README.md has the line %q, which go.mod does not have", exclude)
	}
	if out, err := buildImporting(t, program, exclude); err != nil {
		t.Errorf("with the line: %v\n%s", err, out)
	}
	if out, err := buildImporting(t, program, ""); err == nil || !strings.Contains(out, says) {
		t.Errorf("without the line: %v\n%s", err, out)
	}
}

// fenced returns the block of a page that begins with a text.
func fenced(t *testing.T, page, begin string) string {
	t.Helper()
	for part := range strings.SplitSeq(page, "\n```") {
		if _, block, _ := strings.Cut(part, "\n"); strings.HasPrefix(block, begin) {
			return block
		}
	}
	t.Fatalf("no block begins with %q", begin)
	return ""
}

// buildImporting compiles a program in a module of its own that imports this checkout.
// The program is not linked: linking takes longer than all the rest.
func buildImporting(t *testing.T, program, exclude string) (string, error) {
	t.Helper()
	checkout, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	goMod := "module example.com/server\n\ngo 1.26.0\n\nrequire " + modulePath + " v0.0.0\n\nreplace " + modulePath + " => " + checkout + "\n\n" + exclude + "\n"
	for name, text := range map[string]string{"go.mod": goMod, "go.sum": read(t, "go.sum"), "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "list", "-mod=mod", "-export", "-f", "{{.Name}}", ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	return string(out), err
}

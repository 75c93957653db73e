package strict

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What makes a small file large, or deep, is refused before it is: the message
// has the place.
func TestYAMLBombs(t *testing.T) {
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for n := range 30 { // 9^31 values
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", n+1, n+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", n), 9), ", "))
	}
	for name, tt := range map[string]struct{ text, want string }{
		"aliases of aliases":  {laughs, "bomb.yaml:1:5: YAML anchors and aliases are not supported; write each value out"},
		"an alias of itself":  {"a0: &a [*a]\n", "bomb.yaml:1:5: YAML anchors and aliases are not supported"},
		"a merge":             {"base: &b {x: 1}\na0:\n  <<: *b\n", `anchors and aliases are not supported`},
		"deep lists":          {"a0: " + strings.Repeat("[", 100_000), "bomb.yaml:1:1: not valid YAML: exceeded max depth of 10000"},
		"deep keys":           {"a0: " + strings.Repeat("{a: ", 100_000), "not valid YAML: exceeded max depth of 10000"},
		"deep indentation":    {deep(20_000), "not valid YAML: exceeded max depth of 10000"},
		"a tag that is a lie": {"a0: !!binary x\n", `found "x", expected a text`},
	} {
		t.Run(name, func(t *testing.T) {
			var problems Problems
			root, ok := ParseYAML(File{Name: "bomb.yaml", Data: []byte(tt.text)}, &problems)
			if ok {
				for _, e := range root.Entries() {
					if e.Value.Null() || len(e.Value.yaml.Content) == 0 {
						_, _ = e.Value.Text()
						continue
					}
					for _, inner := range e.Value.Entries() {
						_, _ = inner.Value.Text()
					}
				}
			}
			if err := problems.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%.300v, want %s", err, tt.want)
			}
		})
	}
}

func deep(levels int) string {
	var b strings.Builder
	b.WriteString("a0:\n")
	for n := range levels {
		b.WriteString(strings.Repeat(" ", n+1) + "-\n")
	}
	return b.String()
}

// A key or value of megabytes, or a fault in each of many lines, does not come
// back in a log line or a status.
func TestMessagesAreBounded(t *testing.T) {
	huge := strings.Repeat("é", 4<<20)
	var problems Problems
	root, ok := ParseYAML(File{Name: "f.yaml", Data: []byte("? " + huge + "\n: 1\nname: [" + huge + "]\nword: " + huge + "\n")}, &problems)
	if !ok {
		t.Fatal(problems.Err())
	}
	root.Bind(
		Optional("name", "", func(n Node) { _, _ = n.Items()[0].Int(0, 1) }),
		Optional("word", "", func(n Node) { _, _ = n.Word("own", "pool") }),
		Optional("version", "", Ignore),
	)
	list := problems.List()
	if len(list) != 3 {
		t.Errorf("%d problems, want 3", len(list))
	}
	for _, p := range list {
		if len(p.Message) > maxMessage+3 || !strings.HasSuffix(p.Message, "é...") {
			t.Errorf("a message of %d bytes, ends with %q", len(p.Message), p.Message[len(p.Message)-10:])
		}
	}
	for n := range 100_000 {
		problems.Add(Problem{File: "f.yaml", Line: n + 4, Col: 1, Message: "x"})
	}
	text := problems.Err().Error()
	if lines := strings.Count(text, "\n"); lines != maxFaults || !strings.HasSuffix(text, "\nand 99903 more; setctl check shows each kind") {
		t.Errorf("%d lines that end with %q", lines, text[len(text)-60:])
	}
	if len(problems.List()) != 100_003 {
		t.Error("setctl check does not have all")
	}
}

// Only what is a file is read: a pipe does not hold the reader up, and a link
// to itself, to a directory or to a device is refused.
func TestReadFileReadsFilesOnly(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		syscall.Mkfifo(path("pipe"), 0o600), os.Symlink("loop", path("loop")), os.Symlink(".", path("directory")), os.Symlink("/dev/zero", path("device")),
		os.WriteFile(path("huge"), nil, 0o600), os.Truncate(path("huge"), MaxFileSize+1),
		os.WriteFile(path("target"), []byte("x: y\n"), 0o600), os.Symlink("../"+filepath.Base(dir)+"/target", path("link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"pipe": "is not a regular file", "loop": "cannot be read: too many levels of symbolic links", "directory": "is a directory, expected a file; name the files in it",
		"device": "is not a regular file", "huge": "is larger than 256 MiB", "gone": "cannot be read: no such file or directory", "link": "",
	} {
		done := make(chan string, 1)
		go func() {
			var problems Problems
			_, _ = ReadFile(path(name), &problems)
			text := ""
			if err := problems.Err(); err != nil {
				text = err.Error()
			}
			done <- text
		}()
		select {
		case got := <-done:
			if want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it is still being read", name)
		}
	}
}

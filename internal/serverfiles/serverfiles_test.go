package serverfiles

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// loadText makes a value of the contents, one entry each. The content "bad" is a
// fault.
func loadText(files []strict.File) (*string, int, error) {
	text := ""
	for _, file := range files {
		if string(file.Data) == "bad" {
			return nil, 0, errors.New("bad text")
		}
		text += string(file.Data)
	}
	return &text, len(files), nil
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// After each load OnLoad has the value in force, and the status how it went.
func TestOnLoad(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.txt")
	write(t, name, "first")
	var given []string
	files, err := Open(Options[string]{Kind: "mapping", Names: []string{name}, Load: loadText, OnLoad: func(value *string) { given = append(given, *value) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ text, want, wantErr string }{
		{"first", "", ""}, // the same text is no load
		{"second", "second", ""},
		{"bad", "second", "bad text"},
		{"third", "third", ""},
	} {
		given = nil
		write(t, name, step.text)
		err := files.Reload(false)
		if (err != nil) != (step.wantErr != "") || err != nil && err.Error() != step.wantErr {
			t.Errorf("%s: %v, want %q", step.text, err, step.wantErr)
		}
		if got := append(given, "")[0]; got != step.want || len(given) > 1 {
			t.Errorf("%s: OnLoad was given %q, want %q", step.text, given, step.want)
		}
	}
	if s := files.Status(); s.Count != 1 || s.Releases != nil {
		t.Errorf("%+v", s)
	}
}

// The error of a start names the kind of files.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.txt")
	write(t, bad, "bad")
	none := filepath.Join(dir, "none.txt")
	for _, tt := range []struct{ kind, name, want string }{
		{"mapping", bad, "mapping: bad text"},
		{"routing", none, "routing: " + none + ": no such file; check the name, relative names start at the server's working directory"},
	} {
		if _, err := Open(Options[string]{Kind: tt.kind, Names: []string{tt.name}, Load: loadText}); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// With a file in the config center the value of no files is in force until the
// server's caches are warm; the files on disk are looked at before.
func TestInConfigCenter(t *testing.T) {
	const inCenter = "polaris://Polaris/setrouter/a.txt"
	name := filepath.Join(t.TempDir(), "a.txt")
	options := Options[string]{Kind: "mapping", Names: []string{name, inCenter}, Load: loadText, OnLoad: func(*string) { t.Error("there was a load") }}
	if _, err := Open(options); err == nil {
		t.Error("a file that is not there is no error")
	}
	write(t, name, "on disk")
	files, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Reload(true); err == nil || err.Error() != "the server is starting" {
		t.Error(err)
	}
	if got := *files.Get(); got != "" {
		t.Errorf("in force: %q", got)
	}
}

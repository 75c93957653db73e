package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// FuzzReason writes an evacuation into a file and reads it again.
func FuzzReason(f *testing.F) {
	for _, s := range []string{"power work", `a "quoted" reason`, "电源检修", "a: b # c", "tab\tand\nline", `back\slash`, "{x}"} {
		f.Add(s, "south/sz")
	}
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, reason, zone string) {
		place, err := route.ParsePlace("zone", zone)
		if err != nil || !utf8.ValidString(reason) || !utf8.ValidString(zone) {
			t.Skip("the command refuses it")
		}
		e := route.Evacuation{Location: place, Until: now.Add(time.Hour), Reason: reason}
		text, err := addEntry(strict.File{Name: "r.yaml", Data: []byte("version: 1\n")}, entryText(e))
		if err != nil {
			t.Fatal(err)
		}
		var problems strict.Problems
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte(text)}}, now, &problems)
		if rules == nil {
			t.Fatalf("%q: %v in %s", reason, problems.Err(), text)
		}
		if got := rules.AllEvacuations(); len(got) != 1 || got[0].Reason != reason || got[0].Location != place {
			t.Fatalf("%q came back as %q", reason, got[0].Reason)
		}
	})
}

// FuzzEdit adds an evacuation to any routing file, and ends it again. Whatever
// the file looks like, its rules stay: the command edits, or refuses.
func FuzzEdit(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/routing/*.yaml", "testdata/*/*routing.yaml") {
		f.Add(text)
	}
	for _, text := range []string{
		"version: 1\n", "version: 1\nevacuate: []\nrules: []\naliases: {a: b}\n", "version: 1\nevacuate: # none\nrules: []", "evacuate:\n- {set: a.b.c, until: 2026-11-25T00:00:00Z}\nversion: 1\n",
		"version: 1 # mine\nrules:\n  - name: r\n    service: default/s\nevacuate:\n  -\n    set: a.b.c\n    until: 2026-11-25T00:00:00Z\n    reason: |\n      two\n      lines\n",
		"version: 1\nevacuate: [\n]\naliases: {a: b}\n", "{version: 1}\n", "version: 1\r\nevacuate:\r\n  - {region: r, until: 2026-11-25T00:00:00Z}\r\n", "--- # head\nversion: 1\n...\n",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(dir, "r.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e := evacuateCommand{file: name, entry: route.Evacuation{Location: location.Location{Region: "new"}, Until: now.Add(time.Hour), Reason: "a #new 'reason'"}}
		if err := e.edit(now); err != nil {
			checkError(t, err)
			return
		}
		checkEdit(t, text, e.edited, 1)
		if err := os.WriteFile(name, []byte(e.edited), 0o600); err != nil {
			t.Fatal(err)
		}
		end := evacuateCommand{file: name, end: e.entry.ID()}
		if err := end.edit(now); err != nil {
			checkError(t, err)
			return
		}
		checkEdit(t, text, end.edited, 0)
	})
}

// checkError checks the lines of an error.
func checkError(t *testing.T, err error) {
	if list, ok := err.(strict.Error); ok {
		for _, p := range list {
			fuzztest.Printable(t, p.Message)
		}
	}
}

// checkEdit compares files: they differ by some entries under evacuate alone.
func checkEdit(t *testing.T, before, after string, more int) {
	t.Helper()
	var was, is map[string]any
	if err := yaml.Unmarshal([]byte(before), &was); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(after), &is); err != nil {
		t.Fatal(err)
	}
	old, _ := was["evacuate"].([]any)
	edited, _ := is["evacuate"].([]any)
	delete(was, "evacuate")
	delete(is, "evacuate")
	if len(edited) != len(old)+more || !reflect.DeepEqual(was, is) || !reflect.DeepEqual(append([]any{}, old...), append([]any{}, edited[more:]...)) {
		t.Errorf("edited to something else, %d entries in place of %d:\n%s\n---\n%s", len(edited), len(old), before, after)
	}
}

package livefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Files that nobody reads are warned of once each, for as long as they are there.
func TestStrays(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("mapping/a.yaml", "version: 1\nmappings: []\n")
	write("mapping/r.routing.yml", "version: 1\nrules: []\n")   // read elsewhere
	write("mapping/server.yml", "bootstrap: {}\naliases: {}\n") // another configuration
	write("mapping/case.yml", "tests: []\nmappings: []\n")      // a case file
	write("mapping/notes.txt", "mappings: []\n")                // another ending
	write("mapping/.hidden.yml", "mappings: []\n")              // an editor's
	write("mapping/list.csv", "host,owner\n10.0.0.1,me\n")      // another table
	write("single/one.yaml", "version: 1\nmappings: []\n")      // named by its name
	write("single/two.yaml", "version: 1\nmappings: []\n")      // its neighbour may be anything
	glob := filepath.Join(dir, "mapping", "*.yaml")
	var told []string
	live, err := Open(Options[lines]{
		Globs: []string{glob, filepath.Join(dir, "single", "one.yaml")}, Others: []string{filepath.Join(dir, "mapping", "*.routing.yml")}, Load: loadLines,
		OnWarning: func(w strict.Problem) { told = append(told, w.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) {
		t.Helper()
		var got []string
		for _, w := range live.Status().Warnings {
			got = append(got, strings.ReplaceAll(w.String(), dir+"/", ""))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	}
	check()
	write("mapping/beijing.yml", "version: 1\nmappings: []\n")
	write("mapping/Export.CSV", "# of the CMDB\nmatch,region\n10.0.0.1,r\n")
	live.Refresh()
	live.Refresh()
	const rest = `: warning: is read by nobody: it lies beside the files of "mapping/*.yaml", and no name in the configuration fits it`
	check("mapping/Export.CSV"+rest, "mapping/beijing.yml"+rest)
	if len(told) != 2 {
		t.Errorf("told %d times: %s", len(told), told)
	}
	if err := os.Rename(filepath.Join(dir, "mapping", "beijing.yml"), filepath.Join(dir, "mapping", "beijing.yaml")); err != nil {
		t.Fatal(err)
	}
	live.Refresh()
	check("mapping/Export.CSV" + rest)
}

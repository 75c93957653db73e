// Command mapping measures mapping files of a million entries: lookups beside
// the bare table library, loading, memory, and lookups during a reload. Each
// file is measured in a process of its own, for the peak of its memory.
// docs/performance-mapping.md has the method and results.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/internal/test/mappingtest"
)

// row is one line of the report. A missed target does not fail the run.
type row struct {
	Work, Got, Target string
}

func main() {
	entries := flag.Int("entries", 1_000_000, "entries in a file")
	measure := flag.String("measure", "", "what this process measures: lookup, csv or yaml; empty: all, each in a process")
	dir := flag.String("dir", "", "with -measure: where the files are")
	flag.Parse()
	var err error
	switch *measure {
	case "":
		err = runAll(*entries)
	case "lookup":
		err = report(measureLookup(*dir, *entries))
	default:
		err = report(measureFile(*dir, *measure, *entries))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-mapping:", err)
		os.Exit(1)
	}
}

// report hands rows to the parent process.
func report(rows []row, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(rows)
}

func runAll(entries int) error {
	dir, err := os.MkdirTemp("", "bench-mapping")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeFiles(dir, entries); err != nil {
		return err
	}
	fmt.Printf("%d entries\n\n", entries)
	t := table.New(os.Stdout)
	defer t.Flush()
	fmt.Fprintln(t, "WORK\tMEASURED\tTARGET")
	for _, name := range []string{"lookup", "csv", "yaml"} {
		rows, err := runOne(name, dir, entries)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%s\t%s\n", r.Work, r.Got, r.Target)
		}
	}
	return nil
}

// runOne makes one measurement in a process of its own.
func runOne(name, dir string, entries int) (rows []row, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-measure", name, "-dir", dir, "-entries", fmt.Sprint(entries))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return rows, json.Unmarshal(out, &rows)
}

// writeFiles writes a file of each kind, and beside it a file in which one entry has
// another SET.
func writeFiles(dir string, n int) error {
	entries := mappingtest.Entries(n)
	for _, ending := range []string{"", ".changed"} {
		for kind, data := range map[string][]byte{"csv": mappingtest.CSV(entries), "yaml": mappingtest.YAML(entries)} {
			if err := os.WriteFile(filepath.Join(dir, "mapping."+kind+ending), data, 0o600); err != nil {
				return err
			}
		}
		entries[n/2].SET = "changed.one.entry"
	}
	return nil
}

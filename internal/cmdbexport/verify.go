package cmdbexport

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// dropTwins leaves out entries for addresses that another entry has, too. Of equal
// entries the first stays. Of entries that contradict each other none stays: nobody can
// say which is right.
func (im *importer) dropTwins() {
	first := map[string]int{}
	contradicted := map[string]bool{}
	for n, e := range im.entries {
		k, ok := first[e.key]
		if !ok {
			first[e.key] = n
		} else if !slices.Equal(im.entries[k].cells, e.cells) {
			contradicted[e.key] = true
		}
	}
	var kept []entry
	for n, e := range im.entries {
		twin := im.entries[first[e.key]]
		switch {
		case contradicted[e.key]:
			im.leftOut.add("entry", "another row says something else of the same addresses",
				fmt.Sprintf("%s: %s %s", e.origin, e.match, strings.Join(e.cells, "/")))
		case first[e.key] != n:
			im.leftOut.add("entry", saidBefore, fmt.Sprintf("%s: %s, first in %s", e.origin, e.match, twin.origin))
			im.leftOut.harmless("entry", saidBefore)
		default:
			kept = append(kept, e)
		}
	}
	im.entries = kept
}

// saidBefore is the reason for leaving out the second of two equal entries.
const saidBefore = "an earlier row says the same"

// csv returns the mapping file. Each entry is one line.
func (im *importer) csv() []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(append([]string{"match"}, im.columns...))
	for _, e := range im.entries {
		_ = w.Write(append([]string{e.match}, e.cells...))
	}
	w.Flush() // to memory: no error
	return out.Bytes()
}

// written is the name under which the mapping file is loaded.
const written = "import.csv"

var writtenLine = regexp.MustCompile(regexp.QuoteMeta(written) + `:(\d+)(:\d+)?`)

// mostLoads bounds how often the mapping file is loaded. A load can find what the faults
// before have hidden.
const mostLoads = 8

// dropUnloadable leaves out the entries with which the mapping file does not load.
func (im *importer) dropUnloadable() error {
	for range mostLoads {
		if len(im.entries) == 0 {
			return nil
		}
		var problems strict.Problems
		location.LoadMapping([]strict.File{{Name: written, Data: im.csv()}}, &problems)
		if problems.Err() == nil {
			return nil
		}
		faulty := map[int]bool{}
		for _, p := range problems.List() {
			n := p.Line - 2
			if p.Warning {
				continue
			}
			if n < 0 || n >= len(im.entries) {
				return problems.Err()
			}
			if !faulty[n] {
				faulty[n] = true
				im.addFault(im.entries[n], p.Message)
			}
		}
		var kept []entry
		for n, e := range im.entries {
			if !faulty[n] {
				kept = append(kept, e)
			}
		}
		im.entries = kept
	}
	return fmt.Errorf("what was left after %d loads still does not load", mostLoads)
}

// addFault leaves an entry out for what loading says.
func (im *importer) addFault(e entry, message string) {
	im.leftOut.add("entry", generalise(writtenLine.ReplaceAllString(message, "another row")),
		e.origin+": "+writtenLine.ReplaceAllStringFunc(message, im.originOf))
}

// originOf returns the origin in the export of a line of the mapping file.
func (im *importer) originOf(text string) string {
	line, err := strconv.Atoi(writtenLine.FindStringSubmatch(text)[1])
	if err != nil || line < 2 || line-2 >= len(im.entries) {
		return text
	}
	return im.entries[line-2].origin
}

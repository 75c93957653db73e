//go:build clients

package main

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const eurekaTableMark = "<!-- by go test -tags clients ./build/polaris-server -run TestClientsEurekaAll -update -->\n"

// TestClientsEurekaAll runs all clients at once, and compares what they do with the table in
// docs/compatibility.md. Numbers differ from run to run.
func TestClientsEurekaAll(t *testing.T) {
	kinds := polaristest.EurekaKinds()
	cells := runEurekaRows(t, kinds)
	if t.Failed() || len(cells) < len(eurekaRows) {
		t.Log("not all rows were run and hold: the table stays as it is")
		return
	}
	table := eurekaTable(kinds, cells)
	if *update {
		compareTable(t, eurekaTableMark, table)
		return
	}
	page, text := pageWith(t, eurekaTableMark)
	_, rest, _ := strings.Cut(text, eurekaTableMark)
	written, _, _ := strings.Cut(rest, "\n\n")
	if diff := cmp.Diff(withoutNumbers(written+"\n"), withoutNumbers(table)); diff != "" {
		t.Errorf("%s (-page +now):\n%s", page, diff)
	}
}

// eurekaTable has a column for each kind, with full lists / with deltas.
func eurekaTable(kinds []polaristest.EurekaKind, cells map[string][]string) string {
	lines := []string{"| |", "|---|"}
	for _, kind := range kinds {
		lines[0] += " " + kind.String() + " |"
		lines[1] += "---|"
	}
	for _, row := range eurekaRows {
		line, n := "| "+row.says+" (`"+row.key+"`) |", 0
		for _, kind := range kinds {
			cell := cells[row.key][n]
			n++
			if kind.HasFull {
				if cell != cells[row.key][n] {
					cell += " / " + cells[row.key][n]
				}
				n++
			}
			line += " " + cell + " |"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

var numberInCell = regexp.MustCompile(`\d+\.\d s( / \d+\.\d s)?|of \d+`)

func withoutNumbers(table string) string { return numberInCell.ReplaceAllString(table, "N") }

// The actuator of Spring Cloud shows the status of an instance that is not in its client's
// own view.
func TestClientsEurekaOwnStatus(t *testing.T) {
	config, addr := withEureka(polaristest.Config(), "127.0.0.1", 1)
	_, console := start(t, polaristest.Options{Config: config, Files: map[string]string{
		"conf/routing/routing.yaml": "version: 1\nrules: [{name: away, service: default/away*, set: {tiers: [pool]}}]\n",
	}})
	source := netip.MustParseAddr("127.1.7.99")
	c := startEurekaClient(t, polaristest.EurekaKinds()[2], "delta", source, addr, "away", source.String())
	status := func(want string) {
		t.Helper()
		wait(t, func() error {
			if got := c.Status(); got != want {
				return errorf("Spring shows %q, want %q", got, want)
			}
			return nil
		})
	}
	status("UP")
	if err := console.Isolate(t.Context(), "default", "away", source.String(), true); err != nil {
		t.Fatal(err)
	}
	status("OUT_OF_SERVICE")
}

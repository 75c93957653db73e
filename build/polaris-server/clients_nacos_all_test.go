//go:build clients

package main

import (
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const (
	nacosTableMark = "<!-- by go test -tags clients ./build/polaris-server -run TestClientsNacosAll -update -->\n"
	nacosRunMark   = "<!-- the run of TestClientsNacosAll -->\n"
)

// TestClientsNacosAll runs all SDKs at once, and compares what they do with the table in
// docs/compatibility.md. The seconds differ from run to run.
func TestClientsNacosAll(t *testing.T) {
	kinds := polaristest.NacosKinds()
	cells := runNacosRows(t, kinds)
	if t.Failed() || len(cells) < len(nacosRows) {
		t.Log("not all rows were run and hold: the table stays as it is")
		return
	}
	table := nacosTable(kinds, cells)
	if *update {
		compareTable(t, nacosTableMark, table)
		compareTable(t, nacosRunMark, nacosRun(t))
		return
	}
	page, text := pageWith(t, nacosTableMark)
	_, rest, _ := strings.Cut(text, nacosTableMark)
	written, _, _ := strings.Cut(rest, "\n\n")
	if diff := cmp.Diff(withoutSeconds(written+"\n"), withoutSeconds(table)); diff != "" {
		t.Errorf("%s (-page +now):\n%s", page, diff)
	}
}

func nacosTable(kinds []polaristest.NacosKind, cells map[string][]string) string {
	head := "| |"
	for _, kind := range kinds {
		head += " " + kind.String() + " |"
	}
	lines := []string{head, strings.Repeat("|---", len(kinds)+1) + "|"}
	for _, row := range nacosRows {
		lines = append(lines, "| "+row.says+" (`"+row.key+"`) | "+strings.Join(cells[row.key], " | ")+" |")
	}
	return strings.Join(lines, "\n") + "\n"
}

var secondsShape = regexp.MustCompile(`\d+\.\d s`)

func withoutSeconds(table string) string { return secondsShape.ReplaceAllString(table, "N s") }

// nacosRun says what was run, when, and on what.
func nacosRun(t *testing.T) string {
	t.Helper()
	said := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v", name, args, err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		return line
	}
	_, java, _ := strings.Cut(said("java", "-version"), `"`)
	java, _, _ = strings.Cut(java, `"`)
	return "Run on " + time.Now().UTC().Format(time.DateOnly) + " at commit " + said("git", "rev-parse", "--short", "HEAD") + ", with OpenJDK " + java + ", " +
		said("python3", "--version") + ", Node " + said("node", "--version") + " and " + runtime.Version() + ", all clients at once on " + strconv.Itoa(runtime.NumCPU()) + " cores.\n"
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// javaVersions are the versions of polaris-java that docs/compatibility.md has
// columns for: the last but one before 2.0, and three of 2.x.
var javaVersions = []string{"1.15.7", "2.0.0.2", "2.1.0.0", "2.1.1.0"}

// polarisJava is the version that make test runs.
const polarisJava = "2.1.0.0"

// javaRow is a row of the table of polaris-java.
type javaRow struct {
	row
	but   map[string]string // the cells that are not yes, by version
	fault bool              // the row has the faulty server for itself
}

// TestClientsJava runs the unmodified polaris-java against a real server.
// docs/compatibility.md has the table, whose other columns TestClientsJavaVersions
// checks.
func TestClientsJava(t *testing.T) {
	t.Parallel()
	if !runJava(t, polarisJava) {
		t.Log("not all rows were run and hold: the table stays as it is")
		return
	}
	compareTable(t, "<!-- by go test ./build/polaris-server -run TestClientsJava -update -->\n", javaTable())
}

func javaTable() string {
	table := "| | " + strings.Join(javaVersions, " | ") + " | |\n|---|" + strings.Repeat("---|", len(javaVersions)) + "---|\n"
	for _, row := range javaRows {
		table += "| " + row.says + " |"
		for _, version := range javaVersions {
			cell, ok := row.but[version]
			if !ok {
				cell = "yes"
			}
			table += " " + cell + " |"
		}
		table += " `" + row.key + "` |\n"
	}
	return table
}

// runJava runs the rows with a version, all at the same time but for those with the
// faulty server, and reports whether all were run and hold.
func runJava(t *testing.T, version string) bool {
	t.Helper()
	needs.Program(t, "javac", "mvn")
	program := buildJava(t, "../../scripts/clients/polaris-java", "Consumer", "-Dpolaris.version="+version)
	s := &sdk{version, func() (string, error) { return program, nil }}
	server, console := start(t, polaristest.Options{Files: matrixFiles})
	faulty := startFaulty(t)

	runs := []*run{}
	var all sync.WaitGroup
	var alone sync.Mutex
	for _, row := range javaRows {
		r := &run{sdk: s, row: row.key, server: server, console: console}
		if row.fault {
			r.server, r.console, r.faulty = faulty.server, faulty.console, faulty
		}
		runs = append(runs, r)
		all.Go(func() {
			if row.fault {
				alone.Lock()
				defer alone.Unlock()
			}
			t.Run(row.key, func(t *testing.T) { row.test(t, []*run{r}) })
		})
	}
	all.Wait()
	for _, r := range runs {
		if !r.ran {
			return false
		}
	}
	return !t.Failed()
}

// buildJava builds a program of scripts/clients with Maven's arguments for the
// versions of its libraries, and returns the path of a script that runs the class
// main. Java's own warnings go to standard output by default, where only answers may
// be.
func buildJava(t *testing.T, source, main string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	libraries := filepath.Join(dir, "lib")
	resolve := append([]string{"-q", "-B", "-f", source, "dependency:copy-dependencies", "-DoutputDirectory=" + libraries}, args...)
	out, err := exec.Command("mvn", resolve...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("mvn %v: %w\n%s", resolve, err, out)
	}
	needs.Downloaded(t, needs.RegistryMaven, err)

	classes, path := filepath.Join(dir, "classes"), filepath.Join(libraries, "*")
	files, err := filepath.Glob(filepath.Join(source, "*.java"))
	if err != nil {
		t.Fatal(err)
	}
	compile := append([]string{"-nowarn", "-parameters", "-d", classes, "-cp", path}, files...)
	if out, err := exec.Command("javac", compile...).CombinedOutput(); err != nil {
		t.Fatalf("javac %v: %v\n%s", compile, err, out)
	}
	script := filepath.Join(dir, main)
	text := "#!/bin/sh\nexec java -Xlog:disable -Xlog:all=warning:stderr -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp '" +
		path + string(os.PathListSeparator) + classes + "' " + main + " \"$@\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return script
}

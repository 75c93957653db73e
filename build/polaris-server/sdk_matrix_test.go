package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// sdk is a version of polaris-go, in a program of its own.
type sdk struct {
	version string
	program func() (string, error) // builds it at the first call
}

var sdks = []*sdk{
	{"v1.5.5", sync.OnceValues(func() (string, error) { return buildConsumer("v1.5.5") })},
	{"v1.6.1", func() (string, error) { return consumerBinary, nil }},
	{"v1.7.0", sync.OnceValues(func() (string, error) { return buildConsumer("v1.7.0") })},
}

func buildConsumer(version string) (string, error) {
	binary := filepath.Join(filepath.Dir(consumerBinary), "consumer-"+version)
	build := exec.Command("go", "build", "-C", "../../scripts/demo/consumer", "-modfile="+version+".mod", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
}

// checkVersion says whether a program has the version of the SDK that it is for.
func (s *sdk) checkVersion() error {
	binary, err := s.program()
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/polarismesh/polaris-go" && d.Version == s.version && d.Replace == nil {
			return nil
		}
	}
	return errors.New("the program for " + s.version + " has another version of the SDK")
}

// row is a line of the table.
type row struct {
	key  string // in the names of its services and of the test
	says string
	test func(*testing.T, []*run)
}

var rows = []row{
	{"discovery", "`GetAllInstances` is the caller's view, `GetOneInstance` picks from all of it", alone(rowDiscovery)},
	{"change", "The SET's instances are isolated: the pool. They are back: its own again", alone(rowChange)},
	{"watch", "`WatchService` tells of the change, and its events add up to the new list", alone(rowWatch)},
	{"location", "`ReportClient`: the SDK takes its location from the server's mapping", alone(rowLocation)},
	{"weights", "Picks follow the weights", alone(rowWeights)},
	{"shares", "Picks follow the shares of `overprovision`, within each road the weights", alone(rowShares)},
	{"recover", "Every instance of the view is unhealthy: picks go on, within the view", alone(rowRecover)},
	{"nearby", "The SDK's own nearby router over our list: agrees at every level", alone(rowNearby)},
	{"nearby-later", "`internal-enable-nearby` is set on a service whose list is wider than a zone: the SDK does not narrow it once more", alone(rowNearbyLater)},
	{"set", "The SDK's own set router over our list: agrees, own SET and pool", alone(rowSet)},
	{"wildcard", "The same for a caller with SET `a.b.*`", alone(rowSetWildcard)},
	{"siblings", "The same over a list of tier `siblings`", alone(rowSetSiblings)},
	{"disk", "A new process starts without a server, from the list and location on disk, and follows the server when it is there", alone(rowDisk)},
	{"restart", "The server is away: the SDK goes on. It is back: the SDK follows changes", rowRestart},
	{"failover", "Two servers, the one in use is killed: the SDK goes on with the other", rowFailover},
	{"empty", "An empty view is taken as it is, and instances that come back are found", alone(rowEmpty)},
}

// run is a row with one version.
type run struct {
	*sdk
	row     string
	server  *polaristest.Server
	console *polaristest.Console
	ran     bool
	note    string  // of an exception, in the table
	faulty  *faulty // for the rows that need it
	shared  *caller // of all rows, where a start takes long
}

// service is a name that no other run has. Its first word chooses the rule.
func (r *run) service(kind string) string {
	return kind + "-" + r.row + "-" + strings.ReplaceAll(r.version, ".", "-")
}

// each runs a step of a row with all versions at the same time.
func each(t *testing.T, runs []*run, step string, f func(*testing.T, *run)) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range runs {
		all.Go(func() {
			t.Run(strings.TrimSpace(r.version+" "+step), func(t *testing.T) {
				r.ran = true
				f(t, r)
			})
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func alone(f func(*testing.T, *run)) func(*testing.T, []*run) {
	return func(t *testing.T, runs []*run) { each(t, runs, "", f) }
}

// What the rows' services are routed by.
var matrixFiles = map[string]string{
	"conf/mapping/mapping.yaml": mapping + `
  - {match: 127.3.0.0/16, region: east, zone: shanghai, campus: shanghai-1, set: "qb.novel.*"}
  - {match: 10.25.1.0/24, region: east, zone: shanghai, campus: shanghai-1}
  - {match: 10.25.2.0/24, region: east, zone: shanghai, campus: shanghai-2}
`,
	"conf/routing/routing.yaml": `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}}
  - {name: shares, service: default/shares*, set: {}, degrade: {overprovision: 140}}
  - {name: own-only, service: default/own*, set: {tiers: [own]}}
  - {name: siblings, service: default/siblings*, set: {tiers: [own, siblings]}}
  - {name: near, service: default/near*, nearby: {}}
  - {name: region, service: default/region*, nearby: {matchLevel: region}}
`,
}

// Three versions of the unmodified SDK, each as a program of its own, get their
// lists and live with them. docs/compatibility.md has the table.
func TestSDKMatrix(t *testing.T) {
	for _, s := range sdks {
		if err := s.checkVersion(); err != nil {
			t.Fatal(err)
		}
	}
	server, console := start(t, polaristest.Options{Files: matrixFiles})
	cells := map[string][]*run{}
	for _, row := range rows {
		for _, s := range sdks {
			cells[row.key] = append(cells[row.key], &run{sdk: s, row: row.key, server: server, console: console})
		}
	}
	t.Run("row", func(t *testing.T) {
		for _, row := range rows {
			t.Run(row.key, func(t *testing.T) {
				t.Parallel()
				row.test(t, cells[row.key])
			})
		}
	})
	table, whole := tableOf(cells)
	if t.Failed() || !whole {
		t.Log("not all rows were run and passed: the table stays as it is")
		return
	}
	compareTable(t, tableMark, table)
}

func tableOf(cells map[string][]*run) (table string, whole bool) {
	var b strings.Builder
	b.WriteString("| |")
	for _, s := range sdks {
		b.WriteString(" " + s.version + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(sdks)) + "\n")
	whole = true
	for _, row := range rows {
		b.WriteString("| " + row.says + " |")
		for _, r := range cells[row.key] {
			whole = whole && r.ran
			cell := "yes"
			if r.note != "" {
				cell = r.note
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
	}
	return b.String(), whole
}

// pages is held while a page is read and written: some tests run at the same time.
var pages sync.Mutex

const tableMark = "<!-- by go test ./build/polaris-server -run TestSDKMatrix -update -->\n"

// compareTable compares the table after a mark with the page of docs/ that has the
// mark, or writes it there. An empty line ends the table.
func compareTable(t *testing.T, mark, table string) {
	t.Helper()
	pages.Lock()
	defer pages.Unlock()
	page, text := pageWith(t, mark)
	before, rest, _ := strings.Cut(text, mark)
	written, after, ok := strings.Cut(rest, "\n\n")
	if !ok {
		t.Fatalf("%s has no empty line after the table at %q", page, mark)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+mark+table+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(written+"\n", table); diff != "" {
		t.Errorf("%s (-page +now):\n%s", page, diff)
	}
}

// pageWith returns the page of docs/ that has a mark, and its text.
func pageWith(t *testing.T, mark string) (page, text string) {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), mark) {
			return page, string(text)
		}
	}
	t.Fatalf("no page of docs/ has %q, which a table is written after", mark)
	return "", ""
}

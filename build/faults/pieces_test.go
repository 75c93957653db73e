package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A routing file that a slow copy writes in pieces: the old rules stay in force until
// the file is whole. Where the copy stops between two rules, the shrink guard refuses
// the half. Else everybody would get every SET.
func TestWrittenInPieces(t *testing.T) {
	t.Parallel()
	const rule = "  - {name: novel, service: default/novel*, set: {}}\n"
	var others []string
	for n := range 10 {
		others = append(others, fmt.Sprintf("  - {name: other-%d, service: default/other-%d, set: {}}\n", n, n))
	}
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/all.yaml": mapping, "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": "version: 1\nrules:\n" + strings.Join(others, "") + rule,
	}})
	must(t, console.Register(t.Context(), novel("novel")...))
	eventually(t, server, shanghai, "novel", "10.11.0.1")
	answers, stop := bystander(t, server)
	file, err := os.OpenFile(filepath.Join(server.Dir, "conf/routing/all.yaml"), os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)

	// The copy goes on three times a second: no piece is read.
	must(t, write(file, "version: 1\nrules:\n"))
	for _, other := range others[:6] {
		must(t, write(file, other))
		time.Sleep(300 * time.Millisecond) // the copy is slow
		must(t, gets(t, server, shanghai, "novel", "10.11.0.1"))
	}
	if log := server.Log(); strings.Count(log, "routing files in force")+strings.Count(log, "routing files refused") != 1 {
		t.Errorf("a piece was read: %s", log)
	}
	served(t, answers)

	// The copy stops: the guard refuses what it has.
	says(t, server, 1, `REFUSED refused: 5 of 11 rules would be lost (45.5%), as rule "other-6" of conf/routing/all.yaml:9`)
	must(t, gets(t, server, shanghai, "novel", "10.11.0.1"))

	// The copy goes on, and ends.
	must(t, write(file, strings.Join(others[6:], "")+strings.Replace(rule, "set: {}", "set: {tiers: [pool]}", 1)))
	must(t, file.Close())
	stop()
	eventually(t, server, shanghai, "novel", "10.13.0.1")
	says(t, server, 0, "!REFUSED")
}

func write(file *os.File, text string) error {
	_, err := file.WriteString(text)
	return err
}

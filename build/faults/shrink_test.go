package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The shrink guard of a running server counts what addresses get, and looks at the callers
// that have asked.
func TestShrinkGuard(t *testing.T) {
	t.Parallel()
	hosts := ""
	for n := range 200 {
		hosts += fmt.Sprintf("  - {match: 10.9.0.%d, region: south, zone: sz, set: qb.novel.z}\n", n)
	}
	const callers = "  - {match: 127.0.0.0/8, region: east, zone: sh, set: qb.novel.h}\n"
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/all.yaml": "version: 1\nmappings:\n" + callers + hosts, "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": routing,
	}})
	must(t, console.Register(t.Context(), novel("novel")...))
	eventually(t, server, shanghai, "novel", "10.11.0.1")
	eventually(t, server, shenzhen, "novel", "10.11.0.1")
	for _, step := range []struct {
		name, mapping string
		want          string // why it is refused; empty: it is in force
		others        string // what a caller gets then
	}{
		{"hosts become a prefix", callers + "  - {match: 10.9.0.0/24, region: south, zone: sz, set: qb.novel.z}\n", "", "10.11.0.1"},
		{"and hosts again, and the callers change their SET", strings.Replace(callers, "qb.novel.h", "qb.novel.z", 1) + hosts, "", "10.12.0.1"},
		{"the column of SETs is gone", strings.NewReplacer(", set: qb.novel.z", "", ", set: qb.novel.h", "").Replace(callers + hosts),
			"refused: 201 of 201 entries that say a SET would leave their addresses without one (100%), as conf/mapping/all.yaml:3 (127.0.0.0/8); " +
				"2 of 2 callers seen lately would lose their SET, their place or everything (100%), as 127.1.0.1 the SET of conf/mapping/all.yaml:3 (127.0.0.0/8); ", "10.12.0.1"},
		{"the prefix of all callers is gone, one entry of many", hosts,
			"refused: 2 of 2 callers seen lately would lose their SET, their place or everything (100%), as 127.1.0.1 the SET of conf/mapping/all.yaml:3 (127.0.0.0/8); ", "10.12.0.1"},
		{"it is back", callers + hosts, "", "10.11.0.1"},
	} {
		must(t, server.WriteFile("conf/mapping/all.yaml", "version: 1\nmappings:\n"+step.mapping))
		if step.want != "" {
			says(t, server, 1, "REFUSED "+step.want+"more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force")
			must(t, gets(t, server, shanghai, "novel", step.others))
			continue
		}
		eventually(t, server, shanghai, "novel", step.others)
		says(t, server, 0, "!REFUSED")
	}
	// What a plan and a check say beforehand.
	must(t, server.WriteFile("new.yaml", "version: 1\nmappings:\n"+hosts))
	if code, out := setctl(t, server, "plan", "--mapping", "new.yaml"); code != 0 || !strings.HasPrefix(out, "mapping files: without --force the server would not take them: refused: 2 of 2 callers seen lately") {
		t.Errorf("plan: exit code %d: %s", code, out)
	}
	if code, out := setctl(t, server, "check", "new.yaml", "--server", server.AdminURL); code != 0 || !strings.Contains(out, "new.yaml: warning: without --force the server would not take these mapping files: refused: 2 of 2 callers") {
		t.Errorf("check: exit code %d: %s", code, out)
	}
}

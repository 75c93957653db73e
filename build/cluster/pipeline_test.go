package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// keepAsking has callers ask every node again and again, as SDKs do, until the test ends.
func keepAsking(t *testing.T, list []node, callers ...netip.Addr) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, n := range list {
		all.Go(func() {
			tick := time.NewTicker(300 * time.Millisecond)
			defer tick.Stop()
			for {
				for _, caller := range callers {
					_, _ = polaristest.Discover(ctx, n.HTTPAddr, polaristest.Request{Source: caller, Namespace: "default", Service: "novel"})
				}
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); all.Wait() })
}

// The example of a pipeline publishes a good change, to one node first and then to all. A bad
// one stops at the first stage that can see it, and every node has what it had.
func TestPipeline(t *testing.T) {
	list, o := threeNodes(t)
	keepAsking(t, list, shanghai, netip.MustParseAddr("127.2.0.1"))
	script, err := filepath.Abs("../../scripts/pipeline/publish.sh")
	done(t, err)
	dir := filepath.Join(o.dir, "git")
	done(t, os.MkdirAll(filepath.Join(dir, "cases"), 0o755))
	o.write("git/cases/novel.yaml", `mapping: [../mapping.yaml]
routing: [../routing.yaml]
instances:
  - {service: default/novel, host: 10.11.0.1, set: qb.novel.h}
  - {service: default/novel, host: 10.12.0.1, set: qb.novel.z}
  - {service: default/novel, host: 10.13.0.1, set: "qb.novel.*"}
tests:
  - {name: nobody leaves the business, caller: 127.1.0.1, service: default/novel, want: [10.11.0.1]}
`)
	const lax, noDrill = "FAIL_ON=", "DRILL_EACH="
	empties := strings.Replace(routing, "{name: novel,", "{name: gone, service: default/novel, when: {ip: [127.2.0.0/16]}, set: {callee: a.b.c}}\n  - {name: novel,", 1)
	refused := "== STOPPED at "
	for number, tt := range []struct {
		name, routing, mapping string
		env                    []string
		code                   int
		words                  []string
		want                   string // what callers in Shanghai have then
	}{
		{"a misspelt key", "version: 1\nruels: []\n", mapping, nil, 1, []string{"routing.yaml:2:1: unknown key", refused + "check"}, "10.11.0.1"},
		{"a case that fails", strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1), mapping, nil, 1, []string{refused + "test"}, "10.11.0.1"},
		{"callers who get nothing", empties, mapping, nil, 1, []string{refused + "plan: there are changes of empty,unusable"}, "10.11.0.1"},
		{"callers who get nothing, in a rollout for one in a hundred", strings.Replace(empties, "set: {callee: a.b.c}", "set: {callee: a.b.c}, rollout: {percent: 1}", 1), mapping, nil, 1, []string{refused + "plan"}, "10.11.0.1"},
		{"a mapping that the guard refuses", routing, "version: 1\nmappings:\n  - {match: 127.1.0.0/16, region: east, zone: shanghai, campus: shanghai-1, set: qb.novel.h}\n", nil, 1, []string{refused + "plan"}, "10.11.0.1"},
		{"a failover that goes", strings.Replace(routing, "set: {}", "set: {tiers: [own]}", 1), mapping, nil, 1, []string{refused + "drill: too much would be lost with a set"}, "10.11.0.1"},
		{"one that only a running node shows", empties, mapping, []string{lax, noDrill}, 1, []string{"as gray release \"c6-gray\", for 127.0.1.2", "ended gray release \"c6-gray\"", refused + "gray: the gray releases are ended"}, "10.11.0.1"},
		{"the same, to all at once", empties, mapping, []string{lax, noDrill, "GRAY="}, 1, []string{"as release \"c7\"", "as release \"r1\"; before it was \"c7\"", refused + "all: every node has what it had"}, "10.11.0.1"},
		{"a look at a merge request", strings.Replace(routing, "novel*", "novel", 1), mapping, []string{"STOP_AFTER=plan", "SETROUTER_POLARIS_TOKEN="}, 0, []string{"== plan"}, "10.11.0.1"},
		{"a good one", strings.Replace(routing, "novel*", "novel", 1), mapping + "  - {match: 127.3.0.0/16, region: north, zone: beijing, campus: beijing-1, set: qb.novel.h}\n", nil, 0,
			[]string{"as gray release \"c9-gray\", for 127.0.1.2", "== all", "published " + routingName + " as release \"c9\"; before it was \"r1\"", "published " + mappingName + " as release \"c9\"", "== DONE: c9"}, "10.11.0.1"},
		{"nothing new", strings.Replace(routing, "novel*", "novel", 1), mapping + "  - {match: 127.3.0.0/16, region: north, zone: beijing, campus: beijing-1, set: qb.novel.h}\n", nil, 0, []string{"has this text already", "== DONE: c10"}, "10.11.0.1"},
	} {
		nodesSay(t, list[0], 0) // what the case before has done is over
		o.write("git/routing.yaml", tt.routing)
		o.write("git/mapping.yaml", tt.mapping)
		ok := t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("sh", script, dir)
			cmd.Env = append(append(os.Environ(), "SETCTL="+programs.Setctl, "SETROUTER_SERVER="+o.node.AdminURL, "SETROUTER_POLARIS_TOKEN="+o.node.Token(),
				fmt.Sprint("RELEASE=c", number), "GRAY="+list[1].IP, "WATCH=4", "DRILL_EACH=set", "DRILL_FAIL_ON=empty,unusable"), tt.env...)
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Fatalf("exit code %d (%v), want %d: %s", code, err, tt.code, out)
			}
			for _, w := range tt.words {
				if !strings.Contains(string(out), w) {
					t.Errorf("not %q in: %s", w, out)
				}
			}
			for _, n := range list {
				gets(t, n, shanghai, tt.want)
			}
			for _, name := range []string{mappingName, routingName} {
				if history := o.run(0, "history "+name); strings.Contains(history, "gray  IN FORCE") {
					t.Errorf("a gray release is left: %s", history)
				}
			}
		})
		if !ok {
			t.Fatal("the next cases begin where this one ended")
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// On a single node with the embedded store, files are published, gray, ended, rolled back and
// listed from a shell, as on a cluster (build/cluster has that).
func TestPublishFromAShell(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: inConfigCenter(t)})
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	registerNovel(t, console, "novel")
	t.Setenv("SETROUTER_POLARIS_TOKEN", console.Token())
	file := func(name, text string) {
		t.Helper()
		done(t, os.WriteFile(filepath.Join(server.Dir, name), []byte(text), 0o600))
	}
	run := func(wantCode int, args string, words ...string) {
		t.Helper()
		code, out := setctl(t, server, strings.Fields(args)...)
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: not %q in %s", args, w, out)
			}
		}
		if code != wantCode {
			t.Fatalf("%s: exit code %d, want %d: %s", args, code, wantCode, out)
		}
	}
	file("m.yaml", mapping)
	file("r.yaml", routing)
	run(1, "rollback "+routingSource, "nothing is saved under this name")
	run(1, "history "+routingSource, "nothing is saved under this name; publish it: setctl publish FILE --to NAME")
	run(0, "publish m.yaml --to polaris://Polaris/setrouter/mapping/all.yaml", "  in force\n")
	run(0, "publish r.yaml --to "+routingSource+" --release r1", "as release \"r1\", its first\n", "  in force\n")
	eventually(t, server, caller, "10.11.0.1")
	run(1, "rollback "+routingSource, "no full release was in force before \"r1\"")
	file("r.yaml", strings.Replace(routing, "set: {}}", "set: {tiers: [pool]}}", 1))
	run(0, "publish r.yaml --to "+routingSource+" --release g1 --gray "+thisNode, "as gray release \"g1\", for "+thisNode, "  in force\n")
	eventually(t, server, caller, "10.13.0.1")
	run(0, "history "+routingSource, "g1  gray", "IN FORCE on "+thisNode, "released, IN FORCE on no node")
	run(0, "publish --to "+routingSource+" --stop-gray", "ended gray release \"g1\"", "  in force\n")
	eventually(t, server, caller, "10.11.0.1")
	run(1, "publish r.yaml --to "+routingSource+" --release r1", "there is a release \"r1\" already; nothing was published")
	run(0, "publish r.yaml --to "+routingSource+" --release r2", "as release \"r2\"; before it was \"r1\"\n", "  in force\n")
	eventually(t, server, caller, "10.13.0.1")
	run(1, "rollback "+routingSource+" --to-release g1", "release \"g1\" was a gray one; publish its text anew")
	run(0, "rollback "+routingSource, "as release \"r1\"; before it was \"r2\"\n", "  in force\n")
	eventually(t, server, caller, "10.11.0.1")
	run(0, "history "+routingSource, "rolled back to  r1", "gray ended      g1", "by polaris")
}

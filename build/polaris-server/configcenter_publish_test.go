package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	run := func(wantCode int, args string, words ...string) (out string) {
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
		return out
	}
	forPage := func(args string, words ...string) { // docs/reference/commands.md
		t.Helper()
		goldenOutput(t, args, run(0, args, words...))
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
	forPage("publish r.yaml --to "+routingSource+" --release r2", "as release \"r2\"; before it was \"r1\"\n", "  in force\n")
	eventually(t, server, caller, "10.13.0.1")
	run(1, "rollback "+routingSource+" --to-release g1", "release \"g1\" was a gray one; publish its text anew")
	forPage("rollback "+routingSource, "as release \"r1\"; before it was \"r2\"\n", "  in force\n")
	eventually(t, server, caller, "10.11.0.1")
	forPage("history "+routingSource, "rolled back to  r1", "gray ended      g1", "by polaris")
}

// goldenOutput compares what setctl prints with testdata/outputs by its shape, or writes
// it there.
func goldenOutput(t *testing.T, args, out string) {
	t.Helper()
	command, _, _ := strings.Cut(args, " ")
	name, text := filepath.Join("testdata/outputs", command+".txt"), "$ setctl "+args+"\n"+out
	for pattern, same := range map[string]string{`127\.0\.0\.1:\d+`: "127.0.0.1:8091", `T\d\d:\d\d:\d\dZ`: "T10:00:00Z", `\d{4}-\d\d-\d\dT`: "2026-11-29T", ` +\n`: "\n"} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, same)
	}
	if *update {
		done(t, os.WriteFile(name, []byte(text), 0o644))
	}
	want, err := os.ReadFile(name)
	done(t, err)
	if diff := cmp.Diff(shape(string(want)), shape(text)); diff != "" {
		t.Errorf("%s, which -update writes (-want +got):\n%s", name, diff)
	}
}

package cluster

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The files of these tests in the config center.
const (
	mappingName  = "polaris://Polaris/setrouter/mapping.yaml"
	routingName  = "polaris://Polaris/setrouter/routing.yaml"
	evacuateName = "polaris://Polaris/setrouter/evacuate.yaml"
)

// centerOperator runs setctl in a directory, at a node, as the console's user.
type centerOperator struct {
	t    *testing.T
	dir  string
	node node
}

// write writes a file into the directory.
func (o centerOperator) write(name, text string) {
	o.t.Helper()
	done(o.t, os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600))
}

// run runs setctl, and wants an exit code and words in its output, or with "!", none.
func (o centerOperator) run(wantCode int, args string, words ...string) string {
	o.t.Helper()
	var text bytes.Buffer
	cmd := exec.Command(programs.Setctl, strings.Fields(args)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.dir, &text, &text
	cmd.Env = append(os.Environ(), "SETROUTER_SERVER="+o.node.AdminURL, "SETROUTER_POLARIS_TOKEN="+o.node.Token())
	code, err := 0, cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = exit.ExitCode(), nil
	}
	done(o.t, err)
	for _, w := range words {
		if not, ok := strings.CutPrefix(w, "!"); strings.Contains(text.String(), not) == ok {
			o.t.Errorf("setctl %s: not %q in: %s", args, w, text.String())
		}
	}
	if code != wantCode {
		o.t.Fatalf("setctl %s: exit code %d, want %d: %s", args, code, wantCode, text.String())
	}
	return text.String()
}

// inCenterWithEvacuations is inCenter with a file for evacuations.
func inCenterWithEvacuations(t *testing.T) string {
	return strings.Replace(inCenter(t), "["+routingName+"]", "["+routingName+", \""+evacuateName+"\"]", 1)
}

// threeNodes starts three nodes whose files are in the config center, and publishes the
// first ones by setctl.
func threeNodes(t *testing.T) ([]node, centerOperator) {
	t.Helper()
	t.Setenv("SETROUTER_TOKEN", "secret") // with it the nodes tell each other who has nothing
	c := cluster(t)
	var list []node
	for range 3 {
		list = append(list, join(t, c, polaristest.Options{Dir: t.TempDir(), Config: inCenterWithEvacuations(t), AdminToken: "secret"}))
	}
	done(t, list[1].Register(t.Context(), novel()...))
	for _, n := range list {
		gets(t, n, shanghai, "10.11.0.1", "10.12.0.1", "10.13.0.1")
		nodesSay(t, n, 1, "nodes: 3, agree: false")
	}
	o := centerOperator{t, t.TempDir(), list[0]}
	o.write("mapping.yaml", mapping)
	o.write("routing.yaml", routing)
	o.write("evacuate.yaml", "version: 1\nevacuate: []\n")
	o.run(0, "publish mapping.yaml --to "+mappingName, "published "+mappingName+" as release \"setctl-", ", its first\n", "127.0.1.3:")
	// Until both routing files are released, the nodes have none.
	o.run(1, "publish routing.yaml --to "+routingName+" --release r1 --wait 0s", "published "+routingName+" as release \"r1\"")
	o.run(0, "publish evacuate.yaml --to "+evacuateName+" --release e1", "published "+evacuateName+" as release \"e1\"")
	for _, n := range list {
		gets(t, n, shanghai, "10.11.0.1")
	}
	return list, o
}

// A publication is in force on every node when setctl ends with 0, or on those of a gray
// release and on no other; a rollback, and the end of a gray release, too.
func TestPublishToAllNodes(t *testing.T) {
	list, o := threeNodes(t)
	one, two, three := list[0], list[1], list[2]
	// inForce asks each node once: nobody waits any more.
	inForce := func(n node, want string) {
		t.Helper()
		got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: "novel"})
		done(t, err)
		if hosts := strings.Join(hostsOf(got.Instances), " "); hosts != want {
			t.Errorf("%s gives %s, want %s", n.IP, hosts, want)
		}
	}
	everywhere := func(want string) {
		t.Helper()
		for _, n := range list {
			inForce(n, want)
		}
	}
	everywhere("10.11.0.1")
	toPool := strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1)

	// What does nothing, and what the nodes would refuse.
	o.run(1, "publish routing.yaml --to "+routingName, routingName+" has this text already, as release \"r1\": nothing was published")
	o.run(0, "publish routing.yaml --to "+routingName+" --if-changed", "nothing was published")
	o.write("routing.yaml", "version: 1\nruels: []\n")
	o.run(1, "publish routing.yaml --to "+routingName, "setctl: routing.yaml:2:1: unknown key \"ruels\"; did you mean \"rules\"?")
	o.write("routing.yaml", strings.Replace(routing, "set: {}", "set: {callee: a.b.c}", 1))
	o.run(1, "publish routing.yaml --to "+routingName+" --fail-on empty", "empty", "nothing was published")
	o.write("routing.yaml", toPool)
	o.run(0, "publish routing.yaml --to "+routingName+" --plan", "changed", "nothing was published", "!REFUSED")
	o.run(1, "publish routing.yaml --to "+routingName+" --polaris-token nonsense", "Polaris refuses to have Polaris/setrouter changed")
	o.run(1, "publish routing.yaml --to polaris://Polaris/setrouter/ruoting.yaml", "is not among the files in the server's configuration")
	o.run(1, "publish routing.yaml --to "+routingName+" --gray 10.9.9.9", "setctl: --gray 10.9.9.9 is no server node; the nodes are 127.0.1.1 127.0.1.2 127.0.1.3")
	everywhere("10.11.0.1")

	// For one node, for two, and for none any more.
	out := o.run(0, "publish routing.yaml --to "+routingName+" --release g1 --gray "+two.IP,
		"published "+routingName+" as gray release \"g1\", for 127.0.1.2\n", two.GRPCAddr+"  in force\n", one.GRPCAddr+"  keeps the full release\n", three.GRPCAddr+"  keeps the full release\n")
	t.Log(out)
	inForce(one, "10.11.0.1")
	inForce(two, "10.13.0.1")
	inForce(three, "10.11.0.1")
	o.run(0, "history "+routingName, "g1  gray  version 2", "IN FORCE on "+two.GRPCAddr+" ", "r1  full  version 1", "published gray  g1", "by polaris")
	o.run(1, "publish routing.yaml --to "+routingName+" --release r2", "REFUSED: the gray release \"g1\" is active")
	o.run(0, "publish routing.yaml --to "+routingName+" --release g2 --stop-gray --gray "+two.IP+" --gray "+three.IP, "ended gray release \"g1\"", two.GRPCAddr+"  in force\n", three.GRPCAddr+"  in force\n")
	inForce(one, "10.11.0.1")
	inForce(three, "10.13.0.1")
	o.run(0, "publish --to "+routingName+" --stop-gray", "ended gray release \"g2\"", three.GRPCAddr+"  in force\n")
	everywhere("10.11.0.1")
	o.run(1, "publish --to "+routingName+" --stop-gray", "no gray release is active, nothing was ended")

	// For all nodes, and back.
	o.run(0, "publish routing.yaml --to "+routingName+" --release r2 --message from-git", "published "+routingName+" as release \"r2\"; before it was \"r1\"\n", one.GRPCAddr+"  in force\n", three.GRPCAddr+"  in force\n")
	everywhere("10.13.0.1")
	o.run(0, "rollback "+routingName+" --plan", "changed", "nothing was published")
	o.run(0, "rollback "+routingName, "published "+routingName+" as release \"r1\"; before it was \"r2\"\n")
	everywhere("10.11.0.1")
	o.run(1, "rollback "+routingName+" --to-release r1", "release \"r1\" is in force, nothing was changed")
	o.run(1, "rollback "+routingName+" --to-release r9", "there is no release \"r9\", see setctl history")
	o.run(0, "rollback "+routingName+" --to-release r2", "published "+routingName+" as release \"r2\"")
	everywhere("10.13.0.1")
	o.run(0, "history "+routingName, "IN FORCE on "+one.GRPCAddr+" "+two.GRPCAddr+" "+three.GRPCAddr, "from-git", "rolled back to  r1", "gray ended      g2", "rolled back to  r2")
	o.run(0, "rollback "+routingName+" --to-release r1")

	// An evacuation is in force everywhere; rules do not end it, and its file does not, unless told to.
	evacuated := o.run(0, "evacuate --set qb.novel.h --for 30m --reason drill", "evacuating ", three.GRPCAddr+"  in force\n")
	everywhere("10.13.0.1")
	id := strings.Fields(evacuated[strings.Index(evacuated, "evacuating "):])[1]
	o.run(0, "publish routing.yaml --to "+routingName+" --release r3", "!ENDS")
	o.run(0, "rollback "+routingName, "!ENDS", "as release \"r1\"") // r1 was in force before r3
	o.run(1, "publish evacuate.yaml --to "+evacuateName, "ENDS evacuation "+id+" {set: \"qb.novel.h\"", "REFUSED: this ends 1 evacuation; --end-evacuations does so")
	o.run(1, "rollback "+evacuateName, "REFUSED: this ends 1 evacuation")
	everywhere("10.13.0.1")
	o.run(0, "publish evacuate.yaml --to "+evacuateName+" --end-evacuations", "published "+evacuateName)
	for _, n := range list { // when the hold-down is over
		gets(t, n, shanghai, "10.11.0.1")
	}

	// A node that is away is said, and the exit code is 1.
	done(t, three.Kill())
	o.write("routing.yaml", toPool)
	o.run(1, "publish routing.yaml --to "+routingName+" --release r4 --wait 5s", one.GRPCAddr+"  in force\n", three.GRPCAddr+"  AWAY: ")
	inForce(one, "10.13.0.1")
	inForce(two, "10.13.0.1")
}

// A release that the shrink guard of the nodes would refuse is not published, unless forced:
// then the nodes are told to take it. To go back is always possible.
func TestPublishAndTheGuard(t *testing.T) {
	list, o := threeNodes(t)
	o.write("mapping.yaml", "version: 1\nmappings: []\n")
	o.run(1, "publish mapping.yaml --to "+mappingName, "REFUSED: the shrink guard of the nodes would refuse the mapping files; --force publishes them all the same", "nothing was published")
	o.run(0, "publish mapping.yaml --to "+mappingName+" --force", "published "+mappingName, list[2].GRPCAddr+"  in force\n", "NOTE  the shrink guard refused the files, and was overruled")
	o.run(0, "rollback "+mappingName, "published "+mappingName)
	// What ends a gray release, or goes back, is refused by no guard.
	o.write("routing.yaml", routing+"  - {name: a, service: default/a, set: {}}\n  - {name: b, service: default/b, set: {}}\n")
	o.run(0, "publish routing.yaml --to "+routingName+" --gray "+list[1].IP)
	o.run(0, "publish --to "+routingName+" --stop-gray", "ended gray release", "!overruled")
	o.run(0, "publish routing.yaml --to "+routingName+" --release more")
	o.run(0, "rollback "+routingName, "in force", "NOTE  the shrink guard refused the files, and was overruled")
	o.run(0, "status", "!REFUSED")

	// Somebody else publishes and saves meanwhile.
	done(t, list[2].Save(t.Context(), centerRouting, "version: 1\n# half done\n"))
	o.write("routing.yaml", routing+"# changed\n")
	o.run(1, "publish routing.yaml --to "+routingName, "REFUSED: what is saved in the console is not published, and this would replace it")
	o.run(0, "publish routing.yaml --to "+routingName+" --draft-to draft.yaml", "published "+routingName)
	if kept, err := os.ReadFile(filepath.Join(o.dir, "draft.yaml")); err != nil || !strings.Contains(string(kept), "half done") {
		t.Errorf("kept was %q, %v", kept, err)
	}
	o.write("more.yaml", "version: 1\nevacuate: []\n")
	o.run(1, "publish more.yaml --to polaris://Polaris/setrouter/more.yaml", "is not among the files in the server's configuration")
	o.run(0, "publish more.yaml --to polaris://Polaris/setrouter/more.yaml --new", "NOTE  no node has it in force before its configuration names it")
	o.run(1, "publish more.yaml --to polaris://Polaris/other/more.yaml --new", "is not among the files in the server's configuration")
}

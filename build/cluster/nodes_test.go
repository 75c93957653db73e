package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
)

// nodesStatus runs `setctl status` at a node.
func nodesStatus(t *testing.T, n node, args ...string) (code int, out string) {
	t.Helper()
	var text bytes.Buffer
	cmd := exec.Command(programs.Setctl, append([]string{"status", "--server", n.AdminURL}, args...)...)
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return exit.ExitCode(), text.String()
	}
	done(t, err)
	return 0, text.String()
}

// nodesSay waits until `setctl status` at a node ends with a code and has words,
// or with "!", has not.
func nodesSay(t *testing.T, n node, wantCode int, words ...string) {
	t.Helper()
	wait(t, func() error {
		code, out := nodesStatus(t, n)
		for _, w := range words {
			if not, is := strings.CutPrefix(w, "!"); strings.Contains(out, not) == is {
				return fmt.Errorf("at %s, not %q: %s", n.IP, w, out)
			}
		}
		if code != wantCode {
			return fmt.Errorf("at %s exit code %d, want %d: %s", n.IP, code, wantCode, out)
		}
		return nil
	})
}

// allSay is nodesSay at each node.
func allSay(t *testing.T, list []node, wantCode int, words ...string) {
	t.Helper()
	for _, n := range list {
		nodesSay(t, n, wantCode, words...)
	}
}

// routingDigest is that of the routing files in force on a node, and what all
// nodes have to a node that is asked.
func routingDigest(t *testing.T, n node) (own string, all api.Cluster) {
	t.Helper()
	_, out := nodesStatus(t, n, "-o", "json")
	var s struct{ Nodes api.Cluster }
	if err := json.Unmarshal([]byte(out), &s); err != nil || len(s.Nodes.Nodes) == 0 || s.Nodes.Nodes[0].Summary == nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s.Nodes.Nodes[0].Summary.FilesOf(api.KindRouting).Digest, s.Nodes
}

// centerFiles are the sources of these tests.
var (
	centerRouting = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "routing.yaml"}
	centerMapping = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "mapping.yaml"}
)

// inCenter is the configuration with the files in the config center.
func inCenter(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../internal/test/polaristest/polaris-server.yaml.tmpl")
	done(t, err)
	config := strings.NewReplacer(
		"conf/routing/*.yaml", "polaris://Polaris/setrouter/routing.yaml",
		"conf/mapping/*.yaml, conf/mapping/*.csv", "polaris://Polaris/setrouter/mapping.yaml",
	).Replace(string(text))
	if strings.Count(config, "polaris://") != 2 {
		t.Fatal("the configuration has no files to replace")
	}
	return config
}

// again starts a node that has ended, in its place.
func again(t *testing.T, n node, o polaristest.Options) node {
	t.Helper()
	o.Binary, o.Replaces = programs.Server, n.Server
	server, err := polaristest.Start(t.Context(), n.On(o))
	done(t, err)
	t.Cleanup(func() { done(t, server.Kill()) })
	console, err := polaristest.Login(t.Context(), server)
	done(t, err)
	return node{server, n.Node, console}
}

// Three nodes on one config center: every node follows a release or refuses it,
// and each of them tells of all.
func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	c, ctx := cluster(t), t.Context()
	options := func() polaristest.Options { return polaristest.Options{Dir: t.TempDir(), Config: inCenter(t)} }
	second := options()
	list := []node{join(t, c, options()), join(t, c, second), join(t, c, options())}
	one, two, three := list[0], list[1], list[2]
	done(t, two.Register(ctx, novel()...))
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1"}
	for _, n := range list {
		gets(t, n, shanghai, all...)
		nodesSay(t, n, 1, "nodes: 3, agree: false", "no routing REFUSED", "127.0.1.1", "127.0.1.2", "127.0.1.3",
			"DISAGREE  "+one.GRPCAddr+" has no routing files in force", "DISAGREE  "+three.GRPCAddr+" has no mapping files in force")
	}

	// A release at one node's console is in force on all of them.
	follow := func(publisher node, file polaristest.ConfigFile, release, content string) {
		t.Helper()
		before, _ := routingDigest(t, one)
		done(t, publisher.Publish(ctx, file, release, content))
		published := time.Now()
		wait(t, func() error {
			now, all := routingDigest(t, one)
			if now == before || !all.Agree {
				return fmt.Errorf("digest %s, and before %s: %q", now, before, all.Reasons)
			}
			return nil
		})
		t.Logf("%s: in force on all nodes %v after it was published", release, time.Since(published).Round(time.Millisecond))
	}
	done(t, one.Publish(ctx, centerMapping, "m1", mapping))
	follow(two, centerRouting, "r1", routing)
	allSay(t, list, 0, "nodes: 3, agree: true", "!REFUSED", "!DISAGREE")
	equal := func(want ...string) {
		t.Helper()
		revisions := map[string]string{}
		for _, n := range list {
			revisions[gets(t, n, shanghai, want...)] = n.IP
		}
		if len(revisions) != 1 {
			t.Errorf("revisions %v", revisions)
		}
	}
	equal("10.11.0.1")

	// A broken one is refused by each, and each says so of all.
	done(t, three.Publish(ctx, centerRouting, "r2", "version: 1\nruels: []\n"))
	for _, n := range list {
		nodesSay(t, n, 1, "agree: false", `routing.yaml:2:1: unknown key "ruels"`, "DISAGREE  "+one.GRPCAddr+" refuses routing files",
			"DISAGREE  "+two.GRPCAddr+" refuses routing files", "DISAGREE  "+three.GRPCAddr+" refuses routing files")
	}
	equal("10.11.0.1")
	done(t, one.Rollback(ctx, centerRouting, "r1"))
	allSay(t, list, 0, "nodes: 3, agree: true")

	// A canary has another list on purpose, and all nodes tell it apart.
	toPool := strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1)
	done(t, one.PublishGray(ctx, centerRouting, "g1", toPool, two.IP))
	gets(t, two, shanghai, "10.13.0.1")
	for _, n := range list {
		nodesSay(t, n, 0, "nodes: 3, agree: true", "routing "+digestOf(t, two)+" GRAY", "!DISAGREE")
	}
	gets(t, three, shanghai, "10.11.0.1")
	done(t, one.StopGray(ctx, centerRouting))
	allSay(t, list, 0, "nodes: 3, agree: true", "!GRAY")
	equal("10.11.0.1")

	// A node that does not hear of a release is behind, until it does.
	three.ToDB.Cut()
	done(t, one.Publish(ctx, centerRouting, "r3", toPool))
	for _, n := range []node{one, two} {
		gets(t, n, shanghai, "10.13.0.1")
		nodesSay(t, n, 1, "agree: false", "DISAGREE  "+three.GRPCAddr+" has other routing files in force: ", "of 2 nodes")
	}
	gets(t, three, shanghai, "10.11.0.1")
	nodesSay(t, three, 1, "DISAGREE  "+three.GRPCAddr+" has other routing files in force: ")
	three.ToDB.Mend()
	allSay(t, list, 0, "nodes: 3, agree: true")
	equal("10.13.0.1")

	// A node that starts while the releases cannot be read has them from its
	// disk, the others go on, and lists are equal.
	sql := func(statement string) {
		t.Helper()
		done(t, c.DB.Run(strings.NewReader("USE polaris_server; "+statement+";")))
	}
	sql("RENAME TABLE config_file_release TO away")
	done(t, two.Kill())
	two = again(t, two, second)
	list[1] = two
	equal("10.13.0.1")
	nodesSay(t, two, 1, "in force is the copy on disk, made ", "routing "+digestOf(t, two)+" COPY")
	nodesSay(t, one, 1, "DISAGREE  "+two.GRPCAddr+" has its copy on disk of routing files in force", "!"+two.GRPCAddr+" has other")
	sql("RENAME TABLE away TO config_file_release")
	allSay(t, list, 0, "nodes: 3, agree: true", "!COPY")

	// A node that is gone is missed until Polaris has dropped it.
	done(t, three.Kill())
	nodesSay(t, one, 1, "nodes: 3, agree: false", "DISAGREE  "+three.GRPCAddr+" does not answer: connect: connection refused")
	allSay(t, list[:2], 0, "nodes: 3, agree: true", "dropped by Polaris", "connection refused")
}

// A change that no node can hear of, since its row is gone: the node that starts
// afterwards has another number of instances, and each tells it when the cluster
// is quiet.
func TestANodeThatMissedAChange(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	place := polaristest.Options{Dir: t.TempDir()}
	one := join(t, c, place)
	done(t, one.Register(t.Context(), novel()...))
	gets(t, one, shanghai, "10.11.0.1")
	sql(t, c, "delete from instance where host = '10.11.0.1'")
	two := join(t, c, polaristest.Options{})
	gets(t, two, shanghai, "10.13.0.1")
	gets(t, one, shanghai, "10.11.0.1")
	const missed = " has other instances in its cache, and nothing was changed for 10 s: "
	allSay(t, []node{one, two}, 1, "nodes: 2, agree: false", missed)
	done(t, one.Kill())
	one = again(t, one, place)
	gets(t, one, shanghai, "10.13.0.1")
	allSay(t, []node{one, two}, 0, "nodes: 2, agree: true")
	quiet := time.Now().Add(nodes.Quiet + time.Second)
	wait(t, func() error {
		if code, out := nodesStatus(t, one); code != 0 {
			t.Fatalf("after the restart: %s", out)
		}
		if time.Now().Before(quiet) {
			return errors.New("the cluster is not yet quiet")
		}
		return nil
	})
}

// Two images: half of a rolling upgrade.
func TestNodesOfTwoBuilds(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "polaris-server")
	done(t, polaristest.Build(".", other, "-ldflags", "-X github.com/polaris-contrib/setrouter/internal/buildinfo.stamp=v9", "../../build/polaris-server"))
	if out, err := exec.Command(other, "version").Output(); err != nil || !strings.HasPrefix(string(out), "version: v1.18.1+setrouter.v9\n") {
		t.Errorf("%v: %s", err, out)
	}
	c := cluster(t)
	one := join(t, c, polaristest.Options{})
	two := join(t, c, polaristest.Options{Binary: other})
	for _, n := range []node{one, two} {
		nodesSay(t, n, 1, "nodes: 2, agree: false", "has other code: ", "v9")
	}
}

func digestOf(t *testing.T, n node) string {
	t.Helper()
	own, _ := routingDigest(t, n)
	return own
}

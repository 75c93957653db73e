package cluster

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// reload runs `setctl reload` at a node.
func reload(t *testing.T, n node, token string, args ...string) (code int, out string) {
	t.Helper()
	return setctl(t, n, token, "reload", args...)
}

// setctl runs a command at a node.
func setctl(t *testing.T, n node, token, command string, args ...string) (code int, out string) {
	t.Helper()
	var text bytes.Buffer
	cmd := exec.Command(programs.Setctl, append([]string{command, "--server", n.AdminURL}, args...)...)
	cmd.Env = append(cmd.Environ(), "SETROUTER_TOKEN="+token)
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), text.String()
	}
	done(t, err)
	return 0, text.String()
}

// A mapping without its SETs is refused by every node, and one command has all of them
// take it. What could not be reached is said.
func TestReloadAllNodes(t *testing.T) {
	t.Parallel()
	c, options := cluster(t), polaristest.Options{AdminToken: "a long secret"}
	one, two, stranger := join(t, c, options), join(t, c, options), join(t, c, polaristest.Options{AdminToken: "another"})
	list := []node{one, two, stranger}
	done(t, one.Register(t.Context(), novel()...))
	for _, n := range list {
		gets(t, n, shanghai, "10.11.0.1")
	}
	wait(t, func() error { // one knows the others
		if _, out := reload(t, one, "a long secret", "--all-nodes"); strings.Count(out, "127.0.1.") != len(list) {
			return errors.New(out)
		}
		return nil
	})
	withoutSETs := strings.NewReplacer(", set: qb.novel.h", "", ", set: qb.novel.z", "").Replace(mapping)
	const refused = "mapping: REFUSED, what was in force stays, 2 entries\n    refused: 2 of 2 entries that say a SET would leave their addresses without one (100%), as conf/mapping/all.yaml:4 (127.1.0.0/16)"
	for _, n := range list {
		done(t, n.WriteFile("conf/mapping/all.yaml", withoutSETs))
	}
	code, out := reload(t, one, "a long secret", "--all-nodes")
	if code != 1 || strings.Count(out, refused) != 2 {
		t.Errorf("exit code %d: %s", code, out)
	}
	for _, n := range list {
		gets(t, n, shanghai, "10.11.0.1")
	}
	code, out = reload(t, one, "a long secret", "--all-nodes", "--force")
	notReloaded := stranger.GRPCAddr + "\n  NOT RELOADED: it refuses: its set-admin listener has another token, or it is registered at another address\n"
	if code != 1 || strings.Count(out, "mapping: in force, 2 entries\n") != 2 || !strings.Contains(out, notReloaded) {
		t.Errorf("exit code %d: %s", code, out)
	}
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1"}
	gets(t, one, shanghai, all...)
	gets(t, two, shanghai, all...)
	gets(t, stranger, shanghai, "10.11.0.1")

	done(t, stranger.Kill())
	code, out = reload(t, two, "a long secret", "--all-nodes", "--force")
	if code != 1 || !strings.Contains(out, stranger.GRPCAddr+"\n  NOT RELOADED: it does not answer: connect: connection refused\n") {
		t.Errorf("with a node that is gone: exit code %d: %s", code, out)
	}
	wait(t, func() error {
		if _, out := reload(t, one, "a long secret", "--all-nodes", "--force"); !strings.Contains(out, stranger.GRPCAddr+"  dropped by Polaris\n  NOT RELOADED") {
			return errors.New(out)
		}
		return nil
	})
	// Without the token nobody reloads.
	if code, out := reload(t, one, "wrong", "--all-nodes"); code != 1 || !strings.Contains(out, "the token is missing or wrong") {
		t.Errorf("with a wrong token: exit code %d: %s", code, out)
	}
}

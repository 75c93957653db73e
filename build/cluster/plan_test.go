package cluster

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A plan is the same whichever node is asked: a kind of caller that only one node has seen
// counts on each.
func TestPlanIsTheSameFromEveryNode(t *testing.T) {
	t.Parallel()
	c, options := cluster(t), polaristest.Options{AdminToken: "a long secret"}
	nodes := []node{join(t, c, options), join(t, c, options), join(t, c, options)}
	done(t, nodes[0].Register(t.Context(), novel()...))
	gets(t, nodes[0], shanghai, "10.11.0.1")
	gets(t, nodes[2], shanghai, "10.11.0.1")
	gets(t, nodes[1], netip.MustParseAddr("127.9.0.1"), "10.11.0.1", "10.12.0.1", "10.13.0.1") // a stranger

	candidate := filepath.Join(t.TempDir(), "candidate.yaml")
	done(t, os.WriteFile(candidate, []byte(strings.Replace(routing, "set: {}", "set: {unknown: none}", 1)), 0o600))
	const row = "empty   - in -   127.9.0.1  1     default/novel  3/3 routed novel  0/0 routed novel\n"
	wait(t, func() error {
		var first string
		for _, n := range nodes {
			code, out := setctl(t, n, "a long secret", "plan", "--routing", candidate, "--fail-on", "empty,incomplete")
			if code != 1 || !strings.HasPrefix(out, "fails: empty (1)\n\n3 kinds of callers, ") || !strings.HasSuffix(out, row) {
				return fmt.Errorf("%s, exit code %d: %s", n.IP, code, out)
			}
			if first == "" {
				first = out
			}
			if out != first {
				return fmt.Errorf("%s says\n%s\nand %s\n%s", nodes[0].IP, first, n.IP, out)
			}
		}
		return nil
	})
}

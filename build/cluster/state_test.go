package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Every node says what the callers of all nodes have. A node that ends takes its callers
// with it, and the others say that they do not know of them.
func TestStateOfAllNodes(t *testing.T) {
	t.Parallel()
	c, options := cluster(t), polaristest.Options{AdminToken: "a long secret"}
	one, two, open := join(t, c, options), join(t, c, options), join(t, c, polaristest.Options{})
	done(t, one.Register(t.Context(), novel()...))
	for _, n := range []node{one, two, open} {
		gets(t, n, shanghai, "10.11.0.1")
	}
	says := func(n node, token string, wantCode int, wants ...string) {
		t.Helper()
		wait(t, func() error {
			code, out := setctl(t, n, token, "status")
			if code != wantCode || slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(out, want) }) {
				return fmt.Errorf("exit code %d: %s\nwant %d, %q", code, out, wantCode, wants)
			}
			return nil
		})
	}
	openRefuses := "without those of " + open.GRPCAddr + ", which refuses: its set-admin listener has no token"
	says(one, "a long secret", 0, "nobody is without a usable instance; 2 callers\n", "for each service: 2 first\n", openRefuses)
	says(open, "", 0, "nobody is without a usable instance; 1 caller, of this node alone\n", "of this node alone: the set-admin listener has no token, without which the 2 other nodes do not tell of their callers")

	// Only callers of node two are without an instance now.
	sick := novel()
	for n := range sick {
		sick[n].Healthy = false
	}
	done(t, one.Update(t.Context(), sick...))
	wait(t, func() error {
		gets(t, two, shanghai, "10.11.0.1")
		code, out := setctl(t, one, "a long secret", "status")
		if code != 1 || !strings.HasPrefix(out, "1 caller without a usable instance: default/novel for qb.novel.h in -, by rule novel, has 0 of 1 usable\n") {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		return nil
	})
	done(t, two.Kill())
	says(one, "a long secret", 1, "nobody is without a usable instance; 1 caller\n", "without those of "+two.GRPCAddr+", which does not answer")
}

package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Each node's matrix counts the callers of all nodes, in the states that the status has, and
// its timeline has what all nodes tell. Without a token a node has its own, and says so.
func TestMatrixOfAllNodes(t *testing.T) {
	t.Parallel()
	c, options := cluster(t), polaristest.Options{AdminToken: "a long secret"}
	one, two, open := join(t, c, options), join(t, c, options), join(t, c, polaristest.Options{})
	done(t, one.Register(t.Context(), novel()...))
	for _, n := range []node{one, two, open} {
		gets(t, n, shanghai, "10.11.0.1")
	}
	ask := func(n node, token, path string, into any) error {
		r, err := http.NewRequest(http.MethodGet, n.AdminURL+"/setrouter/v1/"+path, nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(into)
	}
	says := func(n node, token string, callers int, note string) {
		t.Helper()
		wait(t, func() error {
			gets(t, one, shanghai, "10.11.0.1")
			gets(t, two, shanghai, "10.11.0.1")
			gets(t, open, shanghai, "10.11.0.1")
			var m api.Matrix
			var status api.Status
			if err := ask(n, token, "matrix?columns=set", &m); err != nil {
				return err
			}
			if err := ask(n, token, "status", &status); err != nil {
				return err
			}
			if m.Counts["first"] != callers || status.State.Counts["first"] != callers || len(m.Rows) != 1 || m.Rows[0].Cells[0].Sent != 1 || !slices.Contains(m.Notes, note) {
				return fmt.Errorf("%v in the status, and the matrix %+v, want %d callers and %q", status.State.Counts, m, callers, note)
			}
			return nil
		})
	}
	says(one, "a long secret", 2, "without those of "+open.GRPCAddr+", which refuses: its set-admin listener has no token, by which it would know that an operator asks")
	says(open, "", 1, "of this node alone: the set-admin listener has no token, without which the 2 other nodes do not tell of their callers")
	wait(t, func() error {
		var all api.Timeline
		if err := ask(one, "a long secret", "timeline", &all); err != nil {
			return err
		}
		for _, n := range []node{one, two} {
			if !slices.ContainsFunc(all.Events, func(e api.Event) bool { return e.Code == "files-loaded" && slices.Contains(e.Nodes, n.GRPCAddr) }) {
				return fmt.Errorf("no file was loaded on %s: %+v", n.GRPCAddr, all)
			}
		}
		return nil
	})
	done(t, two.Kill())
	wait(t, func() error {
		var nodes api.Cluster
		if err := ask(one, "a long secret", "nodes", &nodes); err != nil {
			return err
		}
		var all api.Timeline
		if err := ask(one, "a long secret", "timeline", &all); err != nil {
			return err
		}
		if !slices.ContainsFunc(all.Events, func(e api.Event) bool { return e.Code == "part-lost" && e.Args["detail"] == two.GRPCAddr }) {
			return fmt.Errorf("the timeline does not say that %s is lost: %+v, nodes %+v", two.GRPCAddr, all.Events, nodes.Nodes)
		}
		return nil
	})
}

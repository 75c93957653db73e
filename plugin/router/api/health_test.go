package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// The health says everything that is degraded, the worst first, and that all is well only
// if nothing is and everybody is counted.
func TestHealth(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	before := now.Add(-90 * time.Second)
	empty := KindState{Service: "default/order", Rule: "order", Kind: "a.b.c in -", State: "empty", Callers: 2}
	state := func(counts map[string]int, kinds ...KindState) CallerStates {
		return CallerStates{Counts: counts, Kinds: kinds, Complete: true}
	}
	nodes := func(list ...Node) Cluster { return NewCluster(list, nil) }
	good := Status{Now: now, State: state(map[string]int{"first": 4}), Backing: []Backing{{Kind: BackingStore, Name: "defaultStore"}}}
	change := func(f func(*Status)) Status { s := good; f(&s); return s }
	const nobody = "nobody is without a usable instance; 4 callers"
	for _, tt := range []struct {
		name  string
		s     Status
		nodes Cluster
		want  string
	}{
		{"well", good, nodes(Node{Address: "a", Self: true, Summary: &Summary{}}), "green: all is well: " + nobody},
		{"nobody asked", change(func(s *Status) { s.State = state(nil) }), Cluster{}, "green: nobody asked in the last two minutes"},
		{"a node without a token", change(func(s *Status) { s.State.Alone, s.State.Notes = true, []string{"of this node alone: no token"} }), Cluster{}, "green: " + nobody + ", of this node alone"},
		{"somebody has nothing", change(func(s *Status) {
			s.State = state(map[string]int{"empty": 2, "first": 4, "widened": 1}, empty)
		}), Cluster{}, `red: 2 callers without a usable instance: default/order for a.b.c in -, by rule order, has 0 of 0 usable
red nothing 2: 2 callers without a usable instance: default/order for a.b.c in -, by rule order, has 0 of 0 usable
amber widened 1: 1 caller has a later road than the first`},
		{"strangers have nothing", change(func(s *Status) { s.State = state(map[string]int{"unknown": 2}) }), Cluster{}, `amber: nobody is without a usable instance; of 2 callers 2 have nothing, as they are not known
amber unknown 2: 2 callers have nothing, as their SET or place is not known`},
		{"the store is away", change(func(s *Status) {
			s.Backing = []Backing{{Kind: BackingStore, AwayAt: &before, Problem: "connection refused"}}
		}), Cluster{}, "amber: " + nobody + `
amber store 90s: the store has not answered this node for 1m30s: lists stay as they are, and nothing that comes or goes is seen; connection refused`},
		{"Redis is away from other nodes", good, nodes(Node{Address: "a", Self: true, Healthy: true, Summary: &Summary{Away: []Away{{BackingStore, before}}}},
			Node{Address: "c", Healthy: true, Summary: &Summary{Away: []Away{{BackingHeartbeats, before}}}}, Node{Address: "b", Healthy: true, Summary: &Summary{Away: []Away{{BackingHeartbeats, before}, {BackingStore, before}}}}),
			"amber: " + nobody + `
amber store b 90s: the store has not answered b for 1m30s: lists stay as they are, and nothing that comes or goes is seen
amber heartbeats b 90s: the keeper of heartbeats (Redis, or the leader) has not answered b for 1m30s: health stays as it was
amber heartbeats c 90s: the keeper of heartbeats (Redis, or the leader) has not answered c for 1m30s: health stays as it was`},
		{"a stock node, and one that Polaris has dropped", good, NewCluster([]Node{{Address: "b", Healthy: true, Stock: true, Problem: "p"}, {Address: "c", Stock: true, Problem: "p"}}, []Difference{{AboutStock, "b", "b p"}}),
			"amber: " + nobody + "\namber stock-node b: b is a stock server, or has an older setrouter: its callers get lists that no rule made"},
		{"nodes disagree", good, NewCluster(nil, []Difference{{AboutSilent, "b", "b does not answer"}, {AboutFiles, "c", "c has other routing files in force"}}), "amber: " + nobody + `
amber disagree b: the nodes do not agree: b does not answer
amber disagree c: the nodes do not agree: c has other routing files in force`},
		{"files are refused, and a proxy does not name callers", change(func(s *Status) {
			s.Files = []Files{{Kind: "routing", Problems: []string{"r.yaml:1:1: no", "r.yaml:2:1: no"}}, {Kind: "mapping"}}
			s.Callers.Untold = []explain.Untold{{Peer: "10.0.0.1", Why: "x-real-ip is empty"}}
		}), Cluster{}, "amber: " + nobody + `
amber refused 2: routing files are refused on this node: r.yaml:1:1: no
amber untold 1: callers cannot be told, and get no list of a routed service: x-real-ip is empty`},
		{"callers of a node are not known", change(func(s *Status) { s.State.Notes = []string{"without those of b, which refuses: no token"} }), Cluster{},
			"amber: " + nobody + "\namber partial: callers are counted without those of b, which refuses: no token"},
	} {
		h := NewHealth(tt.s, tt.nodes)
		lines := []string{fmt.Sprintf("%s: %s", h.Colour, h.Headline)}
		for _, c := range h.Causes {
			line := fmt.Sprintf("%s %s", c.Colour, c.Kind)
			if c.Node != "" {
				line += " " + c.Node
			}
			if c.Since != nil {
				line += fmt.Sprintf(" %.0fs", now.Sub(*c.Since).Seconds())
			}
			if c.Count > 0 {
				line += fmt.Sprint(" ", c.Count)
			}
			lines = append(lines, line+": "+c.Text)
		}
		if diff := cmp.Diff(tt.want, strings.Join(lines, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

package nodes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// at is a healthy node whose routing files have a digest.
func at(address, routing string, change ...func(*api.Node)) api.Node {
	n := api.Node{Address: address, Healthy: true, Summary: &api.Summary{
		Version: "v1", Settings: "s", Files: []api.NodeFiles{{Kind: api.KindMapping, Digest: "m"}, {Kind: api.KindRouting, Digest: routing}},
	}}
	for _, f := range change {
		f(&n)
	}
	return n
}

func TestJudge(t *testing.T) {
	refuses := func(n *api.Node) { n.Summary.Files[1].Refused = true }
	copied := func(n *api.Node) { n.Summary.Files[1].Refused, n.Summary.Files[1].Copy = true, true }
	gray := func(n *api.Node) { n.Summary.Files[1].Gray = true }
	silent := func(n *api.Node) { n.Summary, n.Problem = nil, "does not answer: connection refused" }
	dropped := func(n *api.Node) { n.Healthy = false }
	ahead := func(seconds float64) func(*api.Node) { return func(n *api.Node) { n.AheadSeconds = seconds } }
	nacos := func(n *api.Node) { n.Summary.Nacos = true }
	has := func(address string, instances, services int, quiet time.Duration) api.Node {
		now := time.Unix(1_800_000_000, 0)
		return at(address, "1", func(n *api.Node) {
			n.Summary.Instances, n.Summary.Services, n.Summary.Now, n.Summary.Changed = instances, services, now, now.Add(-quiet)
		})
	}
	loaded := func(ago time.Duration) func(*api.Node) {
		return func(n *api.Node) {
			n.Summary.Now = time.Unix(1_800_000_000, 0)
			n.Summary.Files[1].LoadedAt = n.Summary.Now.Add(-ago)
		}
	}
	for _, tt := range []struct {
		name string
		list []api.Node
		want []string
	}{
		{"one has just loaded", []api.Node{at("a", "1", loaded(time.Hour)), at("b", "2", loaded(time.Second)), at("c", "1", loaded(time.Hour))}, nil},
		{"one has loaded, and the others do not follow", []api.Node{at("a", "1", loaded(time.Hour)), at("b", "2", loaded(6*time.Second)), at("c", "1", loaded(time.Hour))}, []string{"b has other routing files in force: 2 against 1 of 2 nodes"}},
		{"nobody", nil, nil},
		{"one", []api.Node{at("a", "1")}, nil},
		{"equal", []api.Node{at("a", "1"), at("b", "1"), at("c", "1")}, nil},
		{"one of three", []api.Node{at("a", "1"), at("b", "2"), at("c", "1")}, []string{"b has other routing files in force: 2 against 1 of 2 nodes"}},
		{"the one that was asked", []api.Node{at("a", "1"), at("b", "2"), at("c", "2")}, []string{"a has other routing files in force: 1 against 2 of 2 nodes"}},
		{"one of two", []api.Node{at("a", "1"), at("b", "2")}, []string{"b has other routing files in force: 2 against 1 of a"}},
		{"all three", []api.Node{at("a", "1"), at("b", "2"), at("c", "3")}, []string{"b has other routing files in force: 2 against 1 of a", "c has other routing files in force: 3 against 1 of a"}},
		{"both kinds", []api.Node{at("a", "1"), at("b", "2", func(n *api.Node) { n.Summary.Files[0].Digest = "n" })}, []string{
			"b has other mapping files in force: n against m of a", "b has other routing files in force: 2 against 1 of a",
		}},
		{"refused by all", []api.Node{at("a", "1", refuses), at("b", "1", refuses)}, []string{
			"a refuses routing files, and goes on with those of before", "b refuses routing files, and goes on with those of before",
		}},
		{"the copy on disk", []api.Node{at("a", "1", copied), at("b", "1")}, []string{"a has its copy on disk of routing files in force"}},
		{"nothing in force", []api.Node{at("a", "", refuses), at("b", "", refuses)}, []string{"a has no routing files in force", "b has no routing files in force"}},
		{"nothing on one", []api.Node{at("a", "1"), at("b", "", func(n *api.Node) { n.Summary.Files = n.Summary.Files[:1] })}, []string{"b has no routing files in force"}},
		{"no kind on any", []api.Node{at("a", ""), at("b", "")}, nil},
		{"silent", []api.Node{at("a", "1"), at("b", "1", silent)}, []string{"b does not answer: connection refused"}},
		{"dropped and silent", []api.Node{at("a", "1"), at("b", "1", silent, dropped)}, nil},
		{"dropped, and answers", []api.Node{at("a", "1"), at("b", "2", dropped)}, []string{"b has other routing files in force: 2 against 1 of a"}},
		{"the one that was asked is dropped", []api.Node{at("a", "1", dropped), at("b", "1")}, nil},
		{"a gray release", []api.Node{at("a", "2", gray), at("b", "1"), at("c", "1")}, nil},
		{"beside a gray release", []api.Node{at("a", "3", gray), at("b", "1"), at("c", "2")}, []string{"c has other routing files in force: 2 against 1 of b"}},
		{"settings", []api.Node{at("a", "1"), at("b", "1", func(n *api.Node) { n.Summary.Settings = "x" })}, []string{
			"b has other settings under plugin.location or plugin.router: x against s of a",
		}},
		{"code", []api.Node{at("a", "1"), at("b", "1", func(n *api.Node) { n.Summary.Version = "v2" })}, []string{"b has other code: v2 against v1 of a"}},
		{"clocks", []api.Node{at("a", "1"), at("b", "1", ahead(3600)), at("c", "1", ahead(-11)), at("d", "1", ahead(10)), at("e", "1", ahead(-10))}, []string{
			"b has a clock that is 3600 s ahead", "c has a clock that is 11 s behind",
		}},
		{"clocks of nodes that serve Nacos", []api.Node{at("a", "1", nacos), at("b", "1", nacos, ahead(1.25)), at("c", "1", nacos, ahead(-2)), at("d", "1", ahead(2)), at("e", "1", nacos, ahead(1)), at("f", "1", nacos, ahead(11))}, []string{
			"b has a clock that is 1.2 s ahead: Nacos clients that change nodes may keep an old list for so long",
			"c has a clock that is 2.0 s behind: Nacos clients that change nodes may keep an old list for so long",
			"f has a clock that is 11 s ahead",
		}},
		{"the clock of the only node that serves Nacos", []api.Node{at("a", "1"), at("b", "1", nacos, ahead(2))}, nil},
		{"counts, of a node that does not say since when", []api.Node{has("a", 6, 2, time.Hour), at("b", "1", func(n *api.Node) { n.Summary.Instances = 7 })}, nil},
		{"counts in a change", []api.Node{has("a", 6, 2, time.Hour), has("b", 7, 2, 9*time.Second)}, nil},
		{"counts, of an empty cache", []api.Node{has("a", 6, 2, time.Hour), at("b", "1", func(n *api.Node) { n.Summary.Changed = time.Unix(0, 0) })}, nil},
		{"equal counts", []api.Node{has("a", 6, 2, time.Hour), has("b", 6, 2, time.Minute)}, nil},
		{"instances missed", []api.Node{has("a", 6, 2, time.Hour), has("b", 7, 2, 10*time.Second), has("c", 7, 2, time.Hour)}, []string{
			"a has other instances in its cache, and nothing was changed for 10 s: 6 (2 services) against 7 (2 services) of 2 nodes",
		}},
		{"a service missed", []api.Node{has("a", 6, 2, time.Hour), has("b", 6, 1, time.Hour)}, []string{
			"b has other instances in its cache, and nothing was changed for 10 s: 6 (1 service) against 6 (2 services) of a",
		}},
		{"counts of evacuations", []api.Node{at("a", "1"), at("b", "1", func(n *api.Node) { n.Summary.Evacuations = 1 })}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(append([]string{}, tt.want...), api.NewCluster(tt.list, Judge(tt.list)).Reasons); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

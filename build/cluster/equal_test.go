package cluster

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var equalSeed = flag.Uint64("equal.seed", 0, "of TestNodesGiveEqualLists; 0: another one each time")

// equalSteps is how many changes are compared.
const equalSteps = 8

const equalMapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, region: east, zone: shanghai, campus: shanghai-1, set: qb.novel.h}
  - {match: 127.2.0.0/16, region: south, zone: shenzhen, campus: shenzhen-2, set: qb.novel.z, labels: {lane: gray}}
  - {match: 127.3.0.0/16, region: south, zone: guangzhou}
  - {match: 127.4.0.0/16, set: qb.ams.h}
  - {match: 10.11.0.0/16, region: east, zone: shanghai, campus: shanghai-1}
  - {match: 10.12.0.0/16, region: south, zone: shenzhen, campus: shenzhen-2}
  - {match: 10.13.0.0/16, region: south, zone: guangzhou}
`

// equalCallers are one of each kind: in Shanghai, in Shenzhen, with a place only,
// with a SET only, and unknown.
var equalCallers = []netip.Addr{
	netip.MustParseAddr("127.1.0.1"), netip.MustParseAddr("127.2.0.1"), netip.MustParseAddr("127.3.0.1"),
	netip.MustParseAddr("127.4.0.1"), netip.MustParseAddr("127.9.0.1"),
}

// equalNames are asked for; lane and old are lane addresses, and plain has no rule.
var equalNames = []string{"by-set", "by-place", "by-both", "by-caller", "by-weight", "gray", "plain", "lane", "old"}

// equalRouting has a rule of each kind, with numbers by chance.
func equalRouting(r *rand.Rand) string {
	evacuate := ""
	if r.IntN(2) == 0 {
		place := []string{"zone: south/shenzhen", "region: east", "set: qb.novel.h"}[r.IntN(3)]
		evacuate = fmt.Sprintf("evacuate: [{%s, until: %q, reason: a drill}]\n", place, time.Now().Add(time.Hour).Format(time.RFC3339))
	}
	return fmt.Sprintf(`
version: 1
rules:
  - {name: by-set, service: default/by-set, set: {}, degrade: {holdDown: 0s, unhealthyPercent: %d}}
  - {name: by-place, service: default/by-place, nearby: {}, degrade: {holdDown: 0s}}
  - {name: by-both, service: default/by-both, set: {tiers: [own, pool, siblings]}, nearby: {matchLevel: campus}, degrade: {holdDown: 1s}}
  - {name: by-caller, service: default/by-caller, set: {}, rollout: {percent: %d}, degrade: {holdDown: 0s}}
  - {name: by-weight, service: default/by-weight, set: {}, rollout: {percent: %d, by: weight}, degrade: {holdDown: 0s}}
  - {name: gray, service: default/gray, when: {labels: {lane: gray}}, set: {tiers: [pool]}, onEmpty: all}
addresses:
  - {service: default/lane, target: default/by-set, set: {callee: qb.novel.z}, degrade: {holdDown: 0s}}
  - {service: default/old, target: default/by-set, set: {callee: qb.novel.*}, rollout: {percent: %d, by: weight}, degrade: {holdDown: 0s}}
%s`, 30+r.IntN(70), r.IntN(101), r.IntN(101), r.IntN(101), evacuate)
}

// fleet is what is registered, by service and host.
type fleet struct {
	r    *rand.Rand
	has  map[string]polaristest.Instance
	next int
}

func (f *fleet) instance() polaristest.Instance {
	f.next++
	service := []string{"by-set", "by-place", "by-both", "by-caller", "by-weight", "gray", "plain", "old"}[f.next%8]
	i := polaristest.Instance{
		Namespace: "default", Service: service, Host: fmt.Sprintf("10.%d.0.%d", 11+f.r.IntN(4), f.next), Port: 8000,
		Weight: uint32(f.r.IntN(4)) * 50, Healthy: f.r.IntN(4) > 0, Metadata: map[string]string{"n": fmt.Sprint(f.next)},
	}
	if set := []string{"qb.novel.h", "qb.novel.z", "qb.novel.*", "qb.ams.h", ""}[f.r.IntN(5)]; set != "" {
		i.Metadata["internal-set-name"], i.Metadata["internal-enable-set"] = set, "Y"
	}
	if f.r.IntN(3) == 0 {
		i.Location = &polaristest.Location{Region: "east", Zone: "nanjing", Campus: "nanjing-1"}
	}
	return i
}

// step changes something at a node, and returns what.
func (f *fleet) step(t *testing.T, list []node) string {
	t.Helper()
	n := list[f.r.IntN(len(list))]
	old := f.has[slices.Sorted(maps.Keys(f.has))[f.r.IntN(len(f.has))]]
	switch f.r.IntN(5) {
	case 0:
		i := f.instance()
		f.has[i.Host] = i
		done(t, n.Register(t.Context(), i))
		return fmt.Sprintf("registered %s of %s at %s", i.Host, i.Service, n.IP)
	case 1:
		delete(f.has, old.Host)
		done(t, n.Deregister(t.Context(), old))
		return fmt.Sprintf("deregistered %s of %s at %s", old.Host, old.Service, n.IP)
	case 2:
		old.Isolate = !old.Isolate
		f.has[old.Host] = old
		done(t, n.Isolate(t.Context(), old.Namespace, old.Service, old.Host, old.Isolate))
		return fmt.Sprintf("isolated %t %s of %s at %s", old.Isolate, old.Host, old.Service, n.IP)
	case 3:
		old.Healthy, old.Weight = !old.Healthy, 70
		f.has[old.Host] = old
		done(t, n.Update(t.Context(), old))
		return fmt.Sprintf("healthy %t %s of %s at %s", old.Healthy, old.Host, old.Service, n.IP)
	}
	text := equalRouting(f.r)
	for _, n := range list {
		done(t, n.WriteFile("conf/routing/all.yaml", text))
	}
	wait(t, func() error { // all have it, and none has what was before
		for _, n := range list {
			if _, all := routingDigest(t, n); !all.Agree {
				return errors.New(strings.Join(all.Reasons, "; "))
			}
		}
		return nil
	})
	return "other rules"
}

// equalizer compares what nodes give, and remembers it.
type equalizer struct {
	streams  map[string]*polaristest.Stream // by node and caller
	contents map[string]string              // by name and revision
	marks    int
}

// settled waits until every node has seen all that was written before: what is
// registered last, comes last.
func (e *equalizer) settled(t *testing.T, list []node) {
	t.Helper()
	e.marks++
	mark := fmt.Sprintf("10.99.0.%d", e.marks)
	done(t, list[0].Register(t.Context(), polaristest.Instance{Namespace: "default", Service: "mark", Host: mark, Port: 1, Weight: 100, Healthy: true}))
	for _, n := range list {
		wait(t, func() error {
			got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Namespace: "default", Service: "mark"})
			if err == nil && !slices.ContainsFunc(got.Instances, func(i polaristest.Instance) bool { return i.Host == mark }) {
				err = fmt.Errorf("%s has not %s", n.IP, mark)
			}
			return err
		})
	}
}

// compare waits until all nodes give each caller one list with one revision, over
// HTTP and gRPC, and returns the revisions.
func (e *equalizer) compare(t *testing.T, list []node) map[string]string {
	t.Helper()
	revisions := map[string]string{}
	wait(t, func() error {
		for _, caller := range equalCallers {
			for _, name := range equalNames {
				var first [2]string // revision and content
				for _, n := range list {
					for protocol, ask := range map[string]func(*testing.T, node, netip.Addr, string) (string, string){"HTTP": overHTTP, "gRPC": e.overGRPC} {
						revision, content := ask(t, n, caller, name)
						if first[0] == "" {
							first = [2]string{revision, content}
						}
						if first != [2]string{revision, content} || revision == "" {
							return fmt.Errorf("%s for %s at %s over %s: %s %s\nand before %s", name, caller, n.IP, protocol, revision, content, first)
						}
					}
				}
				revisions[caller.String()+" "+name] = first[0]
				if before, known := e.contents[name+" "+first[0]]; known && before != first[1] {
					t.Errorf("%s: revision %s is of %s, and of %s", name, first[0], before, first[1])
				}
				e.contents[name+" "+first[0]] = first[1]
			}
		}
		return nil
	})
	return revisions
}

func overHTTP(t *testing.T, n node, caller netip.Addr, name string) (revision, content string) {
	got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: caller, Namespace: "default", Service: name})
	done(t, err)
	for _, i := range got.Instances {
		content += fmt.Sprintf(" %s:%d/%d/%t/%t", i.Host, i.Port, i.Weight, i.Healthy, i.Isolate)
	}
	return got.Service.Revision, inOrder(got.Service.Revision, content)
}

func (e *equalizer) overGRPC(t *testing.T, n node, caller netip.Addr, name string) (revision, content string) {
	key := n.GRPCAddr + " " + caller.String()
	if e.streams[key] == nil {
		stream, err := polaristest.Dial(t.Context(), n.GRPCAddr, caller)
		done(t, err)
		t.Cleanup(func() { _ = stream.Close() })
		e.streams[key] = stream
	}
	got, err := e.streams[key].Instances("default", name, "")
	if err != nil { // the node was restarted
		delete(e.streams, key)
		return "", err.Error()
	}
	for _, i := range got.GetInstances() {
		content += fmt.Sprintf(" %s:%d/%d/%t/%t", i.GetHost().GetValue(), i.GetPort().GetValue(), i.GetWeight().GetValue(), i.GetHealthy().GetValue(), i.GetIsolate().GetValue())
	}
	return got.GetService().GetRevision().GetValue(), inOrder(got.GetService().GetRevision().GetValue(), content)
}

// inOrder sorts a stock answer, which has no order.
func inOrder(revision, content string) string {
	if strings.HasPrefix(revision, "setrouter-") {
		return content
	}
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(content))), " ")
}

// A fleet and rules that change by chance, at one node or another: once the
// nodes have seen a change, every kind of caller gets the same list with
// the same revision from each of them, and again after one was started anew.
func TestNodesGiveEqualLists(t *testing.T) {
	t.Parallel()
	seed := *equalSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-equal.seed %d", seed)
	f := &fleet{r: rand.New(rand.NewPCG(seed, 0)), has: map[string]polaristest.Instance{}}
	c, text := cluster(t), equalRouting(f.r)
	options := func() polaristest.Options {
		return polaristest.Options{Dir: t.TempDir(), Files: map[string]string{
			"conf/mapping/all.yaml": equalMapping, "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": text,
		}}
	}
	second := options()
	list := []node{join(t, c, options()), join(t, c, second)}
	var fresh []polaristest.Instance
	for range 40 {
		i := f.instance()
		f.has[i.Host] = i
		fresh = append(fresh, i)
	}
	done(t, list[0].Register(t.Context(), fresh...))
	e := &equalizer{streams: map[string]*polaristest.Stream{}, contents: map[string]string{}}
	for range equalSteps {
		what := f.step(t, list)
		e.settled(t, list)
		start := time.Now()
		revisions := e.compare(t, list)
		t.Logf("%s: %d revisions, compared in %v", what, len(distinct(revisions)), time.Since(start).Round(time.Millisecond))
	}
	if len(e.contents) < 2*len(equalNames) {
		t.Errorf("%d contents were seen: nothing was compared", len(e.contents))
	}

	before := e.compare(t, list)
	done(t, list[1].Kill())
	second.Files = nil // as they are
	list[1] = again(t, list[1], second)
	if after := e.compare(t, list); !maps.Equal(after, before) {
		t.Errorf("after the restart of a node revisions are other ones: %v, and before %v", after, before)
	}

	// One node with another file says so, and so does the other.
	done(t, list[1].WriteFile("conf/routing/all.yaml", text+"# another word\n"))
	for _, n := range list {
		nodesSay(t, n, 1, "nodes: 2, agree: false", "has other routing files in force: ")
	}
	done(t, list[1].WriteFile("conf/routing/all.yaml", text))
	done(t, list[0].WriteFile("conf/routing/all.yaml", text))
	allSay(t, list, 0, "nodes: 2, agree: true")
}

func distinct(revisions map[string]string) map[string]bool {
	out := map[string]bool{}
	for _, r := range revisions {
		out[r] = true
	}
	return out
}

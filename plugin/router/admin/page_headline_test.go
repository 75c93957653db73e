package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// calmStatus is the status of a server of which there is nothing bad to say.
func calmStatus(t *testing.T) api.Status {
	s := pageBackend{t: t}.Status(context.Background())
	s.Evacuations, s.Warnings, s.Kubernetes = []api.Evacuation{}, []strict.Problem{}, nil
	s.Protocols = []api.Protocol{{Name: "service-grpc", Routed: true}}
	s.Callers = api.Callers{Seen: 410, First: s.Callers.First[:0], Untold: s.Callers.Untold[:0]}
	s.State = api.CallerStates{Counts: map[string]int{"first": 400, "stock": 10}, Complete: true, Kinds: []api.KindState{}, Notes: []string{}}
	s.Unknown, s.Drift = api.UnknownCallers{First: []world.Unknown{}}, api.DriftStatus{First: []world.Drift{}}
	return s
}

// The headline is red only while anybody has nothing, green only while all is well, and
// names each cause between.
func TestPageHeadline(t *testing.T) {
	tests := []struct {
		name   string
		change func(*api.Status, *api.Cluster)
		want   string // the colour, and the text
	}{
		{"calm", func(*api.Status, *api.Cluster) {}, "good ok | All is well: of 410 callers 400 have their first choice, and none is widened"},
		{"empty", func(s *api.Status, _ *api.Cluster) { s.State = lists("empty", 3) }, "bad WRONG | 3 callers have nothing to call | default/a ← qb.a.z in 华南: 3 callers, an empty list, rule a explain"},
		{"unusable", func(s *api.Status, _ *api.Cluster) { s.State = lists("unusable", 1) }, "bad WRONG | 1 caller has nothing to call | default/a ← qb.a.z in 华南: 1 caller, none of 2 usable, rule a explain"},
		{"widened", func(s *api.Status, _ *api.Cluster) { s.State = lists("widened", 2) }, "warn LOOK | Nobody is without an instance, but all is not well | 2 callers are widened: on a later road"},
		{"unknown", func(s *api.Status, _ *api.Cluster) { s.State = lists("unknown", 1) }, "warn LOOK | Nobody is without an instance, but all is not well | 1 caller that nobody knows gets nothing"},
		{"unknown SET", func(s *api.Status, _ *api.Cluster) { s.Unknown.Callers = 4 }, "warn LOOK | Nobody is without an instance, but all is not well | of 4 callers the SET is not known"},
		{"refused", func(s *api.Status, _ *api.Cluster) { s.Files[1].Problems = []string{"routing.yaml:1:1: bad"} },
			"warn LOOK | Nobody is without an instance, but all is not well | routing files on disk are refused, those of before stay in force"},
		{"nodes disagree", func(_ *api.Status, c *api.Cluster) { c.Nodes[1].Summary.Files[1].Digest = "bbbbbbbbbbbb" },
			"warn LOOK | Nobody is without an instance, but all is not well | server nodes disagree, or one does not answer"},
		{"node silent", func(_ *api.Status, c *api.Cluster) {
			c.Nodes[1].Summary, c.Nodes[1].Problem = nil, "no answer within 2s"
		},
			"warn LOOK | Nobody is without an instance, but all is not well | server nodes disagree, or one does not answer"},
		{"evacuation", func(s *api.Status, _ *api.Cluster) {
			s.Evacuations = []api.Evacuation{{Kind: "zone", Place: "华南/ap-guangzhou", InForce: true, Until: pageNow}}
		}, "warn LOOK | Nobody is without an instance, but all is not well | evacuation in force: zone 华南/ap-guangzhou"},
		{"nobody asked", func(s *api.Status, _ *api.Cluster) { s.State.Counts = map[string]int{} }, "note note | No fault is known, and nobody asked in the last two minutes"},
		{"drift alone", func(s *api.Status, _ *api.Cluster) { s.Drift.Count = 2 }, "good ok | All is well: of 410 callers 400 have their first choice, and none is widened | drift: 2 instances registered otherwise than the mapping says"},
	}
	// The server is in one state after the other: each status that the page asks for is the next.
	var mu sync.Mutex
	asked := -1
	cluster := api.Cluster{}
	answers := darkCompany()
	answers["status"] = func(*http.Request) any {
		mu.Lock()
		defer mu.Unlock()
		asked++
		status := calmStatus(t)
		cluster = pageBackend{t: t}.Nodes(context.Background())
		tests[asked%len(tests)].change(&status, &cluster)
		cluster.Reasons = nodes.Judge(cluster.Nodes)
		cluster.Agree = len(cluster.Reasons) == 0
		return status
	}
	answers["nodes"] = func(*http.Request) any {
		mu.Lock()
		defer mu.Unlock()
		return cluster
	}
	dom := newBrowser(t).open(serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), answers), fmt.Sprintf(`
		until(() => last.nodes && last.timeline).then(async () => {
			for (let n = 0; n < %d; n++) {
				said("[" + n + " " + document.getElementById("headline").className + " " + [...document.querySelectorAll("#headline span.mark, #headline .verdict > span:last-child, #headline li")].map(x => x.textContent).join(" | ") + "]");
				clearTimeout(timer);
				last.nodes = undefined;
				polls = 0;
				await refresh();
				await until(() => last.nodes);
			}
		});`, len(tests)))), 5)
	for n, test := range tests {
		_, after, _ := strings.Cut(textOf(dom), fmt.Sprintf("[%d ", n))
		if got, _, _ := strings.Cut(after, "]"); got != test.want {
			t.Errorf("%s: the headline is %q,\nwant %q", test.name, got, test.want)
		}
	}
}

// lists are the states of callers of which some are in one state.
func lists(state string, callers int) api.CallerStates {
	return api.NewCallerStates([]api.KindState{{Service: "default/a", Rule: "a", Kind: "qb.a.z in 华南", State: state, Callers: callers, Sent: 2, Example: netip.MustParseAddr("10.1.7.4")}}, true)
}

// A node says its state in a word, and not by its colour alone.
func TestPageShowsNodes(t *testing.T) {
	b := newBrowser(t)
	cluster := pageBackend{t: t}.Nodes(context.Background())
	cluster.Nodes = append(cluster.Nodes,
		api.Node{Address: "10.0.0.3:8091", Healthy: true, Problem: "no answer within 2s"},
		api.Node{Address: "10.0.0.4:8091", Summary: cluster.Nodes[1].Summary})
	nodesOf := object{"agree": false, "reasons": []string{}, "nodes": append([]any{object{"address": "10.0.0.5:8091", "healthy": true, "agrees": false, "reasons": []string{"has other routing files in force"}, "since": pageNow,
		"aheadSeconds": 3.5, "summary": object{"files": []object{}, "instances": 3, "services": 2, "version": "v1", "parts": []object{{"name": "store", "ok": true}, {"name": "redis", "ok": false}}}}}, anySlice(cluster.Nodes)...)}
	answers := darkCompany()
	answers["nodes"] = nodesOf
	wantText(t, b.open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), answers)), 2),
		"a part is AWAY 10.0.0.5:8091 since 04:00:00 store ok Redis AWAY has other routing files in force 3 instances, 2 services v1 its clock is 3.5 s ahead",
		"in step 10.0.0.1:8091 this one", "in step 10.0.0.2:8091", "NO ANSWER 10.0.0.3:8091 no answer within 2s", "DROPPED by Polaris 10.0.0.4:8091")
}

func anySlice[T any](list []T) (out []any) {
	for _, x := range list {
		out = append(out, x)
	}
	return out
}

// A server that never answered is not shown as well either.
func TestPageOfADeadServerIsNotGreen(t *testing.T) {
	b := newBrowser(t)
	answers := object{"status": func(*http.Request) any { panic(http.ErrAbortHandler) }}
	dom := b.open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), answers)), 3)
	wantText(t, dom, "? setrouter", "The server does not answer since 20", "NOT KNOWN Not known now: the server does not answer")
	if !strings.Contains(dom, `id="headline" role="status" data-json`) && !strings.Contains(dom, `class="away"`) {
		t.Errorf("the headline is not marked as unknown:\n%s", dom)
	}
}

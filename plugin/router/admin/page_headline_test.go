package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// calmStatusOf is the calm status with its health.
func calmStatusOf(t *testing.T) api.Status {
	s := calmStatus(t)
	s.Health = api.NewHealth(s, pageBackend{t: t}.Nodes(context.Background()))
	return s
}

// The headline is red only while anybody has nothing, green only while all is well, and
// names each cause between.
func TestPageHeadline(t *testing.T) {
	const calm = "good ok | All is well: of 410 callers 400 have their first choice, and none is widened"
	const amber = "warn LOOK | Nobody is without an instance, but all is not well | "
	tests := []struct {
		name   string
		change func(*api.Status, *api.Cluster)
		want   string // the colour, and the text
	}{
		{"calm", func(*api.Status, *api.Cluster) {}, calm},
		{"empty", func(s *api.Status, _ *api.Cluster) { s.State = lists("empty", 3) }, "bad WRONG | 3 callers have nothing to call | default/a ← qb.a.z in 华南: 3 callers, an empty list, rule a explain"},
		{"unusable", func(s *api.Status, _ *api.Cluster) { s.State = lists("unusable", 1) }, "bad WRONG | 1 caller has nothing to call | default/a ← qb.a.z in 华南: 1 caller, none of 2 usable, rule a explain"},
		{"empty and more", func(s *api.Status, c *api.Cluster) {
			s.State, c.Nodes[1].Summary, c.Nodes[1].Problem, c.Nodes[1].Stock = lists("empty", 3), nil, "has no setrouter", true
		}, "bad WRONG | 3 callers have nothing to call | default/a ← qb.a.z in 华南: 3 callers, an empty list, rule a explain | Also: 10.0.0.2:8091 is a stock server, or has an older setrouter: its callers get lists that no rule made"},
		{"widened", func(s *api.Status, _ *api.Cluster) { s.State = lists("widened", 2) }, amber + "2 callers have a later road than the first"},
		{"unknown", func(s *api.Status, _ *api.Cluster) { s.State = lists("unknown", 1) }, amber + "1 caller has nothing, as their SET or place is not known"},
		{"refused", func(s *api.Status, _ *api.Cluster) { s.Files[1].Problems = []string{"routing.yaml:1:1: bad"} }, amber + "routing files are refused on this node: routing.yaml:1:1: bad"},
		{"store away", func(s *api.Status, _ *api.Cluster) {
			at := pageNow.Add(-90 * time.Second)
			s.Backing = []api.Backing{{Kind: api.BackingStore, Name: "defaultStore", AwayAt: &at}}
		}, amber + "the store has not answered this node for 1m30s: lists stay as they are, and nothing that comes or goes is seen"},
		{"nodes disagree", func(_ *api.Status, c *api.Cluster) { c.Nodes[1].Summary.Files[1].Digest = "bbbbbbbbbbbb" },
			amber + "the nodes do not agree: 10.0.0.2:8091 has other routing files in force: bbbbbbbbbbbb against aaaaaaaaaaaa of 10.0.0.1:8091"},
		{"node silent", func(_ *api.Status, c *api.Cluster) {
			c.Nodes[1].Summary, c.Nodes[1].Problem = nil, "does not answer within 2s"
		},
			amber + "the nodes do not agree: 10.0.0.2:8091 does not answer within 2s"},
		{"evacuation", func(s *api.Status, _ *api.Cluster) {
			s.Evacuations = []api.Evacuation{{Kind: "zone", Place: "华南/ap-guangzhou", InForce: true, Until: pageNow}}
		}, calm + " | To look at: 1 evacuation in force: zone 华南/ap-guangzhou until 2026-12-01 04:00:00, 0 s from now"},
		{"nobody asked", func(s *api.Status, _ *api.Cluster) { s.State.Counts = map[string]int{} }, "note note | No fault is known, and nobody asked in the last two minutes"},
		{"drift alone", func(s *api.Status, _ *api.Cluster) { s.Drift.Count = 2 }, calm + " | To look at: drift: 2 instances registered otherwise than the mapping says"},
		{"alone", func(s *api.Status, _ *api.Cluster) { s.State.Alone = true }, calm + " | These are the callers of this node alone: the listener has no token."},
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
		cluster = api.NewCluster(cluster.Nodes, nodes.Judge(cluster.Nodes))
		status.Health = api.NewHealth(status, cluster)
		return status
	}
	answers["nodes"] = func(*http.Request) any {
		mu.Lock()
		defer mu.Unlock()
		return cluster
	}
	dom := newBrowser(t).open(serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), answers), fmt.Sprintf(`
		until(() => last.nodes && last.timeline).then(async () => {
			poll = () => {};
			clearTimeout(timer);
			for (let n = 0; n < %d; n++) {
				said("[" + n + " " + document.getElementById("headline").className + " " + [...document.querySelectorAll("#headline span.mark, #headline .verdict > span:last-child, #headline li")].map(x => x.textContent).join(" | ") + "]");
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
	list := pageBackend{t: t}.Nodes(context.Background()).Nodes
	summary := func(change func(*api.Summary)) *api.Summary {
		s := *list[0].Summary
		s.Files = slices.Clone(s.Files)
		change(&s)
		return &s
	}
	list = append(list,
		api.Node{Address: "10.0.0.3:8091", Healthy: true, Problem: "does not answer within 2s"},
		api.Node{Address: "10.0.0.4:8091", Summary: list[1].Summary},
		api.Node{Address: "10.0.0.5:8091", Healthy: true, Problem: "has no setrouter", Stock: true},
		api.Node{Address: "10.0.0.6:8091", Healthy: true, AheadSeconds: 30, Summary: summary(func(s *api.Summary) { s.Files[1].Digest = "bbbbbbbbbbbb" })},
		api.Node{Address: "10.0.0.7:8091", Healthy: true, Summary: summary(func(s *api.Summary) { s.Away = []api.Away{{Kind: api.BackingStore, At: pageNow}} })},
		api.Node{Address: "10.0.0.8:8091", Healthy: true, Summary: summary(func(s *api.Summary) { s.Files[1].Refused = true })},
		api.Node{Address: "10.0.0.9:8091", Healthy: true, Summary: summary(func(s *api.Summary) { s.Files[1].Gray = true })})
	answers := darkCompany()
	answers["nodes"] = api.NewCluster(list, nodes.Judge(list))
	wantText(t, newBrowser(t).open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), answers)), 2),
		"in step 10.0.0.1:8091 this one", "in step 10.0.0.2:8091", "NO ANSWER 10.0.0.3:8091 does not answer within 2s", "DROPPED by Polaris 10.0.0.4:8091", "STOCK SERVER 10.0.0.5:8091 has no setrouter",
		"DIFFERS 10.0.0.6:8091 10.0.0.6:8091 has other routing files in force", "its clock is 30 s ahead", "STORE or HEARTBEATS AWAY 10.0.0.7:8091 store AWAY since 04:00:00",
		"REFUSES FILES 10.0.0.8:8091", "gray release 10.0.0.9:8091")
}

// A server that never answered is not shown as well either.
func TestPageOfADeadServerIsNotGreen(t *testing.T) {
	b := newBrowser(t)
	answers := object{"status": func(*http.Request) any { panic(http.ErrAbortHandler) }}
	dom := b.open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), answers)), 3)
	wantText(t, dom, "? setrouter", "The server does not answer since 20", "NOT KNOWN Not known now: the server does not answer")
	if !strings.Contains(dom, `<body class="old">`) || !strings.Contains(dom, `class="away"`) {
		t.Errorf("the page is not marked as old:\n%s", dom)
	}
}

// A page that waits for an answer says so, too: a server that hangs is as dead as one that
// refuses connections.
func TestPageThatWaitsIsNotGreen(t *testing.T) {
	answers := darkCompany()
	answers["status"] = calmStatusOf(t)
	dom := newBrowser(t).open(serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), answers), `
		until(() => document.getElementById("headline").className === "good").then(async () => {
			poll = () => {}; // as if the server hung
			clearTimeout(timer);
			await sleep(12000);
			said("after 12 s: " + document.getElementById("headline").className);
			await until(() => document.getElementById("headline").className === "away");
			said("then: " + document.getElementById("down").textContent);
		});`)), 20)
	wantText(t, dom, "after 12 s: good", "then: The server does not answer since 20", ": no answer yet. What stands below is of 20")
}

package nodes

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func groupOf(name, kind, state string, now time.Time) matrix.Asked {
	service := route.Service{Namespace: "default", Name: name}
	return matrix.Asked{Service: service, State: api.KindState{
		Service: service.String(), Rule: "r", Kind: kind, State: state, Tier: "own", Level: "zone", Usable: 2, Sent: 3, Callers: 4,
		Example: netip.MustParseAddr("10.0.0.1"), Last: now.Add(-7 * time.Second),
	}}
}

// Groups of callers come from another node as they were sent. Who has no token gets none.
func TestAsked(t *testing.T) {
	now := time.Now().Round(time.Second).UTC()
	groups := []matrix.Asked{groupOf("a", "a.b.c in r", "first", now), groupOf("b", "a.b.d in r", "empty", now)}
	tells := func(token string) string {
		return serveAt(t, func(s *grpc.Server, address string) {
			register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{}, teller{"Asked", askedTeller{
				verifier: proofsOf(token, address), now: func() time.Time { return now }, groups: func() ([]matrix.Asked, bool) { return groups, true },
			}.answer})
		})
	}
	for _, tt := range []struct {
		name, address, note string
		want                []matrix.Asked
	}{
		{"the same token", tells("secret"), "", groups},
		{"another token", tells("other"), "refuses: its set-admin listener has another token, or it is registered at another address", nil},
		{"no token there", tells(""), "refuses: its set-admin listener has no token, by which it would know that an operator asks", nil},
		{"an older node", serve(t, func(*grpc.Server) {}), "does not know the question: it is a stock server, or has an older setrouter", nil},
	} {
		var got []matrix.Asked
		notes := gather([]api.Node{{Self: true}, {Address: tt.address, Healthy: true}}, func(n api.Node) (askedAnswer, error) {
			return question{"secret", false, now}.asked(t.Context(), n.Address)
		}, func(a askedAnswer) { got = append(got, a.groups(now)...) })
		if diff := cmp.Diff(tt.want, got, sameAddr); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		want := ""
		if tt.note != "" {
			want = "without those of " + tt.address + ", which " + tt.note
		}
		if strings.Join(notes, ";") != want {
			t.Errorf("%s: %q", tt.name, notes)
		}
	}
}

// An answer that no node would give is refused whole.
func TestAskedAnswerCheck(t *testing.T) {
	now := time.Now()
	good := func() askedAnswer {
		return newAskedAnswer([]matrix.Asked{groupOf("a", "k", "first", now), groupOf("b", "k", "stock", now)}, true, now)
	}
	for _, tt := range []struct {
		name  string
		spoil func(*askedAnswer)
		want  string
	}{
		{"good", func(*askedAnswer) {}, "<nil>"},
		{"empty", func(a *askedAnswer) { *a = askedAnswer{} }, "<nil>"},
		{"one state too few", func(a *askedAnswer) { a.State = a.State[:1] }, "it has not as many of one thing as of another"},
		{"no examples", func(a *askedAnswer) { a.Example = nil }, "it has not as many of one thing as of another"},
		{"fewer than no callers", func(a *askedAnswer) { a.Callers[1] = -1 }, "a number is below 0"},
		{"a text that is not there", func(a *askedAnswer) { a.Level[0] = 99 }, "a text is missing"},
		{"another word for a state", func(a *askedAnswer) { a.State[0] = a.Rule[0] }, "callers in a state that there is not"},
		{"a caller without an address", func(a *askedAnswer) { a.Example[1] = netip.Addr{} }, "callers without an address"},
		{"too many", func(a *askedAnswer) { a.Service = make([]int, maxGroups+1) }, "it has 50001 groups of callers"},
	} {
		a := good()
		tt.spoil(&a)
		if got := fmt.Sprint(a.Check()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	many := make([]matrix.Asked, maxGroups+1)
	for n := range many {
		many[n] = groupOf("a", "k", "first", now)
	}
	a := newAskedAnswer(many, true, now)
	data, err := json.Marshal(a)
	if err != nil || a.Complete || len(a.Service) != maxGroups || len(data) > maxAskedAnswer {
		t.Errorf("%d groups of %d, complete %t, %d bytes, %v", len(a.Service), len(many), a.Complete, len(data), err)
	}
}

// A group of another node has the list that callers of this node have who have the same.
func TestListsAreKnown(t *testing.T) {
	now := time.Now()
	own := groupOf("a", "k", "widened", now)
	own.Listed, own.IDs, own.Callers = true, []string{"1", "2"}, []netip.Addr{netip.MustParseAddr("10.0.0.9")}
	lists := matrix.NewLists([]matrix.Asked{own})
	other := groupOf("a", "k", "widened", now.Add(time.Second))
	other.State.Callers = 1
	if got := lists.Complete(other); !got.Listed || len(got.IDs) != 2 || got.Callers != nil || got.State.Callers != 1 {
		t.Errorf("%+v", got)
	}
	other.State.Sent++
	if got := lists.Complete(other); got.Listed {
		t.Errorf("%+v has the list of others", got)
	}
}

// Events come from another node as they were sent, and with the address at which it was
// asked.
func TestTimeline(t *testing.T) {
	event := func(change func(*api.Event)) api.Event {
		e := api.Event{Event: events.Event{At: time.Unix(1, 0).UTC(), Code: "started", Severity: "info", Text: "it started", Args: map[string]string{}}, Nodes: []string{"a lie"}, Services: []string{}, Callers: []string{}}
		change(&e)
		return e
	}
	tells := func(token string, e api.Event) string {
		return serveAt(t, func(s *grpc.Server, address string) {
			register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{}, teller{"Timeline", timelineTeller{
				verifier: proofsOf(token, address), now: time.Now, timeline: func() api.Timeline { return api.Timeline{Events: []api.Event{e}} },
			}.answer})
		})
	}
	good := event(func(*api.Event) {})
	for _, tt := range []struct{ name, address, want string }{
		{"the same token", tells("secret", good), ""},
		{"another token", tells("other", good), "refuses: its set-admin listener has another token, or it is registered at another address"},
		{"a severity that there is not", tells("secret", event(func(e *api.Event) { e.Severity = "pink" })), "answers what no node would: an event of a severity that there is not"},
		{"a long text", tells("secret", event(func(e *api.Event) { e.Text = strings.Repeat("x", maxEventText+1) })), "answers what no node would: a text of an event is too long"},
		{"no services", tells("secret", event(func(e *api.Event) { e.Services = nil })), "answers what no node would: an event is not whole"},
	} {
		got, err := question{"secret", false, time.Now()}.timeline(t.Context(), tt.address)
		if tt.want != "" {
			if err == nil || problem(err, patience) != tt.want {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		want := good
		want.Nodes = []string{tt.address}
		if diff := cmp.Diff(told{[]api.Event{want}}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
}

// The first look at the nodes says since when; later ones tell what has changed.
func TestStandings(t *testing.T) {
	var told []string
	s := standings{note: func(e events.Event) { told = append(told, e.Severity+" "+e.Code+": "+e.Text) }}
	there := &api.Summary{}
	now := time.Unix(0, 0).UTC()
	for n, tt := range []struct {
		node  api.Node
		since int
		want  []string
	}{
		{api.Node{Healthy: true, Summary: there}, 0, nil},
		{api.Node{Healthy: true, Summary: there}, 0, nil},
		{api.Node{Healthy: true, Problem: "does not answer within 2s"}, 2, []string{"amber part-lost: node b does not answer within 2s"}},
		{api.Node{Problem: "does not answer within 2s"}, 2, nil},
		{api.Node{Healthy: true, Summary: there}, 4, []string{"good part-back: node b answers again"}},
		{api.Node{Healthy: true, Summary: there, Reasons: []string{"b refuses routing files"}}, 5, []string{"amber node-differs: the nodes do not agree: b refuses routing files"}},
		{api.Node{Healthy: true, Summary: there}, 6, []string{"good node-agrees: node b agrees with the others again"}},
	} {
		told = nil
		tt.node.Address = "b"
		var differences []api.Difference
		for _, r := range tt.node.Reasons {
			differences = append(differences, api.Difference{Node: "b", Text: r})
		}
		c := api.NewCluster([]api.Node{tt.node}, differences)
		s.mark(&c, now.Add(time.Duration(n)*time.Second))
		if got := c.Nodes[0].Since.Unix(); got != int64(tt.since) {
			t.Errorf("step %d: since %d, want %d", n, got, tt.since)
		}
		if diff := cmp.Diff(tt.want, told); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", n, diff)
		}
	}
}

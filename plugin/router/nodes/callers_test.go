package nodes

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

func callersOf(kinds ...api.KindState) api.CallerStates { return api.NewCallerStates(kinds, true) }

// The callers of all nodes are added up. A node tells of its callers only if the asker
// proves the token; the operator is told of the nodes that do not.
func TestCallersOfAllNodes(t *testing.T) {
	kind := func(state, sets string, callers int, at time.Time) api.KindState {
		return api.KindState{Service: "default/s", Rule: "r", Kind: sets, State: state, Callers: callers, Example: netip.MustParseAddr("10.0.0.1"), Last: at}
	}
	early, late := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	own := func() api.CallerStates { return callersOf(kind("first", "a.b.c", 2, early)) }
	there := callersOf(kind("empty", "a.b.d", 1, late), kind("first", "a.b.c", 3, late))
	tells := func(token string, ahead time.Duration, states api.CallerStates) string {
		return serveAt(t, func(s *grpc.Server, address string) {
			register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{
				verifier: proofsOf(token, address), now: func() time.Time { return time.Now().Add(ahead) }, callers: func() api.CallerStates { return states },
			})
		})
	}
	stock := func() string { return serve(t, func(*grpc.Server) {}) }
	incomplete := there
	incomplete.Complete = false
	whole := callersOf(kind("empty", "a.b.d", 1, late), kind("first", "a.b.c", 5, late))
	for _, tt := range []struct {
		name, address, note string
		want                api.CallerStates
	}{
		{"the same token", tells("secret", 0, there), "", whole},
		{"more than it remembers", tells("secret", 0, incomplete), "", func() api.CallerStates { s := whole; s.Complete = false; return s }()},
		{"another token", tells("other", 0, there), "refuses: its set-admin listener has another token, or it is registered at another address", own()},
		{"no token there", tells("", 0, there), "refuses: its set-admin listener has no token, by which it would know that an operator asks", own()},
		{"another time there", tells("secret", time.Hour, there), "refuses: its clock is 1h0m0s off, more than 30s", own()},
		{"a stock server", stock(), "does not know the question: it is a stock server, or has an older setrouter", own()},
		{"a state that there is not", tells("secret", 0, callersOf(kind("fine", "a.b.c", 1, early))), "answers what no node would: callers in a state that there is not", own()},
		{"a node that is gone", "127.0.0.1:1", "does not answer: connect: connection refused", own()},
		{"a node that Polaris has dropped", "127.0.0.1:2", "", own()},
	} {
		got := own()
		addAll(&got, []api.Node{{Address: "self", Self: true}, {Address: tt.address, Healthy: !strings.HasSuffix(tt.name, "dropped")}}, func(n api.Node) (api.CallerStates, error) {
			return question{"secret", false, time.Now()}.callers(t.Context(), n.Address)
		})
		if tt.note != "" {
			tt.want.Notes = []string{"without those of " + tt.address + ", which " + tt.note}
		}
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A proof for one question is none for another, and works once.
func TestProofOfCallers(t *testing.T) {
	teller := callerTeller{verifier: proofsOf("secret", "here"), now: time.Now, callers: func() api.CallerStates { return callersOf() }}
	for _, tt := range []struct{ name, message, want string }{
		{"nothing", "", "cannot be read"},
		{"a proof for a reload", marshal(t, newProof("secret", "here", reloadText(false), time.Now())), "has another token"},
	} {
		if _, err := teller.answer([]byte(tt.message)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	message := marshal(t, newProof("secret", "here", callersText, time.Now()))
	if _, err := teller.answer([]byte(message)); err != nil {
		t.Error(err)
	}
	if _, err := teller.answer([]byte(message)); err == nil || !strings.Contains(err.Error(), "has come before") {
		t.Errorf("a second time: %v", err)
	}
}

// A node with many kinds of callers tells of the worst.
func TestCallersAreCut(t *testing.T) {
	kinds := make([]api.KindState, maxKinds+5)
	for n := range kinds {
		kinds[n] = api.KindState{State: "first", Callers: 1, Kind: strings.Repeat("x", n%7), Example: netip.MustParseAddr("10.0.0.1")}
	}
	kinds[maxKinds+2].State = "empty"
	address := serveAt(t, func(s *grpc.Server, address string) {
		register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{
			verifier: proofsOf("secret", address), now: time.Now, callers: func() api.CallerStates { return callersOf(kinds...) },
		})
	})
	got, err := question{"secret", false, time.Now()}.callers(t.Context(), address)
	if err != nil || len(got.Kinds) != maxKinds || got.More != 5 || got.Kinds[0].State != "empty" || got.Counts["first"] != maxKinds+4 {
		t.Errorf("%d kinds and %d more, %v, %v", len(got.Kinds), got.More, got.Counts, err)
	}
}

func marshal(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package nodes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Nodes tell of their callers to a node with the same token, by a proof of that question,
// once.
func TestCallersSeen(t *testing.T) {
	var asked []string
	tells := func(token string, states ...string) string {
		return serveAt(t, func(s *grpc.Server, address string) {
			register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{}, teller{"Seen", seenTeller{
				verifier: proofsOf(token, address), now: time.Now,
				seen: func(q api.CallerQuery) api.CallerList {
					asked = append(asked, fmt.Sprintln(q.Service, q.Address, q.Names))
					list := api.CallerList{Complete: true}
					for _, state := range states {
						list.Kinds = append(list.Kinds, api.CallerKind{Service: "default/there", State: state, Callers: 1})
					}
					return list
				},
			}.answer})
		})
	}
	q := api.CallerQuery{Service: "default/a", Address: netip.MustParseAddr("10.0.0.1"), Names: []string{"default/old"}}
	for _, tt := range []struct {
		name, address, note string
		asks                bool
		kinds               int
	}{
		{"the same token", tells("secret", "first"), "", true, 2},
		{"another token", tells("other", "first"), "refuses: its set-admin listener has another token, or it is registered at another address", false, 1},
		{"no token there", tells("", "first"), "refuses: its set-admin listener has no token, by which it would know that an operator asks", false, 1},
		{"a state that there is not", tells("secret", "fine"), "answers what no node would: a kind of callers that there is not", true, 1},
		{"more kinds than it tells of", tells("secret", slices.Repeat([]string{"first"}, maxKinds+1)...), "", true, maxKinds + 1},
		{"an older node", serve(t, func(*grpc.Server) {}), "does not know the question: it is a stock server, or has an older setrouter", false, 1},
		{"nobody", "127.0.0.1:1", "does not answer: connect: connection refused", false, 1},
		{"dropped by Polaris", "127.0.0.1:2", "", false, 1},
	} {
		asked = nil
		seen := api.CallerList{Kinds: []api.CallerKind{{Service: "default/here", State: "first", Callers: 1}}}
		seen.Notes = gather([]api.Node{{Address: "self", Self: true}, {Address: tt.address, Healthy: !strings.HasPrefix(tt.name, "dropped")}}, func(n api.Node) (api.CallerList, error) {
			return question{"secret", false, time.Now()}.seen(t.Context(), n.Address, q)
		}, seen.Add)
		var notes []string
		if tt.note != "" {
			notes = []string{"without those of " + tt.address + ", which " + tt.note}
		}
		if !slices.Equal(notes, seen.Notes) || len(seen.Kinds) != tt.kinds {
			t.Errorf("%s: %d kinds, want %d; notes %q, want %q", tt.name, len(seen.Kinds), tt.kinds, seen.Notes, notes)
		}
		if want := "default/a 10.0.0.1 [default/old]\n"; tt.asks != slices.Equal(asked, []string{want}) {
			t.Errorf("%s: it was asked for %q", tt.name, asked)
		}
	}
	teller := seenTeller{verifier: proofsOf("secret", "here"), now: time.Now, seen: func(api.CallerQuery) api.CallerList { return api.CallerList{} }}
	good := seenMessage{q, newProof("secret", "here", seenText(q), time.Now())}
	other := good
	other.Query.Service = "default/b"
	for _, step := range []struct{ name, message, want string }{
		{"nothing", "", "cannot be read"},
		{"a proof of the states of callers", marshal(t, newProof("secret", "here", callersText, time.Now())), "has another token"},
		{"a proof of another question", marshal(t, other), "has another token"},
		{"good", marshal(t, good), "<nil>"},
		{"the same again", marshal(t, good), "has come before"},
	} {
		if _, err := teller.answer([]byte(step.message)); !strings.Contains(fmt.Sprint(err), step.want) {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
	}
}

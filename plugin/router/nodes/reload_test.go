package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// reloads returns a node with a token, whose clock is ahead. It notes how it was asked
// to reload.
func reloads(token string, ahead time.Duration, asked *[]bool, outcome ...api.Reloaded) func(*grpc.Server, string) {
	return func(s *grpc.Server, address string) {
		register(s, func() api.Summary { return api.Summary{} }, &reloader{
			verifier: proofsOf(token, address), now: func() time.Time { return time.Now().Add(ahead) },
			reload: func(force bool) []api.Reloaded {
				*asked = append(*asked, force)
				return outcome
			},
		}, callerTeller{})
	}
}

// Nodes reload for a node with the same token. Everybody else is refused, and the
// operator is told why.
func TestReloadAll(t *testing.T) {
	good := []api.Reloaded{{Kind: "mapping", OK: true, Entries: 5, Problems: []string{}}, {Kind: "routing", OK: false, Problems: []string{"r.yaml:1:1: no"}}}
	var asked []bool
	for _, tt := range []struct {
		name, token string
		register    func(*grpc.Server, string)
		want        string // the problem; empty: it has reloaded
	}{
		{"the same token", "secret", reloads("secret", 0, &asked, good...), ""},
		{"another token", "secret", reloads("other", 0, &asked, good...), "refuses: its set-admin listener has another token, or it is registered at another address"},
		{"no token there", "secret", reloads("", 0, &asked, good...), "refuses: its set-admin listener has no token, by which it would know that an operator asks"},
		{"no token here", "", reloads("", 0, &asked, good...), "was not asked: the set-admin listener of the node that was asked has no token, by which nodes know that an operator asks"},
		{"a node that is registered elsewhere", "secret", func(s *grpc.Server, _ string) { reloads("secret", 0, &asked, good...)(s, "10.0.0.1:8091") }, "refuses: its set-admin listener has another token, or it is registered at another address"},
		{"a clock that is ahead", "secret", reloads("secret", time.Hour, &asked, good...), "refuses: its clock is 1h0m0s off, more than 30s"},
		{"a clock that is behind", "secret", reloads("secret", -time.Hour, &asked, good...), "refuses: its clock is 1h0m0s off, more than 30s"},
		{"a stock server", "secret", func(*grpc.Server, string) {}, "does not know the question: it is a stock server, or has an older setrouter"},
		{"another kind of files", "secret", reloads("secret", 0, &asked, api.Reloaded{Kind: "x"}), "answers what no node would: its files are of unknown kinds"},
		{"a kind twice", "secret", reloads("secret", 0, &asked, good[0], good[0]), "answers what no node would: its files are of unknown kinds"},
	} {
		for _, force := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " ", force), func(t *testing.T) {
				asked = nil
				address := serveAt(t, tt.register)
				list := []api.Node{{Address: "self", Self: true, Healthy: true}, {Address: address}}
				got := reloadAll(context.Background(), list, reloadRequest{tt.token, false, time.Now(), force}, func() []api.Reloaded { return good[:1] })
				want := []api.NodeReload{{Address: "self", Self: true, Healthy: true, Files: good[:1]}, {Address: address, Problem: tt.want, Files: []api.Reloaded{}}}
				if tt.want == "" {
					want[1].Files = good
					if diff := cmp.Diff([]bool{force}, asked); diff != "" {
						t.Errorf("it was asked (-want +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
	list := []api.Node{{Address: "127.0.0.1:1"}, {Self: true}}
	got := reloadAll(context.Background(), list, reloadRequest{token: "secret"}, func() []api.Reloaded { panic("a bug") })
	if got[0].Problem != "does not answer: connect: connection refused" || got[1].Problem != "panic: a bug" {
		t.Errorf("%+v", got)
	}
}

// A proof is for one message at one time, once.
func TestProof(t *testing.T) {
	now := time.Now()
	message := func(change func(*reloadMessage)) reloadMessage {
		m := reloadMessage{false, newProof("secret", "here", reloadText(false), now)}
		change(&m)
		return m
	}
	first := message(func(*reloadMessage) {})
	r := &reloader{verifier: proofsOf("secret", "here"), now: func() time.Time { return now }, reload: func(bool) []api.Reloaded { return nil }}
	for _, tt := range []struct {
		name string
		m    reloadMessage
		want string
	}{
		{"good", first, "<nil>"},
		{"the same again", first, "rpc error: code = PermissionDenied desc = the message has come before"},
		{"another good one", message(func(*reloadMessage) {}), "<nil>"},
		{"forced on the way", message(func(m *reloadMessage) { m.Force = true }), "rpc error: code = PermissionDenied desc = its set-admin listener has another token, or it is registered at another address"},
		{"made younger", message(func(m *reloadMessage) { m.At = m.At.Add(1) }), "rpc error: code = PermissionDenied desc = its set-admin listener has another token, or it is registered at another address"},
		{"another nonce", message(func(m *reloadMessage) { m.Nonce = "x" }), "rpc error: code = PermissionDenied desc = its set-admin listener has another token, or it is registered at another address"},
		{"none", message(func(m *reloadMessage) { m.proof = proof{} }), "rpc error: code = PermissionDenied desc = its set-admin listener has another token, or it is registered at another address"},
		{"for another node", reloadMessage{false, newProof("secret", "there", reloadText(false), now)}, "rpc error: code = PermissionDenied desc = its set-admin listener has another token, or it is registered at another address"},
		{"an old one", reloadMessage{false, newProof("secret", "here", reloadText(false), now.Add(-31*time.Second))}, "rpc error: code = PermissionDenied desc = its clock is 31s off, more than 30s"},
	} {
		data, err := json.Marshal(tt.m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.answer(data); fmt.Sprint(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := r.answer([]byte("{")); fmt.Sprint(err) != "rpc error: code = InvalidArgument desc = the message cannot be read" {
		t.Error(err)
	}
	// What was taken long ago is too old to come again, and is forgotten.
	now = now.Add(2 * time.Minute)
	if err := r.verifier.check(newProof("secret", "here", "m", now), "m", now); err != nil || len(r.verifier.seen) != 1 {
		t.Errorf("%v, %d are remembered", err, len(r.verifier.seen))
	}
}

package nodes

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Who asked any node is told to a node that proves the token, and the operator is told of
// the nodes that do not tell.
func TestAddressesOfAllNodes(t *testing.T) {
	addr := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, last}) }
	service := func(name string) route.Service { return route.Service{Namespace: "default", Name: name} }
	own := func() world.Callers {
		return world.Callers{
			Seen:  []world.Seen{{Addr: addr(1), Requests: 2}, {Addr: addr(3), Requests: 1}},
			Asked: []world.Asked{{Service: service("s"), Callers: []netip.Addr{addr(1), addr(3)}}}, Complete: true,
		}
	}
	there := world.Callers{
		Seen:     []world.Seen{{Addr: addr(1), Requests: 5}, {Addr: addr(2), Requests: 7}},
		Asked:    []world.Asked{{Service: service("a"), Callers: []netip.Addr{addr(2)}}, {Service: service("s"), Callers: []netip.Addr{addr(1), addr(2)}}},
		Complete: true,
	}
	whole := world.Callers{
		Seen: []world.Seen{{Addr: addr(1), Requests: 7}, {Addr: addr(2), Requests: 7}, {Addr: addr(3), Requests: 1}},
		Asked: []world.Asked{
			{Service: service("a"), Callers: []netip.Addr{addr(2)}}, {Service: service("s"), Callers: []netip.Addr{addr(1), addr(2), addr(3)}},
		},
		Complete: true,
	}
	tells := func(token string, callers world.Callers) string {
		return serveAt(t, func(s *grpc.Server, address string) {
			register(s, func() api.Summary { return api.Summary{} }, &reloader{}, callerTeller{}, teller{"Addresses", addressTeller{
				verifier: proofsOf(token, address), now: time.Now, callers: func() world.Callers { return callers },
			}.answer})
		})
	}
	incomplete, wholeIncomplete := there, whole
	incomplete.Complete, wholeIncomplete.Complete = false, false
	nobody := world.Callers{Seen: []world.Seen{{}}, Complete: true}
	for _, tt := range []struct {
		name, address, note string
		want                world.Callers
	}{
		{"the same token", tells("secret", there), "", whole},
		{"more than are told", tells("secret", incomplete), "there are more callers than are told: of a node the 20000 with the most requests", wholeIncomplete},
		{"another token", tells("other", there), "callers without those of ADDRESS, which refuses: its set-admin listener has another token, or it is registered at another address", own()},
		{"a caller without an address", tells("secret", nobody), `callers without those of ADDRESS, which answers what no node would: a caller without an address`, own()},
		{"a node that is gone", "127.0.0.1:1", "callers without those of ADDRESS, which does not answer: connect: connection refused", own()},
		{"a node that Polaris has dropped", "127.0.0.1:2", "", own()},
	} {
		list := []api.Node{{Address: "self", Self: true}, {Address: tt.address, Healthy: !strings.HasSuffix(tt.name, "dropped")}}
		got, notes := addAddresses(own(), list, question{"secret", false, time.Now()}.addresses(t.Context()))
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if note := strings.ReplaceAll(strings.Join(notes, "; "), tt.address, "ADDRESS"); note != tt.note {
			t.Errorf("%s: note %s\nwant %s", tt.name, note, tt.note)
		}
	}
}

// A node tells of the callers with the most requests first.
func TestAddressesAreCut(t *testing.T) {
	var c world.Callers
	for n := range byte(9) {
		c.Seen = append(c.Seen, world.Seen{Addr: netip.AddrFrom4([4]byte{10, 0, 0, n}), Requests: uint64(n)})
	}
	c.Asked, c.Complete = []world.Asked{{Callers: []netip.Addr{c.Seen[0].Addr, c.Seen[1].Addr}}, {Callers: []netip.Addr{c.Seen[2].Addr}}}, true
	c.Cut(2, 2)
	if len(c.Seen) != 2 || c.Seen[0].Requests != 7 || c.Seen[1].Requests != 8 || c.Complete || len(c.Asked[0].Callers) != 2 || len(c.Asked[1].Callers) != 0 {
		t.Errorf("cut: %+v", c)
	}
}

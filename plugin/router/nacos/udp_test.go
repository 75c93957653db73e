package nacos

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/goleak"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// pusherRig is a pusher with a clock of the test, and a client that waits on loopback.
type pusherRig struct {
	*udpPusher
	routing *testRouting
	at      time.Time
	client  *net.UDPConn
	address netip.AddrPort
	q       query
}

func newPusherRig(t *testing.T) *pusherRig {
	t.Helper()
	client, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	rig := &pusherRig{
		routing: &testRouting{lists: map[netip.Addr]*apiservice.DiscoverResponse{}, stock: map[route.Service]*apiservice.DiscoverResponse{}},
		at:      time.Unix(1_800_000_000, 0), client: client, address: client.LocalAddr().(*net.UDPAddr).AddrPort(), q: newQuery("", "", "s"),
	}
	if rig.udpPusher, err = newUDPPusher("0.0.0.0", rig.routing); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rig.conn.Close() })
	rig.now = func() time.Time { return rig.at }
	return rig
}

// ask asks for the list as the client does.
func (r *pusherRig) ask(t *testing.T) {
	t.Helper()
	_, now, err := answer(r.routing, r.address.Addr(), r.q)
	if err != nil {
		t.Fatal(err)
	}
	r.note(r.address, r.q, now)
}

// give gives the client another list.
func (r *pusherRig) give(revision string, ids ...string) {
	var list []*apiservice.Instance
	for _, id := range ids {
		list = append(list, instance(id, 1, true, false, nil))
	}
	r.routing.lists[r.address.Addr()] = listOf(revision, list...)
}

// pushes looks once, and returns the revisions that have come, with their stamps.
func (r *pusherRig) pushes(t *testing.T) (revisions []string, stamps []int64) {
	t.Helper()
	r.look()
	if err := r.client.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := r.client.ReadFromUDP(buffer)
		if err != nil {
			return revisions, stamps
		}
		revision, stamp := readPush(t, buffer[:n])
		revisions, stamps = append(revisions, revision), append(stamps, stamp)
	}
}

// readPush reads a packet as Java does.
func readPush(t *testing.T, packet []byte) (revision string, stamp int64) {
	t.Helper()
	if bytes.HasPrefix(packet, []byte("\x1f\x8b")) {
		zipped, err := gzip.NewReader(bytes.NewReader(packet))
		if err != nil {
			t.Fatal(err)
		}
		if packet, err = io.ReadAll(zipped); err != nil {
			t.Fatal(err)
		}
	} else if len(packet) > maxPlainPacket {
		t.Errorf("%d bytes are not compressed", len(packet))
	}
	var push struct {
		Type, Data  string
		LastRefTime int64
	}
	var list struct {
		Checksum, Name string
		LastRefTime    int64
	}
	if json.Unmarshal(packet, &push) != nil || json.Unmarshal([]byte(push.Data), &list) != nil || push.Type != "dom" ||
		list.LastRefTime != push.LastRefTime || list.Name != "DEFAULT_GROUP@@s" {
		t.Fatalf("pushed %s", packet)
	}
	return list.Checksum, push.LastRefTime
}

// has compares what has come.
func (r *pusherRig) has(t *testing.T, when string, want ...string) (stamps []int64) {
	t.Helper()
	got, stamps := r.pushes(t)
	if !slices.Equal(got, want) {
		t.Errorf("%s: pushed %v, want %v", when, got, want)
	}
	return stamps
}

// A push comes when the list has changed: once, if the client acknowledges; else a few times.
func TestUDPPush(t *testing.T) {
	r := newPusherRig(t)
	r.give("1", "a")
	r.ask(t)
	r.has(t, "nothing has changed")
	r.give("2", "a", "b")
	first := r.has(t, "the list has changed", "2")
	r.has(t, "at once again")
	r.acknowledge(r.address, first[0]+1)
	r.acknowledge(netip.AddrPortFrom(r.address.Addr(), r.address.Port()^1), first[0])
	r.at = r.at.Add(ackTime + 1)
	second := r.has(t, "no acknowledgement of this came", "2")
	r.acknowledge(r.address, second[0])
	r.at = r.at.Add(ackTime + 1)
	r.has(t, "it is acknowledged")
	if second[0] <= first[0] {
		t.Errorf("stamps %d, %d", first[0], second[0])
	}
	r.give("3", "c")
	r.ask(t)
	r.has(t, "the client has asked itself")
	r.give("3a", "d")
	looked := r.tasks()
	r.ask(t)
	r.push(looked[0])
	r.has(t, "the client has asked after the look")
	r.give("4", strings.Fields(strings.Repeat("long ", 100))...)
	stamps := r.has(t, "a list of some KB", "4")
	r.acknowledge(r.address, stamps[0])
	r.routing.fault = router.ErrNoList
	r.give("5")
	r.has(t, "routing fails")
	r.routing.fault = nil
	r.has(t, "and works again, with an empty list", "5")
}

// A client that acknowledges nothing, and one that asks no more, gets no more pushes.
func TestUDPPushEnds(t *testing.T) {
	r := newPusherRig(t)
	r.give("1", "a")
	r.ask(t)
	r.give("2", "b")
	for n := range maxPushes {
		r.has(t, fmt.Sprint("push ", n), "2")
		r.at = r.at.Add(ackTime + 1)
	}
	r.has(t, "nothing was acknowledged")
	if r.total != 0 || len(r.lists) != 0 || len(r.count) != 0 {
		t.Errorf("%d lists, %v, %v", r.total, r.lists, r.count)
	}
	r.ask(t)
	r.at = r.at.Add(udpLife)
	r.give("3", "c")
	stamps := r.has(t, "asked 90 s ago", "3")
	r.acknowledge(r.address, stamps[0])
	r.at = r.at.Add(1)
	r.give("4", "d")
	r.has(t, "not asked for longer")
	if r.total != 0 {
		t.Errorf("%d lists", r.total)
	}
}

// A list that is too long for a packet is not sent, and not tried again.
func TestLongUDPPush(t *testing.T) {
	r := newPusherRig(t)
	r.give("1", "a")
	r.ask(t)
	ids := make([]string, 20_000)
	for n := range ids {
		ids[n] = fmt.Sprintf("%x", n*2654435761%(1<<40)) // which does not compress well
	}
	r.give("2", ids...)
	r.has(t, "too long")
	r.at = r.at.Add(ackTime + 1)
	r.has(t, "still too long")
	r.give("3", "b")
	r.has(t, "short again", "3")
}

// However many lists a client names, a bounded number is pushed to an address.
func TestUDPPushIsBounded(t *testing.T) {
	r := newPusherRig(t)
	for n := range maxUDPListsOfAddress + 10 {
		r.note(netip.AddrPortFrom(r.address.Addr(), uint16(n)), newQuery("", "", fmt.Sprint(n)), state{})
	}
	if r.total != maxUDPListsOfAddress || r.count[r.address.Addr()] != maxUDPListsOfAddress {
		t.Errorf("%d lists, %d of the address", r.total, r.count[r.address.Addr()])
	}
	r.total = maxUDPLists
	r.note(netip.MustParseAddrPort("10.1.0.1:1"), r.q, state{})
	if r.total != maxUDPLists || len(r.count) != 1 {
		t.Errorf("%d lists of %d addresses", r.total, len(r.count))
	}
}

// The goroutines of the pusher end with it. Acknowledgements come over the network, and what
// is none does nothing.
func TestUDPPusherRuns(t *testing.T) {
	defer verifyNone(t, goleak.IgnoreCurrent())
	r := newPusherRig(t)
	r.give("1", "a")
	r.ask(t)
	r.give("2", "b")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx)
	}()
	buffer := make([]byte, 1<<16)
	n, from, err := r.client.ReadFromUDPAddrPort(buffer)
	if err != nil {
		t.Fatal(err)
	}
	_, stamp := readPush(t, buffer[:n])
	for _, packet := range []string{"", "{", strings.Repeat("x", 5000), `{"type":"push-ack"}`, fmt.Sprintf(`{"type":"push-ack","lastRefTime":"%d","data":""}`, stamp)} {
		if _, err := r.client.WriteToUDPAddrPort([]byte(packet), from); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		acknowledged := r.lists[r.address][r.q].stamp == 0
		r.mu.Unlock()
		if acknowledged {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the acknowledgement was not taken")
		}
	}
	cancel()
	<-ended
}

// Whatever comes, an acknowledgement is a stamp, and what is none is passed over.
func FuzzAck(f *testing.F) {
	f.Add([]byte(`{"type":"push-ack","lastRefTime":"1700000000000","data":""}`))
	f.Add([]byte(`{"type":"push-ack","lastRefTime":1700000000000}`))
	f.Add([]byte(`{"type":"push-ack","lastRefTime":null}`))
	f.Fuzz(func(t *testing.T, packet []byte) {
		stamp, ok := parseAck(packet)
		if ok && (stamp <= 0 || !bytes.Contains(packet, []byte("push-ack")) && !bytes.Contains(packet, []byte(`\u`))) {
			t.Fatalf("%q acknowledges %d", packet, stamp)
		}
	})
}

// Pushes go to the address that has connected: to nobody behind a proxy, and to no address
// that a client names.
func TestUDPPushGoesToPeers(t *testing.T) {
	proxy := netip.MustParseAddr("10.9.0.1")
	for _, c := range []struct {
		name, from, forwarded, query string
		want                         string // where the client waits; "": nowhere
	}{
		{name: "a client", from: "10.1.0.1:700", query: "udpPort=4000&clientIP=10.1.0.2", want: "10.1.0.1:4000"},
		{name: "IPv4 as IPv6", from: "[::ffff:10.1.0.1]:700", query: "udpPort=4000", want: "10.1.0.1:4000"},
		{name: "a client that waits nowhere", from: "10.1.0.1:700", query: "udpPort=0"},
		{name: "a client that does not say", from: "10.1.0.1:700"},
		{name: "a client behind a proxy", from: "10.9.0.1:700", forwarded: "10.1.0.1", query: "udpPort=4000"},
		{name: "a proxy for itself", from: "10.9.0.1:700", query: "udpPort=4000", want: "10.9.0.1:4000"},
		{name: "a client that forges a header", from: "10.1.0.1:700", forwarded: "10.1.0.2", query: "udpPort=4000", want: "10.1.0.1:4000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rig := newPusherRig(t)
			rig.routing.proxy = proxy
			for _, addr := range []string{"10.1.0.1", "10.1.0.2", "10.9.0.1"} {
				rig.routing.lists[netip.MustParseAddr(addr)] = listOf("r")
			}
			h := newTestHandler(rig.routing, nil)
			h.pusher = rig.udpPusher
			var header []string
			if c.forwarded != "" {
				header = []string{"X-Forwarded-For", c.forwarded}
			}
			if status, text := send(h, c.from, "GET", "/nacos/v1/ns/instance/list?serviceName=s&"+c.query, "", "", header...); status != 200 {
				t.Fatal(status, text)
			}
			got := ""
			for client := range rig.lists {
				got += client.String()
			}
			if got != c.want {
				t.Errorf("pushes go to %q, want %q", got, c.want)
			}
		})
	}
}

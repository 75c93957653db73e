package nacos

import (
	"fmt"
	"testing"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hostsOf returns a list with an instance at each address. An address may have a cluster
// behind it: "10.0.0.1/gray".
func hostsOf(revision string, addrs ...string) *apiservice.DiscoverResponse {
	list := listOf(revision)
	for _, addr := range addrs {
		i := instance(addr, 100, true, false, nil)
		host, cluster, ok := cutSlash(addr)
		if ok {
			i.Metadata = map[string]string{nacosmodel.InternalNacosCluster: cluster}
		}
		i.Host = wrapperspb.String(host)
		list.Instances = append(list.Instances, i)
	}
	return list
}

func cutSlash(s string) (before, after string, ok bool) {
	for n := range s {
		if s[n] == '/' {
			return s[:n], s[n+1:], true
		}
	}
	return s, "", false
}

// Each caller has its own list, in answers and in pushes. A push comes when the list of the
// caller changes, and none when the lists of others do.
func TestPushes(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("a1", "10.0.0.1", "10.0.0.2/gray"))
	routing.set("127.2.0.1", "default/s", hostsOf("b1", "10.0.0.9"))
	routing.set("", "default/t", hostsOf("t1", "10.0.0.3"))
	a, b := dial(t, f, "127.1.0.1"), dial(t, f, "127.2.0.1")
	for _, c := range []*testClient{a, b} {
		c.open()
	}
	for _, tt := range []struct{ got, want string }{
		{a.query("s", ""), `DEFAULT_GROUP@@s clusters="" 10.0.0.1 10.0.0.2`},
		{a.query("s", "gray"), `DEFAULT_GROUP@@s clusters="gray" 10.0.0.2`},
		{a.query("s", "DEFAULT"), `DEFAULT_GROUP@@s clusters="DEFAULT" 10.0.0.1`},
		{a.query("none", ""), `DEFAULT_GROUP@@none clusters=""`},
		{a.subscribed("s", ""), `DEFAULT_GROUP@@s clusters="" 10.0.0.1 10.0.0.2`},
		{a.subscribed("s", "gray"), `DEFAULT_GROUP@@s clusters="gray" 10.0.0.2`},
		{a.subscribed("t", ""), `DEFAULT_GROUP@@t clusters="" 10.0.0.3`},
		{b.subscribed("s", ""), `DEFAULT_GROUP@@s clusters="" 10.0.0.9`},
		{b.subscribed("none", ""), `DEFAULT_GROUP@@none clusters=""`},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}

	routing.set("127.2.0.1", "default/s", hostsOf("b2", "10.0.0.8"))
	if got := b.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="" 10.0.0.8` {
		t.Errorf("b's change: %s", got)
	}
	routing.waitLooks(t, 2)
	a.silent()

	routing.set("127.1.0.1", "default/s", hostsOf("a2", "10.0.0.7", "10.0.0.6/gray"))
	got := map[string]bool{a.next(): true, a.next(): true}
	for _, want := range []string{
		`NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="" 10.0.0.7 10.0.0.6`,
		`NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="gray" 10.0.0.6`,
	} {
		if !got[want] {
			t.Errorf("a's change: %v, want %s", got, want)
		}
	}

	routing.set("", "default/none", hostsOf("n1", "10.0.0.5")) // a service that comes
	if got := b.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/none DEFAULT_GROUP@@none clusters="" 10.0.0.5` {
		t.Errorf("a service that comes: %s", got)
	}
	routing.set("127.1.0.1", "default/t", hostsOf("t1", "10.0.0.4")) // a rule that comes
	if got := a.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/t DEFAULT_GROUP@@t clusters="" 10.0.0.4` {
		t.Errorf("a rule that comes: %s", got)
	}
	routing.set("127.1.0.1", "default/t", nil) // a rule that goes
	if got := a.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/t DEFAULT_GROUP@@t clusters="" 10.0.0.3` {
		t.Errorf("a rule that goes: %s", got)
	}

	a.subscribe("s", "", false)
	routing.set("127.1.0.1", "default/s", hostsOf("a3", "10.0.0.1/gray"))
	if got := a.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="gray" 10.0.0.1` {
		t.Errorf("after the end of a subscription: %s", got)
	}
	routing.waitLooks(t, 2)
	a.silent()
	b.silent()
}

// Where routing fails and failOpen is false, a request gets an error, a subscriber keeps what
// it has, and afterwards gets what has changed.
func TestPushesWhileRoutingFails(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("a1", "10.0.0.1"))
	c := dial(t, f, "127.1.0.1")
	c.open()
	c.subscribed("s", "")
	routing.refuse(true)
	routing.set("127.1.0.1", "default/s", hostsOf("a2", "10.0.0.2"))
	const refused = "500 the server gives no list, see its log"
	if got := c.query("s", ""); got != refused {
		t.Errorf("a query: %s", got)
	}
	if got := c.subscribe("s", "gray", true); got != refused {
		t.Errorf("a subscription: %s", got)
	}
	routing.waitLooks(t, 3)
	c.silent()
	routing.refuse(false)
	if got := c.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="" 10.0.0.2` {
		t.Errorf("afterwards: %s", got)
	}
	routing.waitLooks(t, 2)
	c.silent() // the subscription that was refused is none
}

// A client that opens its stream after its subscription, or a new one, gets what it has
// missed.
func TestPushesByNewStream(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("a1", "10.0.0.1"))
	c := dial(t, f, "127.1.0.1")
	c.subscribe("s", "", true)
	routing.set("127.1.0.1", "default/s", hostsOf("a2", "10.0.0.2"))
	routing.waitLooks(t, 2)
	c.open()
	if got := c.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="" 10.0.0.2` {
		t.Errorf("by the first stream: %s", got)
	}
}

// A proxy for HTTP carries the calls of several callers on one connection: nobody gets a list
// of a routed service by it.
func TestSeveralCallersOnOneConnection(t *testing.T) {
	f, _, routing := startFront(t, nil)
	for n := 1; n < 4; n++ {
		routing.set(fmt.Sprintf("10.1.0.%d", n), "default/s", hostsOf("1", "10.0.0.1"))
	}
	routing.set("", "default/t", hostsOf("t1", "10.0.0.3"))
	const several = "500 several callers share this connection: Nacos over gRPC does not work through a proxy for HTTP, expected one that passes TCP"
	const own, stock = `DEFAULT_GROUP@@s clusters="" 10.0.0.1`, `DEFAULT_GROUP@@t clusters="" 10.0.0.3`
	proxy := dial(t, f, "127.9.0.1")
	as := func(caller string) *testClient {
		c := *proxy
		c.header = map[string][]string{}
		if caller != "" {
			c.header.Set("x-forwarded-for", caller)
		}
		return &c
	}
	for _, tt := range []struct{ caller, service, want string }{
		{"10.1.0.1", "s", own},
		{"10.1.0.1", "s", own},
		{"10.1.0.2", "t", stock},
		{"10.1.0.2", "s", several},
		{"10.1.0.1", "s", several},
		{"10.1.0.1", "t", stock},
	} {
		if got := as(tt.caller).query(tt.service, ""); got != tt.want {
			t.Errorf("%s asks for %s: %s, want %s", tt.caller, tt.service, got, tt.want)
		}
	}
	alone := dial(t, f, "127.9.0.1", "x-forwarded-for", "10.1.0.3")
	alone.open()
	if got := alone.subscribed("s", ""); got != own {
		t.Errorf("a proxy with one caller: %s", got)
	}
	routing.set("10.1.0.3", "default/s", hostsOf("2", "10.0.0.2"))
	if got := alone.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/s DEFAULT_GROUP@@s clusters="" 10.0.0.2` {
		t.Errorf("pushed to it: %s", got)
	}
	alone.header.Set("x-forwarded-for", "10.1.0.1")
	alone.query("t", "")
	routing.set("10.1.0.3", "default/s", hostsOf("3", "10.0.0.3"))
	routing.waitLooks(t, 3)
	alone.silent()

	unreadable := dial(t, f, "127.9.0.1", "x-forwarded-for", "who knows")
	if got := unreadable.query("s", ""); got != "500 the server gives no list, see its log" {
		t.Errorf("a header that cannot be read: %s", got)
	}
	if got := unreadable.query("t", ""); got != stock {
		t.Errorf("a header that cannot be read, and no rule: %s", got)
	}
	forger := dial(t, f, "127.5.0.1", "x-forwarded-for", "10.1.0.1")
	if got := forger.query("s", ""); got != `DEFAULT_GROUP@@s clusters=""` {
		t.Errorf("a header of who is not trusted: %s", got)
	}
}

// A client that takes nothing from its stream keeps nobody else waiting. When too much waits
// for it, its connection is ended.
func TestSlowClient(t *testing.T) {
	f, _, routing := startFront(t, nil)
	many := make([]string, 2_000)
	for n := range many {
		many[n] = fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)
	}
	routing.set("", "default/s", hostsOf("0", many...))
	slow, quick := dial(t, f, "127.1.0.1"), dial(t, f, "127.2.0.1")
	quick.open()
	opened, err := nacospb.NewBiRequestStreamClient(slow.conn).RequestBiStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.Send(payload(nacospb.TypeConnectionSetupRequest, "{}"))
	for n := range 20 {
		slow.subscribe("s", fmt.Sprintf("DEFAULT,%d", n), true)
	}
	quick.subscribed("t", "")
	routing.set("", "default/s", hostsOf("1", many...))
	routing.waitLooks(t, 2)
	routing.set("", "default/t", hostsOf("1", "10.0.0.1"))
	if got := quick.next(); got != `NotifySubscriberRequest public/DEFAULT_GROUP/t DEFAULT_GROUP@@t clusters="" 10.0.0.1` {
		t.Errorf("beside a slow client: %s", got)
	}

	var out *stream
	for _, c := range f.connections.list() {
		if s := c.current(); s != nil && c.count() == 20 {
			out = s
		}
	}
	if out == nil {
		t.Fatal("the slow client has no stream")
	}
	sent := 0
	for (stockStream{ctx: out.ctx, out: out}).SendMsg(payload("ConfigChangeNotifyRequest", "{}")) == nil {
		sent++
	}
	if sent > maxWaiting+1 {
		t.Errorf("%d messages wait for a slow client, want at most %d", sent, maxWaiting)
	}
	eventually(t, func() bool { return len(f.connections.list()) == 1 })
}

// 100,000 subscriptions of 100 connections where nothing has changed: what the front adds to a
// look of the router (router.BenchmarkLook).
func BenchmarkConnectionsLook(b *testing.B) {
	stock, _ := newStandIn()
	routing := &liveRouting{}
	s := newConnections(stock, routing)
	for range 100 {
		c := &connection{stock: stock, stream: newStream(b.Context(), func() {})}
		for n := range 1000 {
			if err := c.set(newQuery("", "", fmt.Sprint("service-", n)), state{}); err != nil {
				b.Fatal(err)
			}
		}
		s.all[c] = struct{}{}
	}
	b.ReportAllocs()
	for b.Loop() {
		s.look()
	}
}

package nacos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"google.golang.org/protobuf/types/known/anypb"
)

// requests are whole requests of each type.
var requests = []*nacospb.Payload{
	payload(nacospb.TypeServiceQueryRequest, `{"requestId":"1","namespace":"public","serviceName":"s","groupName":"DEFAULT_GROUP","cluster":"A,B","healthyOnly":true,"udpPort":1}`),
	payload(nacospb.TypeSubscribeServiceRequest, `{"requestId":"1","namespace":"public","serviceName":"s","groupName":"DEFAULT_GROUP","clusters":"A","subscribe":true}`),
	payload(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "s", 80)),
	payload(nacospb.TypeBatchInstanceRequest, `{"requestId":"1","type":"batchRegisterInstance","serviceName":"s","instances":[{"ip":"10.0.0.1","port":80,"weight":1},{"ip":"10.0.0.2","port":81}]}`),
	payload(nacospb.TypeConfigQueryRequest, `{"requestId":"1","dataId":"d","group":"g","tenant":""}`),
	payload(nacospb.TypeServerCheckRequest, `{"requestId":"1"}`),
	payload(nacospb.TypeHealthCheckRequest, `{"requestId":"1"}`),
	payload(nacospb.TypeConnectionSetupRequest, `{"requestId":"1"}`),
	payload(nacospb.TypeNotifySubscriberResponse, `{"requestId":"1","resultCode":200}`),
}

// A request that is cut anywhere, or is no request, gets an answer, and the next one is
// answered as ever.
func TestCutRequests(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("1", "10.0.0.1"))
	c := dial(t, f, "127.1.0.1")
	ask := func(p *nacospb.Payload) *nacospb.Payload {
		t.Helper()
		resp, err := nacospb.NewRequestClient(c.conn).Request(t.Context(), p)
		if err != nil {
			t.Fatalf("%s %q: %v", p.GetMetadata().GetType(), p.GetBody().GetValue(), err)
		}
		return resp
	}
	for _, whole := range requests {
		for n := range whole.Body.Value {
			p := payload(whole.Metadata.Type, string(whole.Body.Value[:n]))
			resp := ask(p)
			if kind := resp.GetMetadata().GetType(); kind != nacospb.TypeErrorResponse && whole.Metadata.Type != nacospb.TypeServerCheckRequest && whole.Metadata.Type != nacospb.TypeHealthCheckRequest {
				t.Errorf("%s %s is answered by %s", whole.Metadata.Type, p.Body.Value, kind)
			}
		}
	}
	for _, p := range []*nacospb.Payload{
		{}, {Metadata: &nacospb.Metadata{}}, {Metadata: &nacospb.Metadata{Type: nacospb.TypeInstanceRequest}}, {Body: &anypb.Any{}},
		payload("NoSuchRequest", "{}"), payload(nacospb.TypeServiceQueryRequest, "null"), payload(nacospb.TypeServiceQueryRequest, "[]"),
		payload(nacospb.TypeBatchInstanceRequest, `{"instances":[null]}`), payload(nacospb.TypeInstanceRequest, `{"instance":null}`),
		payload(nacospb.TypeServiceQueryRequest, `{"serviceName":"`+strings.Repeat("s", longestName)+`"}`),
		payload(nacospb.TypeServiceQueryRequest, `{"serviceName":{"a":`+strings.Repeat("[", 20_000)+`}}`),
		payload(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "panic", 80)),
	} {
		ask(p)
	}
	if got := c.query("s", ""); got != `DEFAULT_GROUP@@s clusters="" 10.0.0.1` {
		t.Errorf("afterwards: %s", got)
	}
	if got := c.query("s", strings.Repeat(",", 900)); got != `DEFAULT_GROUP@@s clusters="`+strings.Repeat(",", 900)+`" 10.0.0.1` {
		t.Errorf("a filter of commas: %s", got)
	}
}

// Errors say what is wrong, and what they quote is plain.
func TestCallErrors(t *testing.T) {
	f, _, _ := startFront(t, nil)
	c := dial(t, f, "127.1.0.1")
	for _, tt := range []struct{ kind, body, want string }{
		{"No\x1b[31mSuch", `{}`, `302 this server has no requests of type "No\x1b[31mSuch"`},
		{nacospb.TypeNotifySubscriberResponse, `{}`, `302 this server has no requests of type "NotifySubscriberResponse"`},
		{nacospb.TypeServiceQueryRequest, `{`, `400 the request cannot be read: unexpected end of JSON input`},
		{nacospb.TypeServiceQueryRequest, `{}`, `400 serviceName is empty, expected the name of a service`},
		{nacospb.TypeSubscribeServiceRequest, `{"serviceName":"` + strings.Repeat("s", 2000) + `"}`, `400 the names of a request have more than 1024 bytes`},
		{nacospb.TypeConfigQueryRequest, `{"dataId":"not found"}`, `300 not found`},
		{nacospb.TypeInstanceRequest, instanceBody("registerInstance", "panic", 80), `500 the server failed, see its log`},
	} {
		if got := answerText(c.call(tt.kind, tt.body)); got != tt.want {
			t.Errorf("%q %.60s: %s, want %s", tt.kind, tt.body, got, tt.want)
		}
	}
	wrapped := fmt.Errorf("wrapped: %w", &nacosmodel.NacosApiError{DetailErrCode: 7, ErrAbstract: "abstract"})
	if got := errorResponse(wrapped); got.GetErrorCode() != 7 || got.GetMessage() != "abstract" {
		t.Errorf("an error of the stock handlers: %+v", got)
	}
	if got := errorResponse(errors.New("secret")); got.GetErrorCode() != 500 || strings.Contains(got.GetMessage(), "secret") {
		t.Errorf("another error: %+v", got)
	}
}

// Nothing that a client says of itself gives it the list of another.
func TestClientNamesAnother(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("1", "10.0.0.1"))
	routing.set("127.2.0.1", "default/s", hostsOf("2", "10.0.0.2"))
	names := []string{"127.1.0.1", "qb.novel.h", "127.1.0.1:8848", "x-forwarded-for"}
	for _, name := range names {
		c := dial(t, f, "127.2.0.1", "x-forwarded-for", name, "x-real-ip", name, "client-ip", name, "client-address", name, "app", name)
		p := payload(nacospb.TypeServiceQueryRequest, fmt.Sprintf(`{"serviceName":"s","clientIp":%[1]q,"ip":%[1]q,"clientIP":%[1]q,"subscriberIp":%[1]q,"labels":{"ip":%[1]q},"headers":{"ip":%[1]q},"set":%[1]q}`, name))
		p.Metadata.ClientIp = name
		p.Metadata.Headers = map[string]string{"x-forwarded-for": name, "client-ip": name, "client-address": name, "ClientIp": name, "app": name, "internal-set-name": name}
		resp, err := nacospb.NewRequestClient(c.conn).Request(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if got := answerText(resp.GetMetadata().GetType(), string(resp.GetBody().GetValue())); got != `DEFAULT_GROUP@@s clusters="" 10.0.0.2` {
			t.Errorf("who says %q: %s", name, got)
		}
	}
}

// A client that subscribes to 100,000 names, and acknowledges nothing, is refused beyond the
// bound.
func TestManySubscriptions(t *testing.T) {
	f, _, _ := startFront(t, nil)
	c := dial(t, f, "127.1.0.1")
	c.call(nacospb.TypeHealthCheckRequest, "{}")
	connection := f.connections.list()[0]
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	refused := 0
	for n := range 100_000 {
		_, err := f.connections.subscribe(&call{connection: connection, caller: netip.MustParseAddr("127.1.0.1")}, &nacospb.SubscribeServiceRequest{
			NamingRequest: nacospb.NewBasicNamingRequest("", "public", fmt.Sprint("name-", n), "DEFAULT_GROUP"), Subscribe: true,
		})
		if err != nil {
			refused++
			if want := "this connection has subscribed to 20000 lists, and can subscribe to no more"; err.Error() != want {
				t.Fatalf("%v, want %s", err, want)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := connection.count(); got != maxSubscriptions || refused != 100_000-maxSubscriptions {
		t.Errorf("%d subscriptions, %d refused", got, refused)
	}
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 20<<20 {
		t.Errorf("%d bytes for %d subscriptions", more, maxSubscriptions)
	} else {
		t.Logf("%d subscriptions: %.1f MB", maxSubscriptions, float64(more)/(1<<20))
	}
	if got := c.subscribe("one-more", "", true); got != "503 this connection has subscribed to 20000 lists, and can subscribe to no more" {
		t.Errorf("one more: %s", got)
	}
	if got := c.subscribe("name-7", "", true); got != `DEFAULT_GROUP@@name-7 clusters=""` {
		t.Errorf("one of them again: %s", got)
	}
	c.subscribe("name-7", "", false)
	if got := c.subscribe("one-more", "", true); got != `DEFAULT_GROUP@@one-more clusters=""` {
		t.Errorf("after the end of one: %s", got)
	}
}

// Clients that connect again and again leave nothing.
func TestReconnectLoop(t *testing.T) {
	f, _, routing := startFront(t, nil)
	routing.set("127.1.0.1", "default/s", hostsOf("1", "10.0.0.1"))
	loop := func(times int) {
		t.Run(fmt.Sprint(times), func(t *testing.T) { loopOf(t, f, times) })
	}
	loop(50)

	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	loop(300)
	eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	f.connections.stock.alive.Range(func(id, _ any) bool {
		t.Errorf("%v counts as alive", id)
		return true
	})
	t.Logf("300 connections leave %.2f MB of heap", (float64(heap())-float64(before))/(1<<20))
}

func loopOf(t *testing.T, f *front, times int) {
	for n := range times {
		c := dial(t, f, "127.1.0.1")
		if n%2 == 0 {
			c.open()
		}
		c.subscribe("s", "", true)
		c.call(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "s", n%1000+1))
		c.close()
	}
	eventually(t, func() bool { return len(f.connections.list()) == 0 && len(f.connections.stock.clients()) == 0 })
}

// What is subscribed to while the connection ends leaves nothing.
func TestSubscribeAfterEnd(t *testing.T) {
	f, _, _ := startFront(t, nil)
	c := dial(t, f, "127.1.0.1")
	c.call(nacospb.TypeHealthCheckRequest, "{}")
	connection := f.connections.list()[0]
	c.close()
	eventually(t, func() bool { return len(f.connections.stock.clients()) == 0 })
	if connection.begin() != nil {
		t.Error("a call begins on a connection that has ended")
	}
	if _, err := f.connections.Request(context.WithValue(t.Context(), connectionKey{}, connection), payload(nacospb.TypeHealthCheckRequest, "{}")); !errors.Is(err, errEnded) {
		t.Errorf("a call: %v", err)
	}
}

// FuzzCall: no message makes a call fail without an answer, and an answer is JSON.
func FuzzCall(f *testing.F) {
	for _, p := range requests {
		f.Add(p.Metadata.Type, p.Body.Value, "accessToken")
	}
	stock, _ := newStandIn()
	routing := &liveRouting{}
	routing.set("127.1.0.1", "default/s", hostsOf("1", "10.0.0.1"))
	connections := newConnections(stock, routing)
	connection := &connection{stock: stock, peer: "127.1.0.1:700", zone: "fuzz"}
	ctx := context.WithValue(context.Background(), connectionKey{}, connection)
	f.Fuzz(func(t *testing.T, kind string, body []byte, header string) {
		p := payload(kind, string(body))
		p.Metadata.Headers = map[string]string{header: string(body)}
		start := time.Now()
		resp, err := connections.Request(ctx, p)
		if err != nil {
			t.Fatalf("%q %q: %v", kind, body, err)
		}
		if !json.Valid(resp.GetBody().GetValue()) || resp.GetMetadata().GetType() == "" {
			t.Errorf("%q %q: %v", kind, body, resp)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q: %s", kind, took)
		}
		if err := connections.received(connection, p); err != nil && kind != nacospb.TypeConnectionSetupRequest {
			t.Errorf("received %q: %v", kind, err)
		}
	})
}

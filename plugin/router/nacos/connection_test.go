package nacos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
)

func instanceBody(kind, service string, port int) string {
	return fmt.Sprintf(`{"requestId":"7","namespace":"public","serviceName":%q,"groupName":"DEFAULT_GROUP","type":%q,"instance":{"ip":"10.0.0.1","port":%d,"weight":1}}`, service, kind, port)
}

// clients returns the clients that the stock handlers know.
func (s *stock) clients() []string {
	var ids []string
	for id := range s.connections.ListConnections() {
		ids = append(ids, id)
	}
	return ids
}

// A connection is a client to the stock handlers from its first call on, and until it ends.
func TestConnectionLife(t *testing.T) {
	f, s, _ := startFront(t, nil)
	silent, err := net.Dial("tcp", f.grpcAddr()) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := dial(t, f, "127.1.0.1")
	c.conn.Connect() // opens a channel, and says nothing
	eventually(t, func() bool { return len(f.connections.list()) == 1 })
	if got := f.connections.stock.clients(); len(got) > 0 {
		t.Errorf("clients before a call: %v", got)
	}

	kind, body := c.call(nacospb.TypeServerCheckRequest, `{"requestId":"9"}`)
	ids := f.connections.stock.clients()
	if len(ids) != 1 || !strings.Contains(body, `"connectionId":"`+ids[0]+`"`) || !strings.Contains(body, `"requestId":"9"`) || kind != "ServerCheckResponse" {
		t.Fatalf("ServerCheck: %s %s, clients %v", kind, body, ids)
	}
	if kind, body := c.call(nacospb.TypeHealthCheckRequest, `{"requestId":"9"}`); kind != "HealthCheckResponse" || !strings.Contains(body, `"success":true`) {
		t.Errorf("HealthCheck: %s %s", kind, body)
	}
	if kind, body := c.call(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "s", 80)); kind != "InstanceResponse" {
		t.Fatalf("a registration: %s %s", kind, body)
	}
	if got := s.calls(); !slices.Equal(got, []string{"registerInstance public/DEFAULT_GROUP/s 10.0.0.1:80 127.1.0.1"}) {
		t.Errorf("calls: %v", got)
	}
	client, _ := f.connections.stock.connections.GetClient(ids[0])
	c.open()
	eventually(t, func() bool { _, ok := client.LoadStream(); return ok })
	if _, ok := f.connections.stock.alive.Load(ids[0]); !ok {
		t.Error("the connection does not count as alive")
	}

	c.close()
	eventually(t, func() bool { return len(f.connections.stock.clients()) == 0 && len(f.connections.list()) == 0 })
	if _, ok := f.connections.stock.alive.Load(ids[0]); ok {
		t.Error("the connection counts as alive after its end")
	}
	if stream, ok := client.LoadStream(); ok && stream.SendMsg(payload("ConfigChangeNotifyRequest", "{}")) == nil {
		t.Error("the stock handlers send to a client that is gone")
	}
}

// A connection ends for the stock handlers when its calls are done: an instance that is
// registered after that would stay for ever.
func TestConnectionEndsAfterItsCalls(t *testing.T) {
	f, s, _ := startFront(t, nil)
	entered, leave := make(chan bool), make(chan bool)
	s.hold = func(*nacospb.Request) { entered <- true; <-leave }
	c := dial(t, f, "127.1.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = nacospb.NewRequestClient(c.conn).Request(ctx, payload(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "s", 80)))
	}()
	select {
	case <-entered:
	case <-time.After(polaristest.Patience):
		t.Fatal("the call does not come")
	}
	cancel()
	c.close()
	eventually(t, func() bool { return len(f.connections.list()) == 0 })
	if got := f.connections.stock.clients(); len(got) != 1 {
		t.Errorf("clients while a call is in work: %v", got)
	}
	leave <- true
	eventually(t, func() bool { return len(f.connections.stock.clients()) == 0 })
}

// When the process stood still, the stock handlers may be forgetting clients. Then the
// connections are ended, and the stock handlers are told nothing twice.
func TestConnectionAfterStandstill(t *testing.T) {
	f, _, _ := startFront(t, nil)
	c := dial(t, f, "127.1.0.1")
	c.call(nacospb.TypeHealthCheckRequest, "{}")
	connection := f.connections.list()[0]
	before := connection.refreshed
	connection.refresh()
	if !connection.refreshed.After(before) {
		t.Error("not refreshed")
	}
	connection.mu.Lock()
	connection.refreshed = time.Now().Add(-refreshLimit - time.Second)
	connection.mu.Unlock()
	connection.refresh()
	eventually(t, func() bool { return len(f.connections.list()) == 0 })
	if got := f.connections.stock.clients(); len(got) != 1 {
		t.Errorf("clients: %v, want one, which the stock handlers forget by themselves", got)
	}
}

// What a client says of itself in the headers of a message reaches the stock handlers no
// further than its token.
func TestStockContext(t *testing.T) {
	f, s, _ := startFront(t, nil)
	c := dial(t, f, "127.1.0.1", "x-forwarded-for", "10.9.9.9", "user-agent", "x")
	p := payload(nacospb.TypeInstanceRequest, instanceBody("registerInstance", "s", 80))
	p.Metadata.ClientIp = "10.9.9.9"
	p.Metadata.Headers = map[string]string{"client-address": "10.9.9.9:1", "accessToken": "secret", "X-Polaris-User": "admin", "operator": "admin"}
	if _, err := nacospb.NewRequestClient(c.conn).Request(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if peer := caller.Peer(s.ctx); peer != netip.MustParseAddr("127.1.0.1") {
		t.Errorf("peer %s", peer)
	}
	for key, want := range map[any]any{
		utils.ContextAuthTokenKey: "secret", utils.StringContext("X-Polaris-User"): nil, utils.StringContext("operator"): nil,
	} {
		if got := s.ctx.Value(key); got != want {
			t.Errorf("%v: %v, want %v", key, got, want)
		}
	}
}

// fakeServer is a server with instances, of which it deletes some.
type fakeServer struct {
	service.DiscoverServer
	owners  map[string]string // of instances, by id
	deleted [][]string
	code    apimodel.Code
}

func (s *fakeServer) instance(id string) (*model.Instance, error) {
	owner, ok := s.owners[id]
	switch {
	case owner == "broken":
		return nil, errors.New("the store is away")
	case !ok:
		return nil, nil
	}
	proto := instance(id, 100, true, false, nil)
	if owner != "" {
		proto.Metadata = map[string]string{nacosmodel.InternalNacosClientConnectionID: owner}
	}
	return &model.Instance{Proto: proto}, nil
}

func (s *fakeServer) DeleteInstances(_ context.Context, instances []*apiservice.Instance) *apiservice.BatchWriteResponse {
	var ids []string
	for _, i := range instances {
		ids = append(ids, i.GetId().GetValue())
		delete(s.owners, i.GetId().GetValue())
	}
	s.deleted = append(s.deleted, ids)
	return api.NewBatchWriteResponse(s.code)
}

// The late end of a connection deletes nothing that another one has registered since.
func TestLateEnd(t *testing.T) {
	server := &fakeServer{code: apimodel.Code_ExecuteSuccess, owners: map[string]string{
		"own": "old_node1", "newer": "new_node1", "elsewhere": "new_node2", "by HTTP": "", "unreadable": "broken",
	}}
	r := &registrations{DiscoverServer: server, node: "_node1", instance: server.instance}
	r.alive.Store("new_node1", nil)
	var all []*apiservice.Instance
	for _, id := range []string{"own", "newer", "elsewhere", "by HTTP", "unreadable", "gone"} {
		all = append(all, &apiservice.Instance{Id: wrapperspb.String(id)})
	}
	if resp := r.DeleteInstances(t.Context(), all); resp.GetCode().GetValue() != uint32(apimodel.Code_ExecuteSuccess) {
		t.Errorf("code %d", resp.GetCode().GetValue())
	}
	if got := fmt.Sprint(server.deleted); got != "[[own]]" {
		t.Errorf("deleted %s, want [[own]]", got)
	}

	many := &fakeServer{code: apimodel.Code_ExecuteException, owners: map[string]string{}}
	r = &registrations{DiscoverServer: many, node: "_node1", instance: many.instance}
	all = nil
	for n := range 250 {
		many.owners[fmt.Sprint(n)] = "old_node1"
		all = append(all, &apiservice.Instance{Id: wrapperspb.String(fmt.Sprint(n))})
	}
	resp := r.DeleteInstances(t.Context(), all)
	if sizes := []int{len(many.deleted[0]), len(many.deleted[1]), len(many.deleted[2])}; !slices.Equal(sizes, []int{100, 100, 50}) || resp.GetCode().GetValue() != uint32(apimodel.Code_ExecuteException) {
		t.Errorf("deleted %v at a time with code %d, want 100 at most, and the code of the server", sizes, resp.GetCode().GetValue())
	}
}

// While the instances of a connection are deleted, nobody registers them, and the other way
// round.
func TestRegistrationsWait(t *testing.T) {
	r := &registrations{DiscoverServer: &fakeServer{}}
	unlock := r.lockFor(&nacospb.InstanceRequest{Instance: nacosmodel.Instance{IP: "10.1.0.1", Port: 80}})
	taken := make(chan bool)
	go func() {
		defer r.lockFor(&nacospb.BatchInstanceRequest{Instances: []*nacosmodel.Instance{{IP: "10.1.0.2", Port: 80}, {IP: "10.1.0.1", Port: 80}}})()
		taken <- true
	}()
	select {
	case <-taken:
		t.Error("two requests register one instance at a time")
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	<-taken
	r.lockFor(nacospb.NewHealthCheckRequest())()
}

// Looks that take long come less often.
func TestNextLook(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: lookInterval, 100 * time.Millisecond: lookInterval, time.Second: 4 * time.Second} {
		if got := nextLook(took); got != want {
			t.Errorf("after %s: %s, want %s", took, got, want)
		}
	}
}

package nacos

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// liveRouting is a routing whose lists change while the front serves. Peers in 127.9.0.0/16
// are trusted proxies.
type liveRouting struct {
	testRouting
	mu       sync.Mutex
	routed   map[string]*apiservice.DiscoverResponse // by "caller service"
	stocks   map[string]*apiservice.DiscoverResponse // by service
	refusing bool                                    // routing fails, and failOpen is false
	looks    int
}

var proxies = location.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.9.0.0/16")}, Header: "x-forwarded-for"}

func (s *liveRouting) set(caller, service string, list *apiservice.DiscoverResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.routed == nil {
		s.routed, s.stocks = map[string]*apiservice.DiscoverResponse{}, map[string]*apiservice.DiscoverResponse{}
	}
	switch {
	case caller == "":
		s.stocks[service] = list
	case list == nil:
		delete(s.routed, caller+" "+service)
	default:
		s.routed[caller+" "+service] = list
	}
}

func (s *liveRouting) refuse(refusing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = refusing
}

func (s *liveRouting) AddressOfCall(peer string, header metadata.MD) netip.Addr {
	addr, _ := location.ParsePeer(peer)
	addr, _ = proxies.Caller(addr, header.Get)
	return addr
}

func (s *liveRouting) CallerOfCall(peer string, header metadata.MD) netip.Addr {
	return s.AddressOfCall(peer, header)
}

func (s *liveRouting) AddressOf(*http.Request) netip.Addr { return netip.Addr{} }

func (s *liveRouting) Routed(caller netip.Addr, service route.Service) (*apiservice.DiscoverResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.routed[caller.String()+" "+service.String()]
	if list == nil && !caller.IsValid() {
		for name := range s.routed {
			if _, routed, _ := cutLast(name); routed == service.String() {
				return nil, router.ErrNoList
			}
		}
	}
	if list != nil && s.refusing {
		return nil, router.ErrNoList
	}
	return list, nil
}

func cutLast(s string) (before, after string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func (s *liveRouting) StockList(service route.Service) *apiservice.DiscoverResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stocks[service.String()]
}

func (s *liveRouting) StockRevision(service route.Service) string {
	return s.StockList(service).GetService().GetRevision().GetValue()
}

func (s *liveRouting) Look() look {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return s
}

// waitLooks waits until n more looks have begun: what a look before them has pushed is on its
// way.
func (s *liveRouting) waitLooks(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.looks
	}
	from := count()
	eventually(t, func() bool { return count() >= from+n })
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(polaristest.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}

// standIn stands for the stock handlers: it notes the instances that are registered.
type standIn struct {
	mu   sync.Mutex
	seen []string
	ctx  context.Context                // of the last call
	hold func(request *nacospb.Request) // is called within calls, if it is there
}

func (s *standIn) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.seen...)
}

func (s *standIn) register(ctx context.Context, request nacospb.BaseRequest, meta nacospb.RequestMeta) (nacospb.BaseResponse, error) {
	m := request.(*nacospb.InstanceRequest)
	s.mu.Lock()
	s.seen, s.ctx = append(s.seen, fmt.Sprintf("%s %s/%s/%s %s:%d %s", m.Type, m.Namespace, m.GroupName, m.ServiceName, m.Instance.IP, m.Instance.Port, meta.ClientIP)), ctx
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		hold(m.Request)
	}
	if m.ServiceName == "panic" {
		panic("a bug")
	}
	return &nacospb.InstanceResponse{Response: success(), Type: m.Type}, nil
}

// newStandIn returns stock handlers, and what notes their calls.
func newStandIn() (*stock, *standIn) {
	s := &standIn{}
	builders := map[string]func() nacospb.CustomerPayload{
		nacospb.TypeInstanceRequest:         func() nacospb.CustomerPayload { return nacospb.NewInstanceRequest() },
		nacospb.TypeBatchInstanceRequest:    func() nacospb.CustomerPayload { return nacospb.NewBatchInstanceRequest() },
		nacospb.TypeServiceQueryRequest:     func() nacospb.CustomerPayload { return nacospb.NewServiceQueryRequest() },
		nacospb.TypeSubscribeServiceRequest: func() nacospb.CustomerPayload { return nacospb.NewSubscribeServiceRequest() },
		nacospb.TypeConfigQueryRequest:      func() nacospb.CustomerPayload { return nacospb.NewConfigQueryRequest() },
	}
	calls := map[string]*remote.RequestHandlerWarrper{}
	for kind, builder := range builders {
		handler := s.register
		switch kind {
		case nacospb.TypeBatchInstanceRequest:
			handler = func(context.Context, nacospb.BaseRequest, nacospb.RequestMeta) (nacospb.BaseResponse, error) {
				return &nacospb.BatchInstanceResponse{Response: success()}, nil
			}
		case nacospb.TypeConfigQueryRequest:
			handler = func(_ context.Context, request nacospb.BaseRequest, _ nacospb.RequestMeta) (nacospb.BaseResponse, error) {
				return nil, &nacosmodel.NacosError{ErrCode: 300, ErrMsg: request.(*nacospb.ConfigQueryRequest).DataId}
			}
		}
		calls[kind] = &remote.RequestHandlerWarrper{Handler: handler, PayloadBuilder: builder}
	}
	calls[nacospb.TypeNotifySubscriberResponse] = &remote.RequestHandlerWarrper{PayloadBuilder: func() nacospb.CustomerPayload { return &nacospb.NotifySubscriberResponse{} }}
	return &stock{http: http.NotFoundHandler(), calls: calls, connections: remote.NewConnectionManager(), registrations: &registrations{node: "test"}}, s
}

// startFront starts a front before stand-ins, which ends with the test and leaves nothing.
func startFront(t testing.TB, option map[string]any, change ...func(*front)) (f *front, s *standIn, routing *liveRouting) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	stock, s := newStandIn()
	routing = &liveRouting{}
	all := map[string]any{"listenIP": "127.0.0.1", "listenPort": polaristest.FreePortPair()}
	for key, value := range option {
		all[key] = value
	}
	f, err := newFront(all, stock, routing)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range change {
		change(f)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.run() }()
	t.Cleanup(func() {
		f.stop()
		if err := <-ended; err != http.ErrServerClosed {
			t.Error(err)
		}
		verifyNone(t, before)
	})
	for range 500 {
		conn, err := net.Dial("tcp", f.grpcAddr())
		if err == nil {
			_ = conn.Close()
			return f, s, routing
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the front does not listen")
	return nil, nil, nil
}

func (f *front) grpcAddr() string { return fmt.Sprintf("127.0.0.1:%d", f.grpc.Port) }
func (f *front) httpAddr() string { return fmt.Sprintf("127.0.0.1:%d", f.http.Port) }

// testClient is a client over gRPC, at an address of its own.
type testClient struct {
	testing.TB
	conn   *grpc.ClientConn
	header metadata.MD
	pushed chan *nacospb.Payload
	cancel context.CancelFunc
}

// dial connects from an address, without a call.
func dial(t testing.TB, f *front, from string, header ...string) *testClient {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := grpc.NewClient("passthrough:///"+f.grpcAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		t.Fatal(err)
	}
	c := &testClient{TB: t, conn: conn, header: metadata.Pairs(header...), pushed: make(chan *nacospb.Payload, 100)}
	t.Cleanup(c.close)
	return c
}

func (c *testClient) close() {
	if c.cancel != nil {
		c.cancel()
	}
	_ = c.conn.Close()
}

func payload(kind, body string) *nacospb.Payload {
	return &nacospb.Payload{Metadata: &nacospb.Metadata{Type: kind}, Body: &anypb.Any{Value: []byte(body)}}
}

// call sends a request and returns the type and body of the answer.
func (c *testClient) call(kind, body string) (string, string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(context.Background(), c.header), polaristest.Patience)
	defer cancel()
	resp, err := nacospb.NewRequestClient(c.conn).Request(ctx, payload(kind, body))
	if err != nil {
		c.Fatalf("%s %s: %v", kind, body, err)
	}
	return resp.GetMetadata().GetType(), string(resp.GetBody().GetValue())
}

// open opens the stream. What comes by it is in c.pushed.
func (c *testClient) open() nacospb.BiRequestStream_RequestBiStreamClient {
	c.Helper()
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(context.Background(), c.header))
	c.cancel = cancel
	stream, err := nacospb.NewBiRequestStreamClient(c.conn).RequestBiStream(ctx)
	if err != nil {
		c.Fatal(err)
	}
	if err := stream.Send(payload(nacospb.TypeConnectionSetupRequest, `{"clientVersion":"test","labels":{"AppName":"a"}}`)); err != nil {
		c.Fatal(err)
	}
	go func() {
		defer close(c.pushed)
		for {
			p, err := stream.Recv()
			if err != nil {
				return
			}
			c.pushed <- p
		}
	}()
	return stream
}

// next returns the next push: its names, clusters and hosts.
func (c *testClient) next() string {
	c.Helper()
	select {
	case p, ok := <-c.pushed:
		if !ok {
			c.Fatal("the stream has ended")
		}
		return pushText(p)
	case <-time.After(polaristest.Patience):
		c.Fatal("nothing is pushed")
	}
	return ""
}

// silent fails if something was pushed.
func (c *testClient) silent() {
	c.Helper()
	select {
	case p, ok := <-c.pushed:
		c.Errorf("pushed %s (%v), want nothing", pushText(p), ok)
	default:
	}
}

func pushText(p *nacospb.Payload) string {
	var m struct {
		Namespace, GroupName, ServiceName string
		ServiceInfo                       nacosmodel.ServiceInfo
	}
	_ = json.Unmarshal(p.GetBody().GetValue(), &m)
	return fmt.Sprintf("%s %s/%s/%s %s", p.GetMetadata().GetType(), m.Namespace, m.GroupName, m.ServiceName, infoText(m.ServiceInfo))
}

func infoText(info nacosmodel.ServiceInfo) string {
	text := fmt.Sprintf("%s@@%s clusters=%q", info.GroupName, info.Name, info.Clusters)
	for _, h := range info.Hosts {
		text += " " + h.IP
	}
	return text
}

// answerText returns the list in an answer, or the error.
func answerText(kind, body string) string {
	var m struct {
		ErrorCode   int
		Message     string
		ServiceInfo nacosmodel.ServiceInfo
	}
	_ = json.Unmarshal([]byte(body), &m)
	if kind == nacospb.TypeErrorResponse {
		return fmt.Sprintf("%d %s", m.ErrorCode, m.Message)
	}
	return infoText(m.ServiceInfo)
}

func (c *testClient) query(service, clusters string) string {
	c.Helper()
	return answerText(c.call(nacospb.TypeServiceQueryRequest, fmt.Sprintf(`{"requestId":"1","serviceName":%q,"cluster":%q}`, service, clusters)))
}

func (c *testClient) subscribe(service, clusters string, begin bool) string {
	c.Helper()
	return answerText(c.call(nacospb.TypeSubscribeServiceRequest,
		fmt.Sprintf(`{"requestId":"1","namespace":"public","serviceName":%q,"groupName":"DEFAULT_GROUP","clusters":%q,"subscribe":%v}`, service, clusters, begin)))
}

// subscribed begins a subscription of a client whose stream is open, and takes the push that
// comes after the answer. It returns the answer.
func (c *testClient) subscribed(service, clusters string) string {
	c.Helper()
	answer := c.subscribe(service, clusters, true)
	if got, want := c.next(), "NotifySubscriberRequest public/DEFAULT_GROUP/"+service+" "+answer; got != want {
		c.Errorf("pushed after the subscription: %s, want %s", got, want)
	}
	return answer
}

// verifyNone fails the test for goroutines that are left, except those of the stock
// handlers, which are made once and have no end, and that of the client that
// TestConnectionAfterStandstill leaves.
func verifyNone(t testing.TB, before goleak.Option) {
	t.Helper()
	options := []goleak.Option{before}
	for _, name := range []string{"(*ConnectionManager).doEject", "(*ConnectionManager).ejectOutdateConnection.func2", "(*InFlights).notifyOutDateInFlight"} {
		options = append(options, goleak.IgnoreAnyFunction("github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote."+name))
	}
	goleak.VerifyNone(t, options...)
}

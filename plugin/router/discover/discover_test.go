package discover

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// naming answers every request with what it was asked with.
type naming struct {
	service.DiscoverServer
	tokens []string
}

func (n *naming) ServiceInstancesCache(ctx context.Context, _ *apiservice.DiscoverFilter, s *apiservice.Service) *apiservice.DiscoverResponse {
	token, _ := ctx.Value(utils.ContextAuthTokenKey).(string)
	n.tokens = append(n.tokens, token)
	return api.NewDiscoverInstanceResponse(apimodel.Code_ExecuteSuccess, s)
}

// conn is a stream that sends requests in order and keeps the answers' codes.
type conn struct {
	grpc.ServerStream
	ctx  context.Context
	next func() (*apiservice.DiscoverRequest, error)
	got  []string
}

func (c *conn) Context() context.Context { return c.ctx }

func (c *conn) Recv() (*apiservice.DiscoverRequest, error) { return c.next() }

func (c *conn) Send(r *apiservice.DiscoverResponse) error {
	c.got = append(c.got, fmt.Sprint(r.Code.GetValue(), "/", int32(r.Type)))
	return nil
}

func request(of int32, token string) *apiservice.DiscoverRequest {
	return &apiservice.DiscoverRequest{
		Type:    apiservice.DiscoverRequest_DiscoverRequestType(of),
		Service: &apiservice.Service{Name: wrapperspb.String("s"), Namespace: wrapperspb.String("default"), Token: wrapperspb.String(token)},
	}
}

func stream(addr string, requests ...*apiservice.DiscoverRequest) *conn {
	ip, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	ctx := peer.NewContext(context.Background(), &peer.Peer{Addr: ip})
	c := &conn{ctx: metadata.NewIncomingContext(ctx, metadata.Pairs("x-polaris-token", "first"))}
	c.next = func() (*apiservice.DiscoverRequest, error) {
		if len(requests) == 0 {
			return nil, io.EOF
		}
		r := requests[0]
		requests = requests[1:]
		return r, nil
	}
	return c
}

func newServer(n *naming) (*server, *[]string) {
	var limited []string
	return &server{
		naming:  n,
		allowed: func(string) bool { return true },
		limit: func(ip, _ string) uint32 {
			limited = append(limited, ip)
			return uint32(apimodel.Code_ExecuteSuccess)
		},
	}, &limited
}

// A token in a message counts from then on; before, that of the stream does.
func TestTokens(t *testing.T) {
	n := &naming{}
	s, limited := newServer(n)
	c := stream("[2001:db8::1]:5000", request(1, ""), request(1, "second"), request(102, ""), request(1, ""))
	if err := s.Discover(c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(n.tokens, " "); got != "first second second" {
		t.Errorf("tokens %q", got)
	}
	if got := strings.Join(c.got, " "); got != "200000/1 200000/1 200000/102 200000/1" {
		t.Errorf("answers %q", got)
	}
	if (*limited)[0] != "2001:db8::1" || len(*limited) != 4 {
		t.Errorf("limits asked for %q, want the IPv6 address each time", *limited)
	}
}

// What is not allowed, or over a limit, is refused before anything is asked, the
// types of newer SDKs included.
func TestChecks(t *testing.T) {
	for name, change := range map[string]func(*server){
		"not open": func(s *server) { s.allowed = func(string) bool { return false } },
		"limited":  func(s *server) { s.limit = func(string, string) uint32 { return uint32(apimodel.Code_IPRateLimit) } },
	} {
		n := &naming{}
		s, _ := newServer(n)
		change(s)
		c := stream("127.0.0.1:5000", request(1, ""), request(102, ""))
		if err := s.Discover(c); err != nil {
			t.Fatal(err)
		}
		if len(n.tokens) != 0 || len(c.got) != 2 || strings.HasPrefix(c.got[0], "200") || strings.HasPrefix(c.got[1], "200") {
			t.Errorf("%s: %q, asked %d times", name, c.got, len(n.tokens))
		}
	}
}

// A request without a service gets an answer of its type, and the stream goes on:
// types of newer SDKs are probes, for which 400004 means that the server does not
// know them.
func TestWithoutService(t *testing.T) {
	s, _ := newServer(&naming{})
	probe := func(kind int32) *apiservice.DiscoverRequest {
		return &apiservice.DiscoverRequest{Type: apiservice.DiscoverRequest_DiscoverRequestType(kind)}
	}
	c := stream("127.0.0.1:5000", probe(100), probe(106), probe(0), probe(2), probe(1), probe(3), probe(4), probe(5), probe(13), request(1, ""))
	if err := s.Discover(c); err != nil {
		t.Fatal(err)
	}
	const want = "400004/100 400004/106 400004/3 400004/3 400002/1 400002/3 400002/4 400002/5 400002/13 200000/1"
	if got := strings.Join(c.got, " "); got != want {
		t.Errorf("answers %s\nwant    %s", got, want)
	}
}

// A long stream keeps nothing of its messages.
func TestLongStreamKeepsNothing(t *testing.T) {
	n := &naming{}
	s, _ := newServer(n)
	s.limit = func(string, string) uint32 { return uint32(apimodel.Code_ExecuteSuccess) }
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const messages = 200_000
	count, before := 0, uint64(0)
	c := stream("127.0.0.1:5000")
	c.next = func() (*apiservice.DiscoverRequest, error) {
		c.got, n.tokens = c.got[:0], n.tokens[:0]
		switch count++; count {
		case 1000:
			before = heap()
		case messages:
			if after := heap(); after > before+messages*8 { // a closure is more
				t.Errorf("%d bytes more after %d messages", after-before, messages)
			}
			return nil, io.EOF
		}
		return request(1, "token"), nil
	}
	if err := s.Discover(c); err != nil {
		t.Fatal(err)
	}
}

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

// naming answers every request for instances, and notes the tokens.
type naming struct {
	service.DiscoverServer
	tokens []string
}

func (n *naming) ServiceInstancesCache(ctx context.Context, _ *apiservice.DiscoverFilter, s *apiservice.Service) *apiservice.DiscoverResponse {
	token, _ := ctx.Value(utils.ContextAuthTokenKey).(string)
	n.tokens = append(n.tokens, token)
	return api.NewDiscoverInstanceResponse(apimodel.Code_ExecuteSuccess, s)
}

// conn is a stream of requests. It notes the code and the type of each answer.
type conn struct {
	grpc.ServerStream
	ctx     context.Context
	next    func() (*apiservice.DiscoverRequest, error)
	answers []string
}

func (c *conn) Context() context.Context { return c.ctx }

func (c *conn) Recv() (*apiservice.DiscoverRequest, error) { return c.next() }

func (c *conn) Send(r *apiservice.DiscoverResponse) error {
	c.answers = append(c.answers, fmt.Sprint(r.Code.GetValue(), "/", int32(r.Type)))
	return nil
}

func request(discoverType int32, token string) *apiservice.DiscoverRequest {
	return &apiservice.DiscoverRequest{
		Type:    apiservice.DiscoverRequest_DiscoverRequestType(discoverType),
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
		naming: n,
		isOpen: func(string) bool { return true },
		limitRate: func(ip, _ string) uint32 {
			limited = append(limited, ip)
			return uint32(apimodel.Code_ExecuteSuccess)
		},
	}, &limited
}

// The token of a stream counts until a message has a token; then that one counts.
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
	if got := strings.Join(c.answers, " "); got != "200000/1 200000/1 200000/102 200000/1" {
		t.Errorf("answers %q", got)
	}
	if (*limited)[0] != "2001:db8::1" || len(*limited) != 4 {
		t.Errorf("limits asked for %q, want the IPv6 address each time", *limited)
	}
}

// A message by a method that is not open, or over a limit, is refused before the
// discovery server is asked. So is a message of a type that newer SDKs ask for.
func TestChecks(t *testing.T) {
	for name, change := range map[string]func(*server){
		"not open": func(s *server) { s.isOpen = func(string) bool { return false } },
		"limited": func(s *server) {
			s.limitRate = func(string, string) uint32 { return uint32(apimodel.Code_IPRateLimit) }
		},
	} {
		n := &naming{}
		s, _ := newServer(n)
		change(s)
		c := stream("127.0.0.1:5000", request(1, ""), request(102, ""))
		if err := s.Discover(c); err != nil {
			t.Fatal(err)
		}
		if len(n.tokens) != 0 || len(c.answers) != 2 || strings.HasPrefix(c.answers[0], "200") || strings.HasPrefix(c.answers[1], "200") {
			t.Errorf("%s: %q, asked %d times", name, c.answers, len(n.tokens))
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
	if got := strings.Join(c.answers, " "); got != want {
		t.Errorf("answers %s\nwant    %s", got, want)
	}
}

// A message with a name that no service can have is refused, without the name, and the
// stream goes on. It counts for the limits.
func TestEndlessNames(t *testing.T) {
	n := &naming{}
	s, limited := newServer(n)
	named := func(namespace, name, revision int) *apiservice.DiscoverRequest {
		text := func(length int) *wrapperspb.StringValue { return wrapperspb.String(strings.Repeat("x", length)) }
		return &apiservice.DiscoverRequest{Type: 1, Service: &apiservice.Service{Namespace: text(namespace), Name: text(name), Revision: text(revision)}}
	}
	c := stream("10.0.0.1:5000", named(100, longestName-100, 0), named(1, longestName, 0), named(longestName, 1, 0), named(1, 1, longestName), named(1, 1, 40))
	if err := s.Discover(c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.answers, " "); got != "200000/1 400103/0 400103/0 400103/0 200000/1" || len(n.tokens) != 2 || len(*limited) != 5 {
		t.Errorf("answers %s, asked %d times, limits asked %d times", got, len(n.tokens), len(*limited))
	}
}

// A long stream keeps nothing of its messages.
func TestLongStreamKeepsNothing(t *testing.T) {
	n := &naming{}
	s, _ := newServer(n)
	s.limitRate = func(string, string) uint32 { return uint32(apimodel.Code_ExecuteSuccess) }
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
		c.answers, n.tokens = c.answers[:0], n.tokens[:0]
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

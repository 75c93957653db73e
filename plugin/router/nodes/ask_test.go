package nodes

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Importing Polaris starts goroutines of its own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// listen accepts connections until the test ends.
// proofsOf returns a verifier of a node at an address.
func proofsOf(token, address string) *verifier {
	return &verifier{token: token, address: func() string { return address }}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serve runs a gRPC server, and returns its address.
func serve(t *testing.T, register func(*grpc.Server), o ...grpc.ServerOption) string {
	t.Helper()
	return serveAt(t, func(s *grpc.Server, _ string) { register(s) }, o...)
}

// serveAt is serve for a server that has to know its address.
func serveAt(t *testing.T, register func(s *grpc.Server, address string), o ...grpc.ServerOption) string {
	t.Helper()
	l, s := listen(t), grpc.NewServer(o...)
	register(s, l.Addr().String())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func tells(change func(*api.Summary)) func(*grpc.Server) {
	return func(s *grpc.Server) {
		register(s, func() api.Summary {
			out := api.Summary{Version: "v1", Now: time.Now(), Files: []api.NodeFiles{{Kind: api.KindRouting, Digest: "0123"}}, Instances: 7}
			change(&out)
			return out
		}, &reloader{}, callerTeller{})
	}
}

// raw is a listener whose peer is anything but gRPC.
func raw(t *testing.T, answer func(net.Conn)) string {
	l := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answer(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// Whatever a peer does, the others are told of it in a bounded text, in time.
func TestHostileNodes(t *testing.T) {
	plain := func(*api.Summary) {}
	for name, tt := range map[string]struct{ address, want string }{
		"good":         {serve(t, tells(plain)), ""},
		"a stock one":  {serve(t, func(*grpc.Server) {}), "does not know the question"},
		"nobody":       {"127.0.0.1:1", "does not answer: connect: connection refused"},
		"no address":   {"unix:///tmp/x:1", "does not answer: "},
		"no name":      {"no such host:1", "does not answer: "},
		"silent":       {raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "does not answer within 2s"},
		"noise":        {raw(t, func(c net.Conn) { _, _ = io.CopyN(c, rand.Reader, 1<<20) }), "does not answer"},
		"too much":     {serve(t, tells(func(s *api.Summary) { s.Version = strings.Repeat("x", maxAnswer) })), "does not answer: grpc: received message larger than max"},
		"a long text":  {serve(t, tells(func(s *api.Summary) { s.Settings = strings.Repeat("x", 101) })), "answers what no node would: a text of 101 bytes is too long"},
		"another kind": {serve(t, tells(func(s *api.Summary) { s.Files[0].Kind = "x" })), "answers what no node would: its files are of unknown kinds"},
		"a kind twice": {serve(t, tells(func(s *api.Summary) { s.Files = append(s.Files, s.Files[0]) })), "answers what no node would: its files are of unknown kinds"},
		"limited": {serve(t, tells(plain), grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
			return &apiservice.Response{Code: wrapperspb.UInt32(403001), Info: wrapperspb.String("server limit the ip access")}, nil
		})), "does not answer: its listener refuses with code 403001, server limit the ip access"},
		"a long refusal": {serve(t, func(*grpc.Server) {}, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(codes.Internal, strings.Repeat("x", 4000))
		})), "does not answer: xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := []api.Node{{Address: "self", Self: true}, {Address: tt.address}}
			start := time.Now()
			askAll(context.Background(), list, false)
			n := list[1]
			if took := time.Since(start); took > patience+5*time.Second { // on a busy machine
				t.Errorf("took %v", took)
			}
			if !strings.HasPrefix(n.Problem, tt.want) || len(n.Problem) > maxProblem || (n.Summary == nil) != (tt.want != "") {
				t.Errorf("problem %q, summary %v, want %q", n.Problem, n.Summary, tt.want)
			}
			if n.Summary != nil && (n.Summary.Instances != 7 || n.AheadSeconds != 0) {
				t.Errorf("%+v", n)
			}
		})
	}
}

func TestClocks(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		list := []api.Node{{Address: serve(t, tells(func(s *api.Summary) { s.Now = s.Now.Add(by) }))}}
		askAll(context.Background(), list, false)
		if off := time.Duration(list[0].AheadSeconds*float64(time.Second)) - by; off.Abs() > patience {
			t.Errorf("%v ahead, want %v", list[0].AheadSeconds, by)
		}
	}
}

// TLS is used where the nodes listen with it, and whoever has which certificate.
func TestTLS(t *testing.T) {
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	t.Cleanup(certificates.Close)
	address := serve(t, tells(func(*api.Summary) {}), grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: certificates.TLS.Certificates})))
	for _, with := range []bool{true, false} {
		list := []api.Node{{Address: address}}
		askAll(context.Background(), list, with)
		if (list[0].Summary != nil) != with {
			t.Errorf("with TLS: %t: %+v", with, list[0])
		}
	}
}

// A bug in the asking is the problem of the node that is asked.
func TestPanicWhileAsking(t *testing.T) {
	list := []api.Node{{Address: "127.0.0.1:1"}}
	askAll(nil, list, false) //nolint:staticcheck
	if list[0].Problem != "panic: cannot create context from nil parent" {
		t.Errorf("%+v", list[0])
	}
}

package faults

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The streams of the test, over half as many connections, and the instances of
// the list that they ask for.
const (
	deafStreams = 20
	largeList   = 2000
)

// Clients that ask on and on for a large list and read no answer, neither of a
// stream nor of the connection, are stopped by flow control: they cost what one
// answer takes each, hold up nobody, also not who asks for the same list or
// changes it, and leave nothing when they go.
func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	server, console := start(t, polaristest.Options{Config: withProfiles(t), Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing,
	}})
	var large []polaristest.Instance
	for n := range largeList {
		large = append(large, instance("novel-large", fmt.Sprintf("10.21.%d.%d", n>>8, n&255), "qb.novel.h"))
	}
	must(t, console.Register(t.Context(), large...))
	must(t, console.Register(t.Context(), novel("novel")...))
	eventually(t, server, shanghai, "novel", "10.11.0.1")
	// Somebody else asks over HTTP, and over gRPC as they do.
	size := func() (int, error) {
		hosts, err := ask(t, server, shanghai, "novel-large")
		if err != nil {
			return 0, err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stream, err := polaristest.Dial(ctx, server.GRPCAddr, shanghai)
		if err != nil {
			return 0, err
		}
		defer stream.Close()
		resp, err := stream.Instances("default", "novel-large", "")
		if err != nil {
			return 0, fmt.Errorf("over gRPC: %w", err)
		}
		if len(resp.Instances) != len(hosts) {
			err = fmt.Errorf("%d instances over gRPC, %d over HTTP", len(resp.Instances), len(hosts))
		}
		return len(hosts), err
	}
	has := func(want int) func() error {
		return func() error {
			n, err := size()
			if err == nil && n != want {
				err = fmt.Errorf("somebody else gets %d instances, want %d", n, want)
			}
			return err
		}
	}
	wait(t, has(largeList))
	before := usage(t, server)
	answers, _ := bystander(t, server)

	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var deaf atomic.Bool
	var sent atomic.Int64
	var sending sync.WaitGroup
	var opened []*polaristest.Conn
	var streams []*polaristest.Stream
	for n := range deafStreams / 2 {
		var options []grpc.DialOption
		if n%2 == 0 { // half of the connections are not read at all, of the others only the streams are not
			options = append(options, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: subnet(shanghai, n).AsSlice()}}
				conn, err := d.DialContext(ctx, "tcp", addr)
				return &unread{conn, &deaf, ctx.Done()}, err
			}))
		}
		conn, err := polaristest.Connect(ctx, server.GRPCAddr, subnet(shanghai, n), options...)
		must(t, err)
		opened = append(opened, conn)
		for range 2 {
			stream, err := conn.Open(ctx)
			must(t, err)
			if _, err := stream.Instances("default", "novel", ""); err != nil { // it works, as yet
				t.Fatal(err)
			}
			streams = append(streams, stream)
		}
	}
	deaf.Store(true)
	for _, stream := range streams {
		sending.Go(func() {
			for stream.Send(apiservice.DiscoverRequest_INSTANCE, "default", "novel-large", "") == nil {
				sent.Add(1)
			}
		})
	}
	stopped(t, &sent)
	during := usage(t, server)
	t.Logf("%d requests of %d streams wait; before %v, now %v", sent.Load(), deafStreams, before, during)
	// An instance takes some 350 bytes, encoded; a stream takes a goroutine, and a
	// connection three.
	if bound := before.heap + deafStreams*2*largeList*400 + 32<<20; during.heap > bound {
		t.Errorf("the heap has %d MB, want %d at most", during.heap>>20, bound>>20)
	}
	if bound := before.goroutines + deafStreams + 3*deafStreams/2 + 15; during.goroutines > bound {
		t.Errorf("%d goroutines, want %d at most", during.goroutines, bound)
	}
	served(t, answers)
	must(t, has(largeList)())
	must(t, console.Register(t.Context(), instance("novel-large", "10.22.0.1", "qb.novel.h")))
	wait(t, has(largeList+1))

	leave()
	for _, conn := range opened {
		must(t, conn.Close())
	}
	sending.Wait()
	wait(t, func() error {
		after := usage(t, server)
		if after.goroutines > before.goroutines+20 || after.heap > before.heap+32<<20 {
			return fmt.Errorf("afterwards %v, before %v", after, before)
		}
		t.Logf("afterwards %v", after)
		return nil
	})
}

// stopped waits until a count stands still for a second.
func stopped(t *testing.T, count *atomic.Int64) {
	t.Helper()
	last, since := int64(0), time.Now()
	wait(t, func() error {
		if n := count.Load(); n != last || n == 0 {
			last, since = n, time.Now()
		}
		if time.Since(since) < time.Second {
			return fmt.Errorf("%d, and more", last)
		}
		return nil
	})
}

// unread is a connection that is not read any more once its client is deaf.
type unread struct {
	net.Conn
	deaf *atomic.Bool
	done <-chan struct{}
}

func (u *unread) Read(p []byte) (int, error) {
	if u.deaf.Load() {
		<-u.done
	}
	return u.Conn.Read(p)
}

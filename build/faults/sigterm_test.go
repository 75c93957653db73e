package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// clients are those of each kind.
const clients = 6

// A server that is stopped under load gives its clients no error that the stock
// server does not give them in the same place, and right answers until then.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	var ours, stock map[string]int
	var both sync.WaitGroup
	both.Go(func() { ours = stopUnderLoad(t, serverBinary(t), groupSize, clients) })
	both.Go(func() { stock = stopUnderLoad(t, stockServer(t), 2*groupSize, clients) })
	both.Wait()
	t.Logf("errors of ours: %v\nof the stock server: %v", ours, stock)
	if len(ours) < 3 || len(stock) < 3 { // each protocol has some
		t.Errorf("the clients met %d and %d kinds of errors", len(ours), len(stock))
	}
	// Some errors are a matter of the moment: the stock server has several tries,
	// with more clients.
	for tries := 0; ; tries++ {
		more := slices.DeleteFunc(slices.Sorted(maps.Keys(ours)), func(text string) bool { return stock[text] > 0 })
		if len(more) == 0 || t.Failed() {
			return
		}
		t.Logf("not yet seen of the stock server: %q", more)
		if tries == 4 {
			t.Error("the stock server does not give all of these errors")
			return
		}
		for text, n := range stopUnderLoad(t, stockServer(t), 2*groupSize, 4*clients) {
			stock[text] += n
		}
	}
}

// stopUnderLoad stops a server while clients ask it over gRPC, HTTP and Eureka,
// and returns the errors that they met, with how often. Before that every answer
// must have so many instances.
func stopUnderLoad(t *testing.T, binary string, want, clients int) map[string]int {
	port := strconv.Itoa(polaristest.FreePort())
	eureka := net.JoinHostPort("127.0.0.1", port)
	server, err := polaristest.Start(t.Context(), polaristest.Options{Binary: binary, Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing,
	}, Config: config(t, "  - name: set-admin", `  - name: service-eureka
    option: {listenIP: 127.0.0.1, listenPort: `+port+`, namespace: default, refreshInterval: 1, deltaExpireInterval: 60}
    api: {eureka: {enable: true}}
  - name: set-admin`)})
	if err != nil {
		t.Error(err)
		return nil
	}
	defer server.Kill()
	console, err := polaristest.Login(t.Context(), server)
	_, own := group("novel", "qb.novel.h", 21)
	_, other := group("novel", "qb.novel.z", 22)
	if err := errors.Join(err, console.Register(t.Context(), own...), console.Register(t.Context(), other...)); err != nil {
		t.Error(err)
		return nil
	}
	l := &load{t: t, want: want, errors: map[string]int{}, ending: make(chan struct{})}
	for n := range clients {
		caller := subnet(shanghai, 2*n)
		l.run("gRPC", func(ctx context.Context) asker { return overGRPC(ctx, server.GRPCAddr, caller) })
		for _, keep := range []bool{true, false} { // the connection for the next request
			l.run("HTTP", func(context.Context) asker { return overHTTP(server.HTTPAddr, caller, keep) })
			l.run("Eureka", func(context.Context) asker { return overEureka(eureka, caller, keep) })
		}
	}
	for !l.warm() && !t.Failed() {
		time.Sleep(pace)
	}
	told := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	t.Logf("the process ended %v after SIGTERM", time.Since(told).Round(10*time.Millisecond))
	if code := server.ExitCode(); code != 0 || !strings.Contains(server.StockLog(), "catch signal") {
		t.Errorf("exit code %d; the stock log: %s", code, server.StockLog())
	}
	close(l.ending)
	l.clients.Wait()
	return l.errors
}

// asker asks once, and returns how many instances it got.
type asker interface {
	ask() (int, error)
	close()
}

// load is the clients of a server.
type load struct {
	t       *testing.T
	want    int
	clients sync.WaitGroup
	ending  chan struct{} // closed when the server has ended
	answers []*atomic.Int64

	mu     sync.Mutex
	errors map[string]int
}

// run starts a client. It asks on and on, and connects again after an error,
// until the server has ended. Errors count from its first right answer on.
func (l *load) run(protocol string, connect func(context.Context) asker) {
	var answers atomic.Int64
	l.answers = append(l.answers, &answers)
	l.clients.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		a := connect(ctx)
		defer func() { a.close() }()
		for begun := time.Now(); ; {
			select {
			case <-l.ending:
				return
			default:
			}
			n, err := a.ask()
			warm := answers.Load() > 0
			switch {
			case err == nil && n == l.want:
				answers.Add(1)
				continue
			case warm && err != nil:
				l.count(protocol, err)
			case warm:
				l.t.Errorf("%s: %d instances, want %d", protocol, n, l.want)
				return
			case time.Since(begun) > time.Minute:
				l.t.Errorf("%s: %d instances, want %d; %v", protocol, n, l.want, err)
				return
			}
			a.close()
			time.Sleep(pace)
			a = connect(ctx)
		}
	})
}

// warm tells whether every client was answered several times.
func (l *load) warm() bool {
	return !slices.ContainsFunc(l.answers, func(n *atomic.Int64) bool { return n.Load() < 10 })
}

func (l *load) count(protocol string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors[protocol+": "+kindOf(err)]++
}

type grpcAsker struct {
	stream *polaristest.Stream
	err    error
}

func overGRPC(ctx context.Context, addr string, caller netip.Addr) asker {
	stream, err := polaristest.Dial(ctx, addr, caller)
	return grpcAsker{stream, err}
}

func (g grpcAsker) ask() (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	resp, err := g.stream.Instances("default", "novel", "")
	if err != nil {
		return 0, err
	}
	if resp.Code.GetValue() != codeOK {
		return 0, fmt.Errorf("code %d, %s", resp.Code.GetValue(), resp.Info.GetValue())
	}
	return len(resp.Instances), nil
}

func (g grpcAsker) close() {
	if g.stream != nil {
		_ = g.stream.Close()
	}
}

type httpAsker struct {
	client  *http.Client
	request func() (*http.Request, error)
	count   func([]byte) (int, error)
}

func newHTTPAsker(caller netip.Addr, keep bool) httpAsker {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: caller.AsSlice()}}
	return httpAsker{client: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: !keep}}}
}

func overHTTP(addr string, caller netip.Addr, keep bool) asker {
	h := newHTTPAsker(caller, keep)
	h.request = func() (*http.Request, error) {
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/v1/Discover", strings.NewReader(`{"type": 1, "service": {"namespace": "default", "name": "novel"}}`))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	}
	h.count = func(body []byte) (int, error) {
		var d polaristest.Discovered
		err := json.Unmarshal(body, &d)
		if err == nil && d.Code != codeOK {
			err = fmt.Errorf("code %d, %s", d.Code, d.Info)
		}
		return len(d.Instances), err
	}
	return h
}

func overEureka(addr string, caller netip.Addr, keep bool) asker {
	h := newHTTPAsker(caller, keep)
	h.request = func() (*http.Request, error) {
		r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/eureka/apps/novel", nil)
		if err == nil {
			r.Header.Set("Accept", "application/json")
		}
		return r, err
	}
	h.count = func(body []byte) (int, error) {
		var apps struct {
			Application struct{ Instance []struct{ IPAddr string } }
		}
		err := json.Unmarshal(body, &apps)
		return len(apps.Application.Instance), err
	}
	return h
}

func (h httpAsker) ask() (int, error) {
	r, err := h.request()
	if err != nil {
		return 0, err
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		err = fmt.Errorf("%w: %w", errInAnswer, err)
	} else if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.100s", resp.Status, body)
	}
	if err != nil {
		return 0, err
	}
	return h.count(body)
}

func (h httpAsker) close() { h.client.CloseIdleConnections() }

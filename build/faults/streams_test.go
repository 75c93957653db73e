package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var onStock = flag.Bool("stock", false, "TestTenThousandStreams with the stock server, for its figures")

// The streams of the test: so many connections, with so many streams each.
const (
	conns          = 200
	streamsPerConn = 50
	groupSize      = 20
)

// group is a SET's hosts of a service, sorted.
func group(service, set string, network byte) (hosts []string, instances []polaristest.Instance) {
	for n := range groupSize {
		host := netip.AddrFrom4([4]byte{10, network, 0, byte(n)}).String()
		hosts, instances = append(hosts, host), append(instances, instance(service, host, set))
	}
	slices.Sort(hosts)
	return hosts, instances
}

// 10,000 streams that are opened at one moment all get their callers' own lists,
// and can ask again, all of them open; somebody else is served meanwhile, and
// when they have gone they leave nothing.
func TestTenThousandStreams(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: withProfiles(t), Binary: map[bool]func(*testing.T) string{false: serverBinary, true: stockServer}[*onStock](t),
		Files: map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing}})
	answers, own := new(atomic.Int64), map[netip.Addr][]string{}
	for caller, of := range map[netip.Addr]struct {
		set     string
		network byte
	}{shanghai: {"qb.novel.h", 21}, shenzhen: {"qb.novel.z", 22}} {
		hosts, instances := group("novel-many", of.set, of.network)
		must(t, console.Register(t.Context(), instances...))
		own[caller] = hosts
	}
	must(t, console.Register(t.Context(), novel("novel")...))
	if *onStock {
		all := slices.Sorted(slices.Values(slices.Concat(own[shanghai], own[shenzhen])))
		own[shanghai], own[shenzhen] = all, all
	} else {
		eventually(t, server, shanghai, "novel", "10.11.0.1")
		answers, _ = bystander(t, server)
		served(t, answers)
	}
	for caller, want := range own {
		eventually(t, server, caller, "novel-many", want...)
	}
	before := usage(t, server)

	var (
		answered, asked sync.WaitGroup
		begin, again    = make(chan struct{}), make(chan struct{})
		failed          = make(chan error, conns*streamsPerConn)
		opened          []*polaristest.Conn
	)
	for n := range conns {
		caller := []netip.Addr{shanghai, shenzhen}[n%2]
		conn, err := polaristest.Connect(t.Context(), server.GRPCAddr, subnet(caller, n))
		must(t, err)
		opened = append(opened, conn)
		for range streamsPerConn {
			answered.Add(1)
			asked.Go(func() {
				first := sync.OnceFunc(answered.Done)
				defer first()
				<-begin
				failed <- converse(t.Context(), conn, own[caller], func() {
					first()
					<-again
				})
			})
		}
	}
	began, others := time.Now(), answers.Load()
	close(begin)
	answered.Wait()
	took := time.Since(began)
	others = answers.Load() - others
	if !*onStock {
		served(t, answers)
	}
	during := usage(t, server)
	close(again)
	asked.Wait()
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range opened {
		must(t, conn.Close())
	}
	if during.goroutines < before.goroutines+conns*streamsPerConn {
		t.Errorf("%d goroutines with all streams open, %d before: they were not open at once", during.goroutines, before.goroutines)
	}
	t.Logf("%d streams over %d connections: all answered after %v, a bystander %d times meanwhile; before %v, with all open %v", conns*streamsPerConn, conns, took, others, before, during)
	wait(t, func() error {
		after := usage(t, server)
		if after.goroutines > before.goroutines+50 || after.heap > before.heap+16<<20 {
			return fmt.Errorf("afterwards %v, before %v", after, before)
		}
		t.Logf("afterwards %v", after)
		return nil
	})
}

// subnet is another address of a caller's network.
func subnet(caller netip.Addr, n int) netip.Addr {
	a := caller.As4()
	a[3] = byte(1 + n/2)
	return netip.AddrFrom4(a)
}

// converse opens a stream, wants a list, and later wants to hear that it is
// unchanged.
func converse(ctx context.Context, conn *polaristest.Conn, want []string, between func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	stream, err := conn.Open(ctx)
	if err != nil {
		return err
	}
	first, err := stream.Instances("default", "novel-many", "")
	if err != nil {
		return err
	}
	if got := sorted(first); first.Code.GetValue() != codeOK || !slices.Equal(got, want) {
		return fmt.Errorf("code %d, %v, want %v", first.Code.GetValue(), got, want)
	}
	between()
	second, err := stream.Instances("default", "novel-many", first.Service.GetRevision().GetValue())
	if err == nil && second.Code.GetValue() != codeUnchanged {
		err = fmt.Errorf("asked again: code %d, %d instances", second.Code.GetValue(), len(second.Instances))
	}
	return err
}

func sorted(resp *apiservice.DiscoverResponse) []string {
	hosts := []string{}
	for _, i := range resp.Instances {
		hosts = append(hosts, i.GetHost().GetValue())
	}
	slices.Sort(hosts)
	return hosts
}

// withProfiles is the configuration with the stock server's own profiles, which
// can ask for a collection of garbage.
func withProfiles(t *testing.T) string {
	return config(t, `option: {listenIP: "{{.IP}}", listenPort: {{.HTTP}}, `, `option: {enablePprof: true, listenIP: "{{.IP}}", listenPort: {{.HTTP}}, `)
}

// used is what a server takes.
type used struct {
	goroutines     int
	heap, resident int // bytes; the heap without garbage
}

func (u used) String() string {
	return fmt.Sprintf("%d goroutines, %d MB heap, %d MB resident", u.goroutines, u.heap>>20, u.resident>>20)
}

func usage(t *testing.T, s *polaristest.Server) used {
	t.Helper()
	profile := fetch(t, "http://"+s.HTTPAddr+"/debug/pprof/heap?gc=1&debug=1")
	_, rest, _ := strings.Cut(profile, "# HeapAlloc = ")
	heap, _, _ := strings.Cut(rest, "\n")
	allocated, err := strconv.Atoi(heap)
	must(t, err)
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	must(t, err)
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		must(t, errors.New("the server has ended"))
	}
	pages, err := strconv.Atoi(fields[1])
	must(t, err)
	return used{int(metric(t, s, "go_goroutines")), allocated, pages * os.Getpagesize()}
}

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang/protobuf/proto"

	"github.com/polaris-contrib/setrouter/internal/polaristest"
)

// side is one of the two servers, with the service registered.
type side struct {
	server  *polaristest.Server
	streams []*polaristest.Stream
	last    []string // the revision that each caller has
}

const service = "big"

func startSide(ctx context.Context, p plan, binary string) (*side, error) {
	var mapping strings.Builder
	mapping.WriteString("version: 1\nmappings:\n")
	for set := range p.sets {
		fmt.Fprintf(&mapping, "  - {match: 127.%d.0.0/16, set: shop.area.g%d}\n", 1+set, set)
	}
	server, err := polaristest.Start(ctx, polaristest.Options{Binary: binary, Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping.String(),
		"conf/routing/routing.yaml": "version: 1\nrules: [{name: big, service: default/" + service + ", set: {}}]\n",
	}})
	if err != nil {
		return nil, err
	}
	s := &side{server: server, last: make([]string, p.callers)}
	console, err := polaristest.Login(ctx, server)
	if err != nil {
		return nil, err
	}
	var list []polaristest.Instance
	for n := range p.instances {
		list = append(list, polaristest.Instance{
			Namespace: "default", Service: service, Host: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String(),
			Port: 8000, Weight: 100, Healthy: true, Metadata: map[string]string{"internal-set-name": fmt.Sprintf("shop.area.g%d", n%p.sets)},
		})
	}
	if err := console.Register(ctx, list...); err != nil {
		return nil, err
	}
	for n := range p.callers {
		stream, err := polaristest.Dial(ctx, server.GRPCAddr, netip.AddrFrom4([4]byte{127, byte(1 + n%p.sets), 0, byte(1 + n/p.sets)}))
		if err != nil {
			return nil, err
		}
		s.streams = append(s.streams, stream)
	}
	return s, s.settle()
}

// settle waits until the server's cache has all instances and stays as it is.
func (s *side) settle() error {
	for unchanged := 0; unchanged < 20; time.Sleep(200 * time.Millisecond) {
		resp, err := s.streams[0].Instances("default", service, s.last[0])
		if err != nil {
			return err
		}
		unchanged++
		if revision := resp.GetService().GetRevision().GetValue(); resp.Code.GetValue() == 200000 && revision != s.last[0] {
			s.last[0], unchanged = revision, 0
		}
	}
	return nil
}

// result is a measurement.
type result struct {
	perSecond, p50, p99, bytes, cpu float64
}

// measure has all callers ask in a loop: with the revision that they have, or
// without one.
func (s *side) measure(ctx context.Context, p plan, changed bool) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.seconds)
	defer cancel()
	cpu, start := s.cpu(), time.Now()
	times, sizes, faults := make([][]time.Duration, p.callers), make([]int, p.callers), make([]error, p.callers)
	var wg sync.WaitGroup
	for n := range p.callers {
		wg.Go(func() { times[n], sizes[n], faults[n] = s.loop(ctx, n, changed) })
	}
	wg.Wait()
	took, used := time.Since(start), s.cpu()-cpu
	all := slices.Concat(times...)
	for _, err := range faults {
		if err != nil {
			return result{}, err
		}
	}
	if len(all) == 0 {
		return result{}, fmt.Errorf("no answer in %s", p.seconds)
	}
	slices.Sort(all)
	slices.Sort(sizes) // 0 for a caller that got no answer in time
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return result{
		perSecond: float64(len(all)) / took.Seconds(), p50: ms(all[len(all)/2]), p99: ms(all[len(all)*99/100]),
		bytes: float64(sizes[len(sizes)-1]), cpu: ms(used) / float64(len(all)),
	}, nil
}

func (s *side) loop(ctx context.Context, n int, changed bool) (times []time.Duration, size int, err error) {
	if s.last[n] == "" || changed {
		resp, err := s.streams[n].Instances("default", service, "")
		if err != nil {
			return nil, 0, err
		}
		s.last[n] = resp.GetService().GetRevision().GetValue()
	}
	for ctx.Err() == nil {
		revision, want := s.last[n], uint32(200001)
		if changed {
			revision, want = "", 200000
		}
		start := time.Now()
		resp, err := s.streams[n].Instances("default", service, revision)
		if err != nil {
			return nil, 0, err
		}
		if code := resp.Code.GetValue(); code != want {
			return nil, 0, fmt.Errorf("code %d, want %d", code, want)
		}
		times = append(times, time.Since(start))
		if size == 0 {
			size = proto.Size(resp)
		}
	}
	return times, size, nil
}

// clockTick is the unit of CPU times in /proc on Linux.
const clockTick = 10 * time.Millisecond

// cpu is the CPU time that the server process has used.
func (s *side) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.server.PID()))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// memory is the resident memory of the server process, in bytes.
func (s *side) memory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.server.PID()))
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * os.Getpagesize()
}

// median takes the median of each figure.
func median(list []result) result {
	of := func(figure func(result) float64) float64 {
		var all []float64
		for _, r := range list {
			all = append(all, figure(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return result{
		of(func(r result) float64 { return r.perSecond }), of(func(r result) float64 { return r.p50 }), of(func(r result) float64 { return r.p99 }),
		of(func(r result) float64 { return r.bytes }), of(func(r result) float64 { return r.cpu }),
	}
}

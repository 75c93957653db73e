package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Two callers of one kind, under rules that differ in the hold-down alone.
var (
	flips = netip.MustParseAddr("127.1.0.8")
	holds = netip.MustParseAddr("127.1.0.9")
)

const flapping = `
version: 1
rules:
  - {name: flips, service: default/*, when: {ip: [127.1.0.8]}, degrade: {unhealthyPercent: 25, holdDown: 0s}, set: {}, nearby: {}}
  - {name: holds-long, service: default/beats, degrade: {unhealthyPercent: 25, holdDown: 1h}, set: {}, nearby: {}}
  - {name: holds, service: default/*, degrade: {unhealthyPercent: 25}, set: {}, nearby: {}}
`

// listsSeen are the lists that a caller got of a service, each that differs
// from the one before.
type listsSeen struct {
	mu    sync.Mutex
	lists []string
	when  []time.Time
}

// see asks a node for a caller, all the time until the test ends.
func see(t *testing.T, n node, caller netip.Addr, service string) *listsSeen {
	s := &listsSeen{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			s.look(ctx, n, caller, service)
			time.Sleep(30 * time.Millisecond)
		}
	}()
	return s
}

func (s *listsSeen) look(ctx context.Context, n node, caller netip.Addr, service string) {
	got, err := polaristest.Discover(ctx, n.HTTPAddr, polaristest.Request{Source: caller, Namespace: "default", Service: service})
	if ctx.Err() != nil {
		return
	}
	list := fmt.Sprint(err, got.Code)
	if err == nil && got.Code == listSent {
		list = strings.Join(hostsOf(got.Instances), " ")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lists) == 0 || s.lists[len(s.lists)-1] != list {
		s.lists, s.when = append(s.lists, list), append(s.when, time.Now())
	}
}

func (s *listsSeen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lists)
}

// comesTo waits for the nth list.
func (s *listsSeen) comesTo(t *testing.T, nth int, list string) {
	t.Helper()
	wait(t, func() error {
		if lists := s.all(); len(lists) < nth || lists[nth-1] != list {
			return fmt.Errorf("lists %q, want %q as number %d", lists, list, nth)
		}
		return nil
	})
}

// is an instance of a test's service, in Shanghai unless its host says so.
func is(service, host, group string) polaristest.Instance {
	i := sets(service, "qb.novel")[0]
	i.Host, i.Metadata["internal-set-name"] = host, "qb.novel."+group
	if strings.HasPrefix(host, "10.12.") {
		i.Location = &polaristest.Location{Region: "east", Zone: "hangzhou", Campus: "hangzhou-1"}
	}
	return i
}

// flapper has services of which one instance flaps at the degrade threshold, so
// that the caller's own SET, or its own zone, is satisfied and not in turn.
type flapper struct {
	n        node
	services []*flappingService
	flaps    int
	quiet    time.Time // since when nothing flaps
}

type flappingService struct {
	name, narrow, wide string
	flaps              polaristest.Instance
	free, held         *listsSeen
}

func startFlapper(t *testing.T, n node) *flapper {
	t.Helper()
	tier := &flappingService{name: "tier", narrow: "10.11.0.1 10.11.0.2", wide: "10.11.0.3", flaps: is("tier", "10.11.0.1", "h")}
	level := &flappingService{name: "level", narrow: "10.11.0.1 10.11.0.2", wide: "10.11.0.1 10.11.0.2 10.12.0.1 10.12.0.2 10.12.0.3", flaps: is("level", "10.11.0.1", "h")}
	done(t, n.Register(t.Context(), tier.flaps, is("tier", "10.11.0.2", "h"), is("tier", "10.11.0.3", "*"),
		level.flaps, is("level", "10.11.0.2", "h"), is("level", "10.12.0.1", "h"), is("level", "10.12.0.2", "h"), is("level", "10.12.0.3", "h")))
	f := &flapper{n: n, services: []*flappingService{tier, level}}
	for _, s := range f.services {
		startsWith(t, n, s.name, s.narrow)
		s.free, s.held = see(t, n, flips, s.name), see(t, n, holds, s.name)
		s.free.comesTo(t, 1, s.narrow)
		s.held.comesTo(t, 1, s.narrow)
	}
	return f
}

// startsWith waits until a node has a service, and nobody was told before.
func startsWith(t *testing.T, n node, service, list string) {
	t.Helper()
	wait(t, func() error {
		s := &listsSeen{}
		if s.look(t.Context(), n, flips, service); s.lists[0] != list {
			return fmt.Errorf("%s has %s of %s, want %s", n.IP, s.lists[0], service, list)
		}
		return nil
	})
}

// flap has each instance fail and come back, and then someone edits the routing
// files.
func (f *flapper) flap(t *testing.T) {
	t.Helper()
	for _, healthy := range []bool{false, true} {
		f.quiet = time.Now()
		for _, s := range f.services {
			s.flaps.Healthy = healthy
			done(t, f.n.Update(t.Context(), s.flaps))
		}
		for _, s := range f.services {
			if healthy {
				s.free.comesTo(t, 2*f.flaps+3, s.narrow)
			} else {
				s.free.comesTo(t, 2*f.flaps+2, s.wide)
				s.held.comesTo(t, 2, s.wide)
			}
		}
	}
	f.flaps++
	done(t, f.n.WriteFile("conf/routing/all.yaml", fmt.Sprintf("%s\n# edit %d", flapping, f.flaps)))
	wait(t, func() error {
		if loads := strings.Count(f.n.Log(), "routing files in force"); loads < f.flaps+1 {
			return fmt.Errorf("%d loads", loads)
		}
		return nil
	})
}

// flapFor goes on for some time.
func (f *flapper) flapFor(t *testing.T, d time.Duration) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < d; {
		f.flap(t)
	}
}

// end waits until the callers with a hold-down are back, and looks at what
// callers got.
func (f *flapper) end(t *testing.T) {
	t.Helper()
	for _, s := range f.services {
		s.held.comesTo(t, 3, s.narrow)
		if after := s.held.when[2].Sub(f.quiet); after < 10*time.Second {
			t.Errorf("%s: narrowed %v after the last flap", s.name, after)
		}
		held, free := len(s.held.all())-1, len(s.free.all())-1
		t.Logf("%s: %d changes of the list with a hold-down, %d without", s.name, held, free)
		if held != 2 {
			t.Errorf("%s: lists with a hold-down: %q", s.name, s.held.lists)
		}
		if free != 2*f.flaps {
			t.Errorf("%s: %d changes without a hold-down, want %d: the test sees nothing", s.name, free, 2*f.flaps)
		}
	}
}

// beat sends an instance's heartbeats to a node, until the test ends.
func beat(t *testing.T, n node, instances ...polaristest.Instance) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	for _, i := range instances {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = n.Beat(ctx, i) // it fails while the node has no Redis
				time.Sleep(500 * time.Millisecond)
			}
		})
	}
}

// looksAt waits until a node has to look after so many instances' health.
func looksAt(t *testing.T, n node, atLeast int) {
	t.Helper()
	wait(t, func() error {
		all := dispatched.FindAllStringSubmatch(n.Output(), -1)
		if len(all) == 0 {
			return fmt.Errorf("%s looks at no instance", n.IP)
		}
		if count, _ := strconv.Atoi(all[len(all)-1][1]); count < atLeast {
			return fmt.Errorf("%s looks at %d instances, want %d", n.IP, count, atLeast)
		}
		return nil
	})
}

var dispatched = regexp.MustCompile(`count (\d+) instances has been dispatched`)

var redisIsAway = regexp.MustCompile(`(?m)^redis_alive_status(\{.*\})? 0$`)

// takesBeats waits until a node takes heartbeats, or does not.
func takesBeats(t *testing.T, n node, i polaristest.Instance, takes bool) {
	t.Helper()
	wait(t, func() error {
		if err := n.Beat(t.Context(), i); takes != (err == nil) {
			return fmt.Errorf("%s takes heartbeats, want %v: %v", n.IP, takes, err)
		}
		return nil
	})
}

// Health flaps at the degrade threshold: by what instances say of themselves, and
// by a heartbeat store that goes away. Without a hold-down the caller's list
// flips as often; with it the list is widened at once, and narrowed once it has
// been quiet that long, whatever is reloaded meanwhile.
//
// Where all nodes lose the heartbeat store, and it comes back empty, health
// stays as it is. Where one does, the instances that report to it and are looked
// at by another one fail.
func TestFlappingHealth(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	o := polaristest.Options{Files: filesWith(flapping), Config: configWith(t,
		"    setrouter: {", "    healthcheck: {outputPaths: [stdout], errorOutputPaths: [stderr], outputLevel: info}\n    setrouter: {")}
	one, two := join(t, c, o), join(t, c, o)
	var own []polaristest.Instance
	var hosts []string
	for i := range 12 {
		own = append(own, is("beats", fmt.Sprintf("10.11.0.%d", 10+i), "h").ByHeartbeat(1))
		hosts = append(hosts, own[i].Host)
	}
	pool := is("beats", "10.11.0.3", "*")
	done(t, one.Register(t.Context(), append(own, pool)...))
	beat(t, two, own...)
	narrow, wide := strings.Join(hosts, " "), pool.Host
	startsWith(t, one, "beats", narrow)
	startsWith(t, two, "beats", narrow)
	free, held, other := see(t, one, flips, "beats"), see(t, one, holds, "beats"), see(t, two, flips, "beats")
	free.comesTo(t, 1, narrow)
	held.comesTo(t, 1, narrow)
	f := startFlapper(t, one)
	looksAt(t, one, 3)
	looksAt(t, two, 1)

	done(t, c.Redis.Kill())
	place, err := c.Join()
	done(t, err)
	o.Binary, o.Dir = programs.Server, t.TempDir()
	why := startsNot(t, place.On(o))
	log, _ := os.ReadFile(filepath.Join(o.Dir, "log", "default.log"))
	if !strings.Contains(why, "exit code 255:") || !strings.Contains(string(log), "HealthChecker plugin init err") {
		t.Errorf("without Redis: %s\n%s", why, log) // by the stock plugin
	}
	takesBeats(t, two, own[0], false)
	wait(t, func() error {
		if !strings.Contains(two.Output(), fmt.Sprintf("redis %s is dead", two.ToRedis.Addr)) || !redisIsAway.MatchString(metrics(t, two)) {
			return errors.New("log and metrics do not say that Redis is away")
		}
		return nil
	})
	f.flapFor(t, 6*time.Second) // instances fail 3 s after their last heartbeat
	done(t, c.Redis.Start())
	takesBeats(t, two, own[0], true)
	f.flapFor(t, 6*time.Second) // the stock server waits 3 s, and looks again
	if len(free.all()) > 1 || len(other.all()) > 1 {
		t.Errorf("lists with the heartbeat store away and back: %q %q", free.all(), other.all())
	}

	two.ToRedis.Cut()
	for _, s := range []*listsSeen{free, held, other} {
		s.comesTo(t, 2, wide)
	}
	two.ToRedis.Mend()
	free.comesTo(t, 3, narrow)
	other.comesTo(t, 3, narrow)
	if lists := held.all(); len(lists) != 2 {
		t.Errorf("lists with a hold-down: %q", lists)
	}
	f.end(t)
}

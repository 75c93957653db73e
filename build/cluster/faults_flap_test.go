package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/polaristest"
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

// Instances flap at the degrade threshold, so that the caller's own SET, and
// its own zone, are satisfied and not in turn. Without a hold-down the caller's
// list flips as often; with the default it is widened once, and narrowed once
// it has been quiet that long, whatever is reloaded meanwhile.
func TestFlappingInstances(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	n := join(t, c, polaristest.Options{Files: filesWith(flapping)})
	type service struct {
		name, narrow, wide string
		flaps              polaristest.Instance
		free, held         *listsSeen
	}
	tier := &service{name: "tier", narrow: "10.11.0.1 10.11.0.2", wide: "10.11.0.3", flaps: is("tier", "10.11.0.1", "h")}
	level := &service{name: "level", narrow: "10.11.0.1 10.11.0.2", wide: "10.11.0.1 10.11.0.2 10.12.0.1 10.12.0.2 10.12.0.3", flaps: is("level", "10.11.0.1", "h")}
	both := []*service{tier, level}
	done(t, n.Register(t.Context(), tier.flaps, is("tier", "10.11.0.2", "h"), is("tier", "10.11.0.3", "*"),
		level.flaps, is("level", "10.11.0.2", "h"), is("level", "10.12.0.1", "h"), is("level", "10.12.0.2", "h"), is("level", "10.12.0.3", "h")))
	for _, s := range both {
		wait(t, func() error {
			s.free = &listsSeen{}
			s.free.look(t.Context(), n, flips, s.name)
			if s.free.lists[0] != s.narrow {
				return fmt.Errorf("%s: %s", s.name, s.free.lists[0])
			}
			return nil
		})
		s.free, s.held = see(t, n, flips, s.name), see(t, n, holds, s.name)
		s.free.comesTo(t, 1, s.narrow)
		s.held.comesTo(t, 1, s.narrow)
	}
	const times = 4
	var quiet time.Time
	for flap := range times {
		for _, healthy := range []bool{false, true} {
			quiet = time.Now()
			for _, s := range both {
				s.flaps.Healthy = healthy
				done(t, n.Update(t.Context(), s.flaps))
			}
			for _, s := range both {
				if healthy {
					s.free.comesTo(t, 2*flap+3, s.narrow)
				} else {
					s.free.comesTo(t, 2*flap+2, s.wide)
					s.held.comesTo(t, 2, s.wide)
				}
			}
		}
		// Someone does something about it: a reload holds on, too.
		done(t, n.WriteFile("conf/routing/all.yaml", fmt.Sprintf("%s\n# edit %d", flapping, flap)))
		wait(t, func() error {
			if loads := strings.Count(n.Log(), "routing files in force"); loads < flap+2 {
				return fmt.Errorf("%d loads", loads)
			}
			return nil
		})
	}
	for _, s := range both {
		s.held.comesTo(t, 3, s.narrow)
		if after := s.held.when[2].Sub(quiet); after < 10*time.Second {
			t.Errorf("%s: narrowed %v after the last flap", s.name, after)
		}
		if n := len(s.held.all()) - 1; n != 2 {
			t.Errorf("%s: %d changes with the hold-down: %q", s.name, n, s.held.lists)
		}
		if n := len(s.free.all()) - 1; n != 2*times {
			t.Errorf("%s: %d changes without, want %d: the test sees nothing", s.name, n, 2*times)
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

// The store of heartbeats goes away and comes back empty: health stays as it
// is. Then it is away for one node only, then back: the instances that
// report to that node and are looked at by the other one flap. With a hold-down
// clients stay with the wider list.
func TestHeartbeatStoreAwayAndFlapping(t *testing.T) {
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
	wait(t, func() error {
		for _, n := range []node{one, two} {
			s := &listsSeen{}
			if s.look(t.Context(), n, flips, "beats"); s.lists[0] != narrow {
				return fmt.Errorf("%s: %s", n.IP, s.lists[0])
			}
		}
		return nil
	})
	free, held, other := see(t, one, flips, "beats"), see(t, one, holds, "beats"), see(t, two, flips, "beats")
	free.comesTo(t, 1, narrow)
	held.comesTo(t, 1, narrow)
	looksAt(t, one, 3)
	looksAt(t, two, 1)

	done(t, c.Redis.Kill())
	takesBeats(t, two, own[0], false)
	time.Sleep(6 * time.Second) // an instance is unhealthy 3 s after its last heartbeat
	done(t, c.Redis.Start())
	takesBeats(t, two, own[0], true)
	time.Sleep(6 * time.Second) // the stock server waits 3 s, and looks again
	if len(free.all()) > 1 || len(other.all()) > 1 {
		t.Errorf("lists with Redis away and back: %q %q", free.all(), other.all())
	}

	for n := 2; n < 4; n++ {
		if n%2 == 0 {
			two.ToRedis.Cut()
			free.comesTo(t, n, wide)
			held.comesTo(t, 2, wide)
			continue
		}
		two.ToRedis.Mend()
		free.comesTo(t, n, narrow)
	}
	if lists := held.all(); len(lists) != 2 {
		t.Errorf("lists with a hold-down: %q", lists)
	}
}

package main

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// caller is a program with one SDK context in it.
type caller struct {
	program *polaristest.Consumers
	roads   []*road
	set     string
}

type callerOptions struct {
	source  netip.Addr            // default shanghai
	servers []*polaristest.Server // default the one of all rows
	dir     string                // default a temporary one
	cut     bool                  // no server can be reached
	held    bool                  // connections wait until the road's hold is unlocked
	set     string                // what the caller says of itself in every call
	routers []string              // default the SDK's
	persist bool                  // keep files on disk, whatever the SDK's default is
	// args are of Spring, for scripts/clients/spring-cloud-tencent.
	args []string
	// located writes the location of shanghai into the configuration of polaris-java,
	// which takes no location from the server.
	located bool
	// zeroProtection is the switch of polaris-java, which takes effect with
	// serverConnectors only.
	zeroProtection bool
	// bindIP is global.api.bindIP. Without it the SDK reports the address of its
	// connection, and that is the relay's, here.
	bindIP bool
}

// caller starts a program that ends with the test, or returns the one that the rows
// share.
func (r *run) caller(t *testing.T, o callerOptions) *caller {
	t.Helper()
	if r.shared != nil {
		return r.shared
	}
	if !o.source.IsValid() {
		o.source = shanghai
	}
	if len(o.servers) == 0 {
		o.servers = []*polaristest.Server{r.server}
	}
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	binary, err := r.program()
	if err != nil {
		t.Fatal(err)
	}
	program, err := polaristest.StartConsumers(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	c := &caller{program: program, set: o.set}
	var addrs []string
	for _, s := range o.servers {
		target := s.GRPCAddr
		if o.cut {
			target = ""
		}
		c.roads = append(c.roads, newRoad(t, o.source, target))
		if o.held {
			c.roads[len(c.roads)-1].hold.Lock()
		}
		addrs = append(addrs, c.roads[len(c.roads)-1].addr)
	}
	add := map[string]any{"add": "c", "servers": addrs, "dir": o.dir, "routers": o.routers, "persist": o.persist, "zeroProtection": o.zeroProtection}
	if o.args != nil {
		add["args"] = o.args
	}
	if o.located {
		add["location"] = atShanghai
	}
	if o.bindIP {
		add["bindIP"] = o.source.String()
	}
	if got := c.do(t, add); got.Error != "" {
		t.Fatal(got.Error)
	}
	return c
}

func (c *caller) do(t *testing.T, command map[string]any) polaristest.Got {
	t.Helper()
	got, err := c.program.Do(command)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// pick asks for the list and then for one instance, many times.
func (c *caller) pick(t *testing.T, service string, times int) polaristest.Got {
	t.Helper()
	return c.do(t, map[string]any{"get": "c", "namespace": "default", "service": service, "times": times, "set": c.set})
}

// isAt waits until the SDK knows its region, zone and campus.
func (c *caller) isAt(t *testing.T, want ...string) {
	t.Helper()
	wait(t, func() error {
		if got := c.do(t, map[string]any{"where": "c"}); !slices.Equal(got.Location, want) {
			return fmt.Errorf("the SDK is at %q, want %q", got.Location, want)
		}
		return nil
	})
}

// watch tells what the SDK told since the last time.
func (c *caller) watch(t *testing.T, service string) polaristest.Got {
	t.Helper()
	return c.do(t, map[string]any{"watch": "c", "namespace": "default", "service": service})
}

// hasNow is nil if the list is exactly this, and each of it can be picked and
// nothing else.
func (c *caller) hasNow(t *testing.T, service string, want ...string) error {
	t.Helper()
	return c.picksNow(t, service, want, want)
}

// has waits until the caller has a list, as the SDK polls every 2 to 4 seconds.
func (c *caller) has(t *testing.T, service string, want ...string) {
	t.Helper()
	wait(t, func() error { return c.hasNow(t, service, want...) })
}

// picks waits until the caller has a list and picks these of it.
func (c *caller) picks(t *testing.T, service string, list, picked []string) {
	t.Helper()
	wait(t, func() error { return c.picksNow(t, service, list, picked) })
}

// manyPicks is enough to see each of a few instances of equal weights.
const manyPicks = 300

func (c *caller) picksNow(t *testing.T, service string, list, picked []string) error {
	t.Helper()
	got := c.pick(t, service, manyPicks)
	if !slices.Equal(hostsOf(got), list) || !slices.Equal(pickedOf(got), picked) {
		return fmt.Errorf("%s: the SDK has %v and picks %v (%s%s), want %v and %v",
			service, hostsOf(got), pickedOf(got), got.Error, got.PickError, list, picked)
	}
	return nil
}

func hostsOf(got polaristest.Got) []string {
	out := []string{}
	for _, i := range got.Instances {
		out = append(out, i.Host)
	}
	slices.Sort(out)
	return out
}

func pickedOf(got polaristest.Got) []string {
	out := []string{}
	for host := range got.Times {
		out = append(out, host)
	}
	slices.Sort(out)
	return out
}

// isolate takes hosts out, or back in.
func (r *run) isolate(t *testing.T, service string, isolate bool, hosts ...string) {
	t.Helper()
	isolateAt(t, r.console, service, isolate, hosts...)
}

func isolateAt(t *testing.T, c *polaristest.Console, service string, isolate bool, hosts ...string) {
	t.Helper()
	for _, host := range hosts {
		if err := c.Isolate(t.Context(), "default", service, host, isolate); err != nil {
			t.Fatal(err)
		}
	}
}

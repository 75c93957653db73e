package main

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// registerGroups registers two instances of Shanghai's group, and one each of
// the other city's, the pool and another business.
func registerGroups(t *testing.T, c *polaristest.Console, service string) {
	t.Helper()
	registerNovel(t, c, service)
	register(t, c, instance(service, "10.11.0.2", "qb.novel.h"))
}

// What Shanghai's callers have of registerGroups.
var (
	ownGroup = []string{"10.11.0.1", "10.11.0.2"}
	thePool  = []string{"10.13.0.1"}
)

func rowDiscovery(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	all := []string{"10.11.0.1", "10.11.0.2", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	for source, want := range map[netip.Addr][]string{shanghai: ownGroup, stranger: all} {
		view := eventually(t, r.server, polaristest.Request{Source: source, Service: service}, want...)
		c := r.caller(t, callerOptions{source: source})
		c.has(t, service, want...)
		got := c.pick(t, service, 1)
		if got.Revision != view.Service.Revision {
			t.Errorf("%s has revision %s, the server %s", source, got.Revision, view.Service.Revision)
		}
		for _, i := range got.Instances {
			at := slices.IndexFunc(view.Instances, func(v polaristest.Instance) bool { return v.Host == i.Host })
			v := view.Instances[at]
			if i.Port != v.Port || i.Weight != int(v.Weight) || i.Healthy != v.Healthy || i.Isolated != v.Isolate || !maps.Equal(i.Metadata, v.Metadata) {
				t.Errorf("%s has %+v, the server sent %+v", source, i, v)
			}
		}
	}
}

func rowChange(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	r.isolate(t, service, true, ownGroup...)
	c.has(t, service, thePool...)
	r.isolate(t, service, false, ownGroup...)
	c.has(t, service, ownGroup...)
}

func rowWatch(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	has := map[string]bool{}
	for _, host := range hostsOf(c.watch(t, service)) {
		has[host] = true
	}
	told := func(want []string) {
		t.Helper()
		var all []polaristest.Event
		wait(t, func() error {
			for _, e := range c.watch(t, service).Events {
				all = append(all, e)
				for _, host := range e.Added {
					has[host] = true
				}
				for _, host := range e.Deleted {
					delete(has, host)
				}
			}
			if got := slices.Sorted(maps.Keys(has)); !slices.Equal(got, want) {
				return errorf("the events %+v add up to %v, want %v", all, got, want)
			}
			return nil
		})
	}
	told(ownGroup)
	r.isolate(t, service, true, ownGroup...)
	told(thePool)
	r.isolate(t, service, false, ownGroup...)
	told(ownGroup)
}

// weighted is what rowWeights registers of the caller's SET.
var weighted = map[string]uint32{"10.11.0.1": 100, "10.11.0.2": 300, "10.11.0.3": 600, "10.11.0.4": 0}

func rowWeights(t *testing.T, r *run) {
	service := r.service("novel")
	other := instance(service, "10.12.0.1", "qb.novel.z")
	other.Weight = 1000
	register(t, r.console, other)
	sum := 0.0
	for host, weight := range weighted {
		i := instance(service, host, "qb.novel.h")
		i.Weight = weight
		register(t, r.console, i)
		sum += float64(weight)
	}
	view := slices.Sorted(maps.Keys(weighted))
	c := r.caller(t, callerOptions{})
	c.picks(t, service, view, view[:3])

	c.follows(t, service, func(host string) float64 { return float64(weighted[host]) / sum })
}

// sharesView are the hosts of registerShares that a caller of qb.novel.h has.
var sharesView = []string{"10.11.0.1", "10.11.0.2", "10.11.0.3", "10.11.0.4", "10.13.0.1", "10.13.0.2"}

// registerShares registers a service of which half of the SET is ill, so that with
// overprovision 140 the pool takes 30%. It returns the share of each usable host.
func registerShares(t *testing.T, c *polaristest.Console, service string) map[string]float64 {
	t.Helper()
	for host, weight := range map[string]uint32{"10.11.0.1": 100, "10.11.0.2": 300, "10.11.0.3": 250, "10.11.0.4": 250} {
		i := instance(service, host, "qb.novel.h")
		i.Weight, i.Healthy = weight, weight != 250
		register(t, c, i)
	}
	register(t, c, instance(service, "10.13.0.1", "qb.novel.*"), instance(service, "10.13.0.2", "qb.novel.*"), instance(service, "10.14.0.1", "ams.SH.1"))
	return map[string]float64{"10.11.0.1": 0.175, "10.11.0.2": 0.525, "10.13.0.1": 0.15, "10.13.0.2": 0.15}
}

// rowShares has half of the SET ill, so that the pool takes 30%.
func rowShares(t *testing.T, r *run) {
	service := r.service("shares")
	shares := registerShares(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.picks(t, service, sharesView, slices.Sorted(maps.Keys(shares)))
	c.follows(t, service, func(host string) float64 { return shares[host] })
}

// follows picks 100,000 times, and compares with the shares that hosts should have.
func (c *caller) follows(t *testing.T, service string, share func(host string) float64) {
	t.Helper()
	const n, once = 100000, 20000
	times := map[string]int{}
	for range n / once {
		got := c.pick(t, service, once)
		for host, picked := range got.Times {
			times[host] += picked
		}
		if got.PickError != "" {
			t.Error(got.PickError)
		}
	}
	checkShares(t, times, n, share)
}

// checkShares compares how often hosts were picked in n picks with their shares. The bound is
// five times the standard deviation, and 0.1% of the picks for shares in whole weights.
func checkShares(t *testing.T, times map[string]int, n float64, share func(host string) float64) {
	t.Helper()
	total := 0
	for host, picked := range times {
		total += picked
		p := share(host)
		if expected, bound := n*p, 5*math.Sqrt(n*p*(1-p))+n/1000; math.Abs(float64(picked)-expected) > bound {
			t.Errorf("%s was picked %d times of %.0f, want %.0f with a deviation up to %.0f", host, picked, n, expected, bound)
		}
	}
	if float64(total) != n {
		t.Errorf("%d picks of %.0f: %v", total, n, times)
	}
}

func rowRecover(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	for host, set := range map[string]string{"10.11.0.1": "qb.novel.h", "10.11.0.2": "qb.novel.h", "10.13.0.1": "qb.novel.*"} {
		i := instance(service, host, set)
		i.Healthy = false
		if err := r.console.Update(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, func() error {
		for _, i := range c.pick(t, service, 1).Instances {
			if i.Healthy {
				return errorf("%s is healthy yet", i.Host)
			}
		}
		return c.hasNow(t, service, ownGroup...)
	})
}

// The SET of the caller gets no instance at all: they move to another.
func rowEmpty(t *testing.T, r *run) {
	service := r.service("own")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	move := func(set string) {
		for _, host := range ownGroup {
			if err := r.console.Update(t.Context(), instance(service, host, set)); err != nil {
				t.Fatal(err)
			}
		}
	}
	move("qb.novel.z")
	wait(t, func() error { return c.hasNow(t, service) })
	move("qb.novel.h")
	c.has(t, service, ownGroup...)
}

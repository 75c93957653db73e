package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// javaRows are the rows of polaris-java in docs/compatibility.md. Most are those of
// polaris-go.
var javaRows = []javaRow{
	{row: row{"own", "`getAllInstances` is the caller's view, `getOneInstance` picks from all of it", alone(rowDiscovery)}},
	{row: row{"change", "The SET's instances are isolated: the pool. They are back: its own again", alone(rowChange)}},
	{row: row{"watch", "`watchService` tells of the change, and its events add up to the new list", alone(rowWatch)}},
	{row: row{"location", "`ReportClient` has the location of the server's mapping, and the SDK **takes no notice**: its nearby router is off (1)", alone(javaLocation)}},
	{row: row{"weights", "Picks follow the weights; an instance of weight 0 is not picked", alone(rowWeights)}},
	{row: row{"shares", "`degrade.overprovision` and half of the SET ill: 100,000 picks follow the shares, 70:30", alone(rowShares)}},
	{row: row{"priorities", "Priorities of instances are not regarded: picks are of all", alone(javaPriorities)}},
	{row: row{"recover", "Every instance of the view is unhealthy: picks go on, within the view", alone(rowRecover)}},
	{row: row{"isolated", "Every instance of the view is isolated: `getAllInstances` has them, `getOneInstance` throws", alone(javaIsolated)}},
	{row: row{"nearby", "The SDK's own nearby router over our list, with its location in `global.location`: agrees at every level", alone(rowNearby)}},
	{row: row{"nearby-later", "`internal-enable-nearby` is set on a service whose list is wider than a zone: the SDK does not narrow it once more", alone(rowNearbyLater)}},
	{row: row{"nearby-unhealthy", "The nearby router, and every instance of the zone is unhealthy: picks leave the zone, as the list says", alone(javaNearbyUnhealthy)}},
	{row: row{"set", "`setRouter` over our list: agrees for the own SET, and **picks nothing of the pool** (2)", alone(javaSet)}},
	{row: row{"wildcard", "The same for a caller with SET `a.b.*`: **picks the pool only**, though the list has every group (2)", alone(javaWildcard)}},
	{row: row{"disk", "A new process starts without a server: `getAllInstances` has the list on disk, **`getOneInstance` throws**. With the server, both follow", alone(javaDisk)}},
	{row: row{"restart", "The server is away: the SDK goes on. It is back: the SDK follows changes", rowRestart}},
	{row: row{"failover", "Two servers, the one in use is killed: the SDK goes on with the other", rowFailover}},
	{row: row{"empty", "An empty view is taken as it is: `getOneInstance` has no instance, and does not throw. Instances that come back are found", alone(javaEmpty)}},
	{row: row{"probe", "The probe without a service is answered at once: no call is slower", alone(javaProbe)}},
	{row: row{"late", "The first answer is later than a second: an empty list, without an exception; later the list", alone(javaLate)}},
	{row: row{"zero-protection", "`zeroProtection` with `serverConnectors`: the view gets empty, and the SDK **goes on with deregistered instances** (3)", alone(javaZeroProtection)}},
	{row: row{"fault", "A fault in routing, `failOpen: false`: the list stays. The fault ends: the list of now", alone(javaFault)}, fault: true},
	{row: row{"fault-first", "A new process under the fault: no instance, and nothing on its disk. The fault ends: the list", alone(javaFirstAsk)}, fault: true},
	{row: row{"fault-disk", "A new process under the fault, with a list on its disk: that list, which also stays on the disk, over a second restart, too. The fault ends: the list of now", alone(javaFaultDisk)}, fault: true},
}

// The SDK asks by ReportClient at once. That its nearby router is off shows a service
// without a rule of ours, still after the SDK has taken a change.
func javaLocation(t *testing.T, r *run) {
	service, all := r.service("stock"), []string{"10.21.0.1", "10.25.1.1", "10.25.2.1"}
	r.setNearby(t, http.MethodPost, service)
	for _, host := range all {
		register(t, r.console, instance(service, host, ""))
	}
	c := r.caller(t, callerOptions{bindIP: true})
	c.has(t, service, all...)
	r.isolate(t, service, true, "10.25.2.1")
	c.picks(t, service, all, all[:2])
	c.isAt(t)
}

func javaPriorities(t *testing.T, r *run) {
	service := r.service("novel")
	first, second := instance(service, "10.11.0.1", "qb.novel.h"), instance(service, "10.11.0.2", "qb.novel.h")
	second.Priority = 1
	register(t, r.console, first, second)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	for _, i := range discover(t, r.server, polaristest.Request{Source: shanghai, Service: service}).Instances {
		if i.Host == second.Host && i.Priority != 1 {
			t.Errorf("the server sent %+v, want priority 1", i)
		}
	}
}

func javaIsolated(t *testing.T, r *run) {
	service := r.service("own")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.has(t, service, ownGroup...)
	r.isolate(t, service, true, ownGroup...)
	c.picks(t, service, ownGroup, []string{})
	c.hasNone(t, service, ownGroup, "INSTANCE_NOT_FOUND")
}

func javaEmpty(t *testing.T, r *run) {
	service := r.service("own")
	own := instance(service, "10.11.0.1", "qb.novel.h")
	register(t, r.console, own, instance(service, "10.12.0.1", "qb.novel.z"))
	c := r.caller(t, callerOptions{})
	c.has(t, service, own.Host)
	if err := r.console.Deregister(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	c.has(t, service)
	c.hasNone(t, service, []string{}, "no instance and no error")
	register(t, r.console, own)
	c.has(t, service, own.Host)
}

// hasNone says that the SDK has a list without a usable instance, and what a choice of
// one instance says.
func (c *caller) hasNone(t *testing.T, service string, list []string, says string) {
	t.Helper()
	got := c.pick(t, service, 1)
	if !slices.Equal(hostsOf(got), list) || got.Error != "" || got.Picked != "" || !strings.Contains(got.PickError, says) {
		t.Errorf("the SDK has %+v, want %v and %q", got, list, says)
	}
}

// The SDK's own nearby router would stay in the zone, as a service without a rule of
// ours shows.
func javaNearbyUnhealthy(t *testing.T, r *run) {
	zone, region := []string{"10.25.1.1", "10.25.2.1"}, "10.23.0.1"
	service, control, all := r.service("near"), r.service("stock"), append([]string{region}, zone...)
	for _, name := range []string{service, control} {
		r.setNearby(t, http.MethodPost, name)
		for _, host := range all {
			i := instance(name, host, "")
			i.Healthy = host == region
			register(t, r.console, i)
		}
	}
	c := r.caller(t, callerOptions{located: true})
	c.picks(t, control, all, zone)
	c.picks(t, service, all, []string{region})
}

// javaSetRouter is the SDK's default chain with its set router in front.
var javaSetRouter = []string{"setRouter", "metadataRouter", "ruleBasedRouter", "nearbyBasedRouter"}

func javaSet(t *testing.T, r *run) {
	service := r.service("novel")
	registerEnabled(t, r, service)
	c := r.caller(t, callerOptions{routers: javaSetRouter, set: "qb.novel.h"})
	c.has(t, service, "10.11.0.1")
	r.isolate(t, service, true, "10.11.0.1")
	c.picks(t, service, thePool, []string{})
}

func javaWildcard(t *testing.T, r *run) {
	service := r.service("novel")
	registerEnabled(t, r, service)
	c := r.caller(t, callerOptions{source: addr("127.3.0.1"), routers: javaSetRouter, set: "qb.novel.*"})
	c.picks(t, service, []string{"10.11.0.1", "10.12.0.1", "10.13.0.1"}, thePool)
}

func javaDisk(t *testing.T, r *run) {
	service, dir := r.service("novel"), t.TempDir()
	registerGroups(t, r.console, service)
	first := r.caller(t, callerOptions{dir: dir})
	first.has(t, service, ownGroup...)
	keptOnDisk(t, dir, service)
	_ = first.program.Close()
	r.isolate(t, service, true, ownGroup...)
	eventually(t, r.server, polaristest.Request{Source: shanghai, Service: service}, thePool...)

	second := r.caller(t, callerOptions{dir: dir, cut: true})
	got := second.pick(t, service, 1)
	// The choice of one has no LANE_RULE, and says so; on a slow machine it may end without a word.
	if !slices.Equal(hostsOf(got), ownGroup) || got.Picked != "" || got.PickError == "" {
		t.Errorf("without a server: %+v, want %v and no choice for want of LANE_RULE", got, ownGroup)
	}
	second.roads[0].move(r.server.GRPCAddr)
	second.has(t, service, thePool...)
	r.isolate(t, service, false, ownGroup...)
	second.has(t, service, ownGroup...)
}

// The SDK waits for a probe that nobody answers at every call for more than a second.
func javaProbe(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{})
	c.hasList(t, service, ownGroup)
	if got := c.pick(t, service, 20); got.Fastest >= 500 || len(got.Times) == 0 {
		t.Errorf("the fastest of 20 picks took %d ms: %+v", got.Fastest, got)
	}
}

func javaLate(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{held: true})
	if got := c.list(t, service); got.Error != "" || len(got.Instances) > 0 {
		t.Errorf("before the first answer: %+v, want an empty list", got)
	}
	c.roads[0].hold.Unlock()
	c.has(t, service, ownGroup...)
}

func javaZeroProtection(t *testing.T, r *run) {
	service := r.service("own")
	own := instance(service, "10.11.0.1", "qb.novel.h")
	register(t, r.console, own, instance(service, "10.12.0.1", "qb.novel.z"))
	with, without := r.caller(t, callerOptions{zeroProtection: true}), r.caller(t, callerOptions{})
	with.has(t, service, own.Host)
	without.has(t, service, own.Host)
	if err := r.console.Deregister(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	without.has(t, service)
	for range 5 {
		if err := with.hasNow(t, service, own.Host); err != nil {
			t.Fatal(err)
		}
	}
	other := instance(service, "10.11.0.2", "qb.novel.h")
	register(t, r.console, other)
	with.has(t, service, other.Host)
}

func javaFault(t *testing.T, r *run) {
	service := r.faultService(t)
	c := r.caller(t, callerOptions{})
	c.hasList(t, service, groupList)
	r.faulty.fault(t, true)
	r.faulty.isolate(t, service, true)
	c.keeps(t, r.faulty, service, groupList)
	r.faulty.fault(t, false)
	c.hasList(t, service, poolList)
}

func javaFirstAsk(t *testing.T, r *run) {
	service, dir := r.faultService(t), t.TempDir()
	r.faulty.fault(t, true)
	c := r.caller(t, callerOptions{dir: dir})
	c.keeps(t, r.faulty, service, []string{})
	if files := onDisk(t, dir, service); len(files) > 0 {
		t.Errorf("on the disk of a client without a list: %v", files)
	}
	r.faulty.fault(t, false)
	c.hasList(t, service, groupList)
}

func javaFaultDisk(t *testing.T, r *run) {
	service, dir := r.faultService(t), t.TempDir()
	c := r.caller(t, callerOptions{dir: dir})
	c.hasList(t, service, groupList)
	before := keptOnDisk(t, dir, service)
	r.faulty.fault(t, true)
	r.faulty.isolate(t, service, true)
	for range 2 {
		_ = c.program.Close()
		c = r.caller(t, callerOptions{dir: dir})
		c.keeps(t, r.faulty, service, groupList)
		if after := keptOnDisk(t, dir, service); after != before {
			t.Errorf("on the disk: %v, before %v", after, before)
		}
	}
	r.faulty.fault(t, false)
	c.hasList(t, service, poolList)
}

// faultService registers a service of the row. The fault ends with the row.
func (r *run) faultService(t *testing.T) string {
	t.Helper()
	t.Cleanup(func() { r.faulty.fault(t, false) })
	service := r.service("novel")
	registerNovel(t, r.console, service)
	return service
}

// list asks for the list and for nothing else.
func (c *caller) list(t *testing.T, service string) polaristest.Got {
	t.Helper()
	return c.do(t, map[string]any{"list": "c", "namespace": "default", "service": service})
}

// hasList waits until the caller has a list, without a choice of one instance.
func (c *caller) hasList(t *testing.T, service string, want []string) {
	t.Helper()
	wait(t, func() error {
		if got := c.list(t, service); got.Error != "" || !slices.Equal(hostsOf(got), want) {
			return errorf("%s: the SDK has %+v, want %v", service, got, want)
		}
		return nil
	})
}

// keeps asks until the server has answered two requests by a fault, and some more,
// for the SDK to take the answer. Each answer is the list, and nothing else.
func (c *caller) keeps(t *testing.T, f *faulty, service string, want []string) {
	t.Helper()
	enough, after := f.faults(t)+2, 0
	wait(t, func() error {
		if got := c.list(t, service); !slices.Equal(hostsOf(got), want) {
			t.Fatalf("under the fault the SDK has %+v, want %v", got, want)
		}
		faults := f.faults(t)
		if faults >= enough {
			after++
		}
		if after < 4 {
			return errorf("%v faults, want %v and then 4 more lists", faults, enough)
		}
		return nil
	})
}

// keptOnDisk waits until polaris-java remembers the instances of a service, and
// returns the files.
func keptOnDisk(t *testing.T, dir, service string) (files string) {
	t.Helper()
	wait(t, func() error {
		if files = strings.Join(onDisk(t, dir, service), "\n"); files == "" {
			return errorf("no list of %s in %s", service, dir)
		}
		return nil
	})
	return files
}

// onDisk returns the files by which polaris-java remembers the instances of a service.
func onDisk(t *testing.T, dir, service string) (files []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*#"+service+"#instance.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Base(name)+": "+string(text))
	}
	return files
}

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func rowLocation(t *testing.T, r *run) {
	r.caller(t, callerOptions{bindIP: true}).isAt(t, atShanghai...)
}

// atShanghai is what the mapping has of Shanghai's callers.
var atShanghai = []string{"east", "shanghai", "shanghai-1"}

// setNearby makes a service (POST) or changes it (PUT) so that SDKs route it by
// nearness.
func (r *run) setNearby(t *testing.T, method, service string) {
	t.Helper()
	body, err := json.Marshal([]map[string]any{{
		"namespace": "default", "name": service, "metadata": map[string]string{"internal-enable-nearby": "true"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.server.HTTPAddr+"/naming/v1/services", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Polaris-Token", r.console.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s of service %s: %s", method, service, resp.Status)
	}
}

// At each level of ours the SDK's router picks from all usable instances of
// the list. That it is at work shows a service without a rule of ours.
func rowNearby(t *testing.T, r *run) {
	zone, region, far := []string{"10.25.1.1", "10.25.2.1"}, "10.23.0.1", "10.21.0.1"
	all := slices.Sorted(slices.Values(append([]string{region, far}, zone...)))
	service, control := r.service("near"), r.service("stock")
	for _, name := range []string{service, control} {
		r.setNearby(t, http.MethodPost, name)
		for _, host := range all {
			register(t, r.console, instance(name, host, ""))
		}
	}
	c := r.caller(t, callerOptions{bindIP: true, located: true})
	c.picks(t, control, all, zone)

	c.picks(t, service, zone, zone)
	r.isolate(t, service, true, zone...)
	c.picks(t, service, slices.Sorted(slices.Values(append([]string{region}, zone...))), []string{region})
	r.isolate(t, service, true, region)
	c.picks(t, service, all, []string{far})
	r.isolate(t, service, false, zone[0])
	c.picks(t, service, zone, zone[:1])
}

// The console's switch for the SDKs' own nearby router does not reach a service
// whose rule has a nearby stage: the SDK would narrow the list once more. That the
// router is at work shows a service without a rule of ours.
func rowNearbyLater(t *testing.T, r *run) {
	service, control := r.service("region"), r.service("stock")
	list, zone := []string{"10.23.0.1", "10.25.1.1", "10.25.2.1"}, []string{"10.25.1.1", "10.25.2.1"}
	all := append([]string{"10.21.0.1"}, list...)
	for _, host := range all {
		register(t, r.console, instance(service, host, ""))
		register(t, r.console, instance(control, host, ""))
	}
	c := r.caller(t, callerOptions{bindIP: true, located: true})
	c.picks(t, service, list, list)
	c.picks(t, control, all, all)
	r.setNearby(t, http.MethodPut, service)
	r.setNearby(t, http.MethodPut, control)
	c.picks(t, control, all, zone)
	c.picks(t, service, list, list)
}

// withSetRouter is the SDK's default chain with its set router in front.
var withSetRouter = []string{"setDivisionRouter", "ruleBasedRouter", "nearbyBasedRouter"}

// That the SDK's router is at work shows a service without a rule of ours.
func rowSet(t *testing.T, r *run) {
	service, control := r.service("novel"), r.service("stock")
	registerGroups(t, r.console, service)
	registerEnabled(t, r, control)
	c := r.caller(t, callerOptions{routers: withSetRouter, set: "qb.novel.h"})
	c.picks(t, control, []string{"10.11.0.1", "10.12.0.1", "10.13.0.1"}, []string{"10.11.0.1"})

	c.has(t, service, ownGroup...)
	r.isolate(t, service, true, ownGroup...)
	c.has(t, service, thePool...)
	r.isolate(t, service, false, ownGroup...)
	c.has(t, service, ownGroup...)
}

func rowSetWildcard(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{source: addr("127.3.0.1"), routers: withSetRouter, set: "qb.novel.*"})
	c.has(t, service, "10.11.0.1", "10.11.0.2", "10.12.0.1", "10.13.0.1")
}

// The SDK looks in the list for its own SET, dead or alive, and only if that is
// not there for the pool. Other groups of the business are of no use to it.
func rowSetSiblings(t *testing.T, r *run) {
	const own, sibling = "10.11.0.1", "10.12.0.1"
	service := r.service("siblings")
	register(t, r.console, instance(service, own, "qb.novel.h"), instance(service, sibling, "qb.novel.z"))
	withRouter := r.caller(t, callerOptions{routers: withSetRouter, set: "qb.novel.h"})
	without := r.caller(t, callerOptions{})
	withRouter.has(t, service, own)
	without.has(t, service, own)
	list := []string{own, sibling} // the tier has the own group, too

	sick := instance(service, own, "qb.novel.h")
	sick.Healthy = false
	if err := r.console.Update(t.Context(), sick); err != nil {
		t.Fatal(err)
	}
	without.picks(t, service, list, []string{sibling})
	withRouter.picks(t, service, list, []string{own})
	r.isolate(t, service, true, own)
	without.picks(t, service, list, []string{sibling})
	wait(t, func() error {
		got := withRouter.pick(t, service, 1)
		if !slices.Equal(hostsOf(got), list) || got.Picked != "" || !strings.Contains(got.PickError, "ErrCodeAPIInstanceNotFound") {
			return errorf("the SDK has %v and picks %q (%s)", hostsOf(got), got.Picked, got.PickError)
		}
		return nil
	})
	r.note = "no (2)"
}

// registerEnabled registers instances as the SDK's set router wants them.
func registerEnabled(t *testing.T, r *run, service string) {
	t.Helper()
	for host, set := range map[string]string{"10.11.0.1": "qb.novel.h", "10.12.0.1": "qb.novel.z", "10.13.0.1": "qb.novel.*"} {
		i := instance(service, host, set)
		i.Metadata["internal-enable-set"] = "Y"
		register(t, r.console, i)
	}
}

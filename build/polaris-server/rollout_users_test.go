package main

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// users is how many hash keys are asked for at each percent.
const users = 10_000

// choices are the hosts that a load balancer chose for each user, twice.
type choices struct{ first, again []string }

// inLane reports whether a host is an instance of the lane.
func inLane(host string) bool { return strings.HasPrefix(host, "10.42.") }

// lane returns the number of users in the lane.
func (c choices) lane() (n int) {
	for _, host := range c.first {
		if inLane(host) {
			n++
		}
	}
	return n
}

// alternating returns the number of users whose two calls went to both sides.
func (c choices) alternating() (n int) {
	for i, host := range c.first {
		if inLane(host) != inLane(c.again[i]) {
			n++
		}
	}
	return n
}

// back returns the number of users in the lane who are not there later.
func (c choices) back(later choices) (n int) {
	for i, host := range c.first {
		if inLane(host) && !inLane(later.first[i]) {
			n++
		}
	}
	return n
}

// holds reports whether the lane has its percent of the users, within four standard
// deviations.
func (c choices) holds(percent int) bool {
	share := float64(percent) / 100
	return math.Abs(float64(c.lane())/users-share) <= 4*math.Sqrt(share*(1-share)/users)
}

// With `rollout.by: weight` and the balancer maglev, calls with the same HashKey stay
// on their side as the percent rises, and the lane has its percent of the users. The
// balancers ringHash and weightedRandom do not do both. docs/rollout.md says so.
func TestUsersStayInTheLane(t *testing.T) {
	rules := func(percent int) string {
		return "version: 1\naddresses:\n  - {service: default/old, target: default/new, set: {callee: epp.core.bj}, rollout: {percent: " +
			strconv.Itoa(percent) + ", by: weight}}\n"
	}
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": rules(0)}})
	register(t, console,
		instance("old", "10.41.0.1", ""), instance("old", "10.41.0.2", ""), instance("old", "10.41.0.3", ""),
		instance("new", "10.42.0.1", "epp.core.bj"), instance("new", "10.42.0.2", "epp.core.bj"))
	old := polaristest.Request{Source: shanghai, Service: "old"}
	eventually(t, server, old, "10.41.0.1", "10.41.0.2", "10.41.0.3")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "new"}, "10.42.0.1", "10.42.0.2")
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sdk.Close() })
	if err := sdk.Add("caller", shanghai, server); err != nil {
		t.Fatal(err)
	}
	percents := []int{1, 10, 50, 100}
	balancers := []string{"maglev", "ringHash", "weightedRandom"}
	all := map[string][]choices{}
	for _, percent := range percents {
		write(t, server, "conf/routing/routing.yaml", rules(percent))
		inForce(t, server, "old", strconv.Itoa(percent))
		wait(t, func() error {
			got, err := sdk.Get("caller", "default", "old")
			if want := discover(t, server, old).Service.Revision; err != nil || got.Revision != want {
				return errorf("at %d%% the SDK has revision %s, the server %s, %v", percent, got.Revision, want, err)
			}
			return nil
		})
		for _, name := range balancers {
			c := choices{chosen(t, sdk, name), chosen(t, sdk, name)}
			t.Logf("%3d%% %-14s %5d of %d users in the lane, %4d alternate", percent, name, c.lane(), users, c.alternating())
			all[name] = append(all[name], c)
		}
	}

	random := 0
	for i, percent := range percents {
		maglev := all["maglev"][i]
		if !maglev.holds(percent) || maglev.alternating() > 0 {
			t.Errorf("maglev at %d%%: %d users in the lane, %d alternate", percent, maglev.lane(), maglev.alternating())
		}
		if i > 0 {
			if n := all["maglev"][i-1].back(maglev); n > 0 {
				t.Errorf("maglev at %d%%: %d users left the lane", percent, n)
			}
		}
		random += all["weightedRandom"][i].alternating()
	}
	if ring := all["ringHash"]; ring[0].holds(percents[0]) && ring[1].holds(percents[1]) {
		t.Error("ringHash holds the percents: docs/rollout.md says that it does not")
	}
	if random == 0 {
		t.Error("no user alternates with weightedRandom: docs/rollout.md says that they do")
	}
}

// chosen returns the hosts that a load balancer of the SDK chooses for each user.
func chosen(t *testing.T, sdk *polaristest.Consumers, balancer string) []string {
	t.Helper()
	got, err := sdk.Do(map[string]any{"get": "caller", "namespace": "default", "service": "old", "balancer": balancer, "keys": users})
	if err != nil || got.PickError != "" || len(got.ByKey) != users {
		t.Fatalf("%s: %d choices, %q, %v", balancer, len(got.ByKey), got.PickError, err)
	}
	return got.ByKey
}

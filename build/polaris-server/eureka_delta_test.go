package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// deltaClient does with /apps/delta what the Java client does: it applies the
// delta, and where its own hashcode is another one it fetches all.
type deltaClient struct {
	*asker
	url  string
	apps map[string]map[string]string // status by application and host
	full int                          // fetches of all
}

func (c *deltaClient) poll() {
	c.t.Helper()
	if c.apps == nil {
		c.fetch("")
	} else if theirs, own := c.fetch("/delta"), c.hashcode(); theirs != own {
		c.fetch("")
	}
}

// pollUntilKnown polls until the server knows what all clients have, and counts from there
// on.
func pollUntilKnown(t *testing.T, clients ...*deltaClient) {
	t.Helper()
	wait(t, func() (err error) {
		for _, c := range clients {
			c.full = 0
			if c.poll(); c.full > 0 {
				err = errorf("a client is told to fetch all")
			}
		}
		return err
	})
}

func (c *deltaClient) fetch(path string) (hashcode string) {
	c.t.Helper()
	var all struct {
		Applications struct {
			Hashcode    string `json:"apps__hashcode"`
			Application []struct {
				Name     string
				Instance []struct{ IPAddr, Status, ActionType string }
			}
		}
	}
	body := c.ask("GET", c.url+"/apps"+path, "Accept", "application/json").body
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		c.t.Fatal(err)
	}
	if path == "" {
		c.apps = map[string]map[string]string{}
		c.full++
	}
	for _, app := range all.Applications.Application {
		if c.apps[app.Name] == nil {
			c.apps[app.Name] = map[string]string{}
		}
		for _, i := range app.Instance {
			c.apps[app.Name][i.IPAddr] = i.Status
			if path != "" && i.ActionType == "DELETED" {
				delete(c.apps[app.Name], i.IPAddr)
			}
		}
	}
	return all.Applications.Hashcode
}

func (c *deltaClient) hashcode() string {
	counts := map[string]int{}
	for _, app := range c.apps {
		for _, status := range app {
			counts[status]++
		}
	}
	var b strings.Builder
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s_%d_", status, counts[status])
	}
	return b.String()
}

// Clients of deltas end with their lists, also when only a rule changes and the counts in
// the hashcode stay. They fetch all in their first interval only: one that the rule is for,
// and one that it is not for.
func TestEurekaDelta(t *testing.T) {
	t.Parallel()
	config, addr := withEureka(polaristest.Config(), "127.0.0.1", 1)
	server, console := start(t, polaristest.Options{Config: strings.Replace(config, "deltaExpireInterval: 60", "deltaExpireInterval: 15", 1)})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	routed := &deltaClient{asker: askerAt(t, shanghai), url: "http://" + addr + "/eureka"}
	other := &deltaClient{asker: askerAt(t, stranger), url: "http://" + addr + "/eureka/v2"}
	follow := func(c *deltaClient, want ...string) {
		t.Helper()
		wait(t, func() error {
			routed.poll()
			other.poll()
			if got := slices.Sorted(maps.Keys(c.apps["NOVEL"])); !slices.Equal(got, want) {
				return fmt.Errorf("a client of deltas has %v, want %v", got, want)
			}
			return nil
		})
	}
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	follow(other, all...)
	follow(routed, "10.11.0.1")
	pollUntilKnown(t, routed, other)
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1))
	follow(routed, "10.13.0.1")
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {}, rollout: {percent: 0}", 1))
	follow(routed, all...)
	write(t, server, "conf/routing/routing.yaml", routing)
	follow(routed, "10.11.0.1")
	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: qb.novel.z", 1))
	follow(routed, "10.12.0.1")
	register(t, console, instance("novel", "10.15.0.1", "qb.novel.h"))
	follow(other, append(all, "10.15.0.1")...)
	if routed.full != 0 || other.full != 0 {
		t.Errorf("after the first interval a caller with a rule fetched all %d times, one without %d times", routed.full, other.full)
	}
}

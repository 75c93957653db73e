package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A client that starts may have nothing at first. For an interval it is told to fetch all.
func eurekaOwn(t *testing.T, town *eurekaTown) []string {
	for _, c := range town.clients {
		c.has(t, groupList, time.Time{})
		c.isKnown(t, town.addr)
	}
	for _, c := range town.clients {
		c.first = c.relay.full.Load()
	}
	return town.all("yes")
}

// isKnown waits until the server knows what the client's address has, by a delta for that
// address.
func (c *eurekaClient) isKnown(t *testing.T, addr string) {
	t.Helper()
	beside := askerAt(t, c.source)
	wait(t, func() error {
		delta := beside.ask("GET", "http://"+addr+"/eureka/apps/delta", "Accept", "application/json").body
		if strings.Contains(delta, "ROUTED_") {
			return errorf("%s is told to fetch all", c)
		}
		return nil
	})
}

func eurekaPool(t *testing.T, town *eurekaTown) []string {
	return town.get(t, poolList, func() time.Time { return town.isolated(t, true, groupList...) })
}

func eurekaRecovery(t *testing.T, town *eurekaTown) []string {
	return town.get(t, groupList, func() time.Time { return town.isolated(t, false, groupList...) })
}

// Each client polls several times while the other SET has another list.
func eurekaSilent(t *testing.T, town *eurekaTown) []string {
	for _, isolate := range []bool{true, false} {
		before := make([]int64, len(town.clients))
		town.isolated(t, isolate, "10.12.0.1")
		want := "10.12.0.1"
		if isolate {
			want = poolList[0]
		}
		eventually(t, town.server, polaristest.Request{Source: shenzhen, Service: "novel"}, want)
		for n, c := range town.clients {
			before[n] = c.polls()
		}
		for n, c := range town.clients {
			wait(t, func() error {
				if polls := c.polls(); polls < before[n]+2 {
					return errorf("%s: %d polls, want %d", c, polls, before[n]+2)
				}
				return nil
			})
		}
	}
	town.get(t, groupList, time.Now)
	return town.all("yes")
}

func (c *eurekaClient) polls() int64 { return c.relay.full.Load() + c.relay.deltas.Load() }

func eurekaMapping(t *testing.T, town *eurekaTown) []string {
	mapped := func(text string) func() time.Time {
		return func() time.Time {
			before := time.Now()
			write(t, town.server, "conf/mapping/mapping.yaml", text)
			return before
		}
	}
	cells := town.get(t, []string{"10.14.0.1"}, mapped(strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1)))
	town.get(t, groupList, mapped(mapping))
	return cells
}

// eurekaLast is what a caller in Shanghai can have: the pool and its own SET.
var eurekaLast = []polaristest.Instance{instance("novel", poolList[0], "qb.novel.*"), instance("novel", groupList[0], "qb.novel.h")}

func eurekaEmpty(t *testing.T, town *eurekaTown) []string {
	return town.get(t, []string{}, func() time.Time {
		before := time.Now()
		if err := town.console.Deregister(t.Context(), eurekaLast...); err != nil {
			t.Fatal(err)
		}
		return before
	})
}

func eurekaRefill(t *testing.T, town *eurekaTown) []string {
	return town.get(t, groupList, func() time.Time {
		before := time.Now()
		register(t, town.console, eurekaLast...)
		return before
	})
}

func eurekaRegister(t *testing.T, town *eurekaTown) []string {
	var hosts []string
	for _, c := range town.clients {
		hosts = append(hosts, c.host)
	}
	slices.Sort(hosts)
	eventually(t, town.server, polaristest.Request{Source: shanghai, Service: "novel-registered"}, hosts...)
	eventually(t, town.server, polaristest.Request{Source: shenzhen, Service: "novel-registered"})
	return town.all("yes")
}

// eurekaFetches wants that a client of deltas needs no full list after the first interval,
// and says how many it asked for.
func eurekaFetches(t *testing.T, town *eurekaTown) (cells []string) {
	for _, c := range town.clients {
		full, deltas := c.relay.full.Load(), c.relay.deltas.Load()
		if c.mode == "full" {
			cells = append(cells, "all of "+strconv.Itoa(int(full)))
			continue
		}
		cells = append(cells, strconv.Itoa(int(full-c.first))+" of "+strconv.Itoa(int(deltas)))
		if full != c.first || deltas == 0 {
			t.Errorf("%s asked for %d full lists and %d deltas, of them %d full lists in the first interval", c, full, deltas, c.first)
		}
	}
	return cells
}

// eurekaRestart moves the caller while the server is away. No client has the old list and
// the new one together. A client that looks at no hashcode keeps the old one.
func eurekaRestart(t *testing.T, town *eurekaTown) (cells []string) {
	for _, c := range town.clients {
		c.before()
	}
	if err := town.server.Crash(); err != nil {
		t.Fatal(err)
	}
	town.start(t, strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	from := time.Now()
	for _, c := range town.clients {
		cell, list := "yes", []string{"10.14.0.1"}
		if c.kind.Language == "node" && c.mode == "delta" {
			cell, list = "keeps its list", groupList
			c.isKnown(t, town.addr)
		}
		c.has(t, list, from)
		c.hadNothingElse(t)
		cells = append(cells, cell)
	}
	town.get(t, groupList, func() time.Time { write(t, town.server, "conf/mapping/mapping.yaml", mapping); return from })
	return cells
}

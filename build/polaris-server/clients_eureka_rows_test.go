package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A client that starts may have nothing at first. Its deltas have everything for an interval,
// and then nothing.
func eurekaOwn(t *testing.T, town *eurekaTown) []string {
	for _, c := range town.clients {
		c.has(t, groupList, time.Time{})
		wait(t, func() error {
			if bytes := c.relay.delta.Load(); c.mode == "delta" && (bytes <= 0 || bytes > withoutInstance) {
				return errorf("%s: the last delta has %d bytes, want %d at most", c, bytes, withoutInstance)
			}
			return nil
		})
	}
	return town.all("yes")
}

// withoutInstance is above the bytes of a delta without instances, as JSON and as XML.
const withoutInstance = 300

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

// eurekaFetches wants that a client of deltas needs no full list but its first, and says
// how many it asked for.
func eurekaFetches(t *testing.T, town *eurekaTown) (cells []string) {
	for _, c := range town.clients {
		full, deltas := c.relay.full.Load(), c.relay.deltas.Load()
		if c.mode == "full" {
			cells = append(cells, "all of "+strconv.Itoa(int(full)))
			continue
		}
		cells = append(cells, strconv.Itoa(int(full-1))+" of "+strconv.Itoa(int(deltas)))
		if full != 1 || deltas == 0 {
			t.Errorf("%s asked for %d full lists and %d deltas, want one full list", c, full, deltas)
		}
	}
	return cells
}

// eurekaRestart moves the caller while the server is away. A client that looks at no
// hashcode keeps what went, until that goes once more.
func eurekaRestart(t *testing.T, town *eurekaTown) (cells []string) {
	if err := town.server.Crash(); err != nil {
		t.Fatal(err)
	}
	town.start(t, strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	from := time.Now()
	for _, c := range town.clients {
		if c.kind.Language == "node" && c.mode == "delta" {
			c.has(t, []string{groupList[0], "10.14.0.1"}, from)
			cells = append(cells, "keeps what went, beside what came")
			continue
		}
		c.has(t, []string{"10.14.0.1"}, from)
		cells = append(cells, "yes")
	}
	town.get(t, groupList, func() time.Time { write(t, town.server, "conf/mapping/mapping.yaml", mapping); return from })
	return cells
}

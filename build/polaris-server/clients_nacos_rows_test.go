package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// lossTime is longer than the 20 s after which the stock listener ends a connection.
const lossTime = 22 * time.Second

// idleTime is longer than the 28.7 s after which a silent connection has killed the
// stock server.
const idleTime = 40 * time.Second

// inShanghai and inShenzhen say of a client's number where the client is.
func inShanghai(client int) bool { return client != atShenzhenClient }
func inShenzhen(client int) bool { return client == atShenzhenClient }

// pushes does something, and waits until each client that this concerns was pushed the
// list. Nobody else may be pushed anything, and nobody any other list. It returns for
// each kind the seconds that the slowest client waited, from the moment that act
// returns. Clients whose subscription has ended are asked by a query.
func (town *nacosTown) pushes(t *testing.T, service string, want []string, concerns func(client int) bool, act func() time.Time) []string {
	t.Helper()
	before := make([]int, len(town.clients))
	for i, c := range town.clients {
		before[i] = len(c.News(0))
	}
	begin := time.Now()
	from := act()
	cells := make([]string, len(town.clients))
	for i, c := range town.clients {
		var slowest time.Duration
		for number := range c.number() {
			switch {
			case !concerns(number):
			case town.ended && nacosFrail[c.kind.String()]:
				c.queries(t, number, service, want)
			default:
				slowest = max(slowest, c.pushed(t, number, service, want, begin).Sub(from))
			}
		}
		cells[i] = seconds(slowest)
		if town.ended && nacosFrail[c.kind.String()] {
			cells[i] = "a query has it; the subscription has ended (6)"
			continue
		}
		for _, news := range c.News(before[i]) {
			if news.Kind == "pushed" && news.Service == service && (!concerns(news.Client) || !slices.Equal(news.Hosts, want)) {
				t.Errorf("%s, client %d was pushed %v of %s, want %v for %t", c.kind, news.Client, news.Hosts, service, want, concerns(news.Client))
			}
		}
	}
	return cells
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", max(0, d.Seconds())) }

// isolated takes the instances of a service at hosts out, or back in, and returns the
// moment before.
func (town *nacosTown) isolated(t *testing.T, service string, isolate bool, hosts ...string) (before time.Time) {
	t.Helper()
	before = time.Now()
	for _, host := range hosts {
		if err := town.console.Isolate(t.Context(), "default", service, host, isolate); err != nil {
			t.Fatal(err)
		}
	}
	return before
}

func nacosOwn(t *testing.T, town *nacosTown) []string {
	from := time.Now()
	cells := make([]string, len(town.clients))
	for i, c := range town.clients {
		wait(t, func() error {
			if _, count := c.Last(c.number()-1, "ready", ""); count == 0 {
				return errorf("%s is not ready", c.kind)
			}
			return nil
		})
		from = time.Now()
		c.do(t, "subscribe novel")
		slowest := c.pushed(t, atShanghaiClient, "novel", groupList, from)
		for number := range c.number() {
			want := groupList
			if inShenzhen(number) {
				want = []string{"10.12.0.1"}
			}
			if at := c.pushed(t, number, "novel", want, from); at.After(slowest) {
				slowest = at
			}
			c.queries(t, number, "novel", want)
		}
		cells[i] = seconds(slowest.Sub(from))
	}
	return cells
}

func nacosPool(t *testing.T, town *nacosTown) []string {
	return town.pushes(t, "novel", poolList, inShanghai, func() time.Time { return town.isolated(t, "novel", true, groupList...) })
}

func nacosRecovery(t *testing.T, town *nacosTown) []string {
	return town.pushes(t, "novel", groupList, inShanghai, func() time.Time { return town.isolated(t, "novel", false, groupList...) })
}

func nacosSilent(t *testing.T, town *nacosTown) []string {
	for _, isolate := range []bool{true, false} {
		want := poolList
		if !isolate {
			want = []string{"10.12.0.1"}
		}
		town.pushes(t, "novel", want, inShenzhen, func() time.Time { return town.isolated(t, "novel", isolate, "10.12.0.1") })
	}
	return town.all("yes")
}

func nacosMapping(t *testing.T, town *nacosTown) []string {
	cells := town.pushes(t, "novel", []string{"10.14.0.1"}, inShanghai, func() time.Time {
		before := time.Now()
		write(t, town.server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
		return before
	})
	town.pushes(t, "novel", groupList, inShanghai, func() time.Time {
		before := time.Now()
		write(t, town.server, "conf/mapping/mapping.yaml", mapping)
		return before
	})
	return cells
}

// nacosLast is what a caller in Shanghai can have: the pool and its own SET.
var nacosLast = []polaristest.Instance{instance("novel", poolList[0], "qb.novel.*"), instance("novel", groupList[0], "qb.novel.h")}

// Kinds that keep their list are pushed nothing, as far as their users see.
func nacosEmpty(t *testing.T, town *nacosTown) []string {
	before := make([]int, len(town.clients))
	for i, c := range town.clients {
		before[i] = len(c.News(0))
	}
	from := time.Now()
	if err := town.console.Deregister(t.Context(), nacosLast...); err != nil {
		t.Fatal(err)
	}
	eventually(t, town.server, polaristest.Request{Source: shanghai, Service: "novel"})
	cells := make([]string, len(town.clients))
	for i, c := range town.clients {
		if nacosKept[c.kind.String()] {
			cells[i] = "refused: it keeps its list"
			continue
		}
		cells[i] = seconds(c.pushed(t, atShanghaiClient, "novel", []string{}, from).Sub(from))
		for _, news := range c.News(before[i]) {
			if news.Kind == "pushed" && len(news.Hosts) > 0 {
				t.Errorf("%s, client %d was pushed %v", c.kind, news.Client, news.Hosts)
			}
		}
	}
	return cells
}

func nacosRefill(t *testing.T, town *nacosTown) []string {
	come := func(i polaristest.Instance) func() time.Time {
		return func() time.Time {
			before := time.Now()
			register(t, town.console, i)
			return before
		}
	}
	cells := town.pushes(t, "novel", poolList, inShanghai, come(nacosLast[0]))
	town.pushes(t, "novel", groupList, inShanghai, come(nacosLast[1]))
	return cells
}

// The clients of all programs connect again at once.
func nacosRestart(t *testing.T, town *nacosTown) []string {
	town.ended = true
	cells := town.pushes(t, "novel", poolList, inShanghai, func() time.Time {
		if err := town.server.Stop(); err != nil {
			t.Fatal(err)
		}
		town.server, town.console = start(town.t, polaristest.Options{
			Replaces: town.server, Config: town.config, Files: map[string]string{"conf/routing/routing.yaml": nacosRouting},
		})
		return town.isolated(t, "novel", true, groupList...)
	})
	nacosRecovery(t, town)
	town.openSilent(t)
	return cells
}

func nacosLoss(t *testing.T, town *nacosTown) []string {
	cells := town.pushes(t, "novel", poolList, inShanghai, func() time.Time {
		town.relays[atShanghaiClient].Hold()
		town.isolated(t, "novel", true, groupList...)
		time.Sleep(lossTime)
		town.relays[atShanghaiClient].Release()
		return time.Now()
	})
	nacosRecovery(t, town)
	return cells
}

// Each kind has a service of its own, in which the pool is until the provider comes.
func nacosProvider(t *testing.T, town *nacosTown) []string {
	for i, c := range town.clients {
		service := town.provided(i)
		register(t, town.console, instance(service, poolList[0], "qb.novel.*"))
		c.do(t, "subscribe "+service)
		c.pushed(t, atShanghaiClient, service, poolList, time.Time{})
		town.providers = append(town.providers, startNacos(town.t, c.kind, town.relays[atShenzhenClient].Addr))
	}
	cells := make([]string, len(town.clients))
	for i, provider := range town.providers {
		wait(t, func() error {
			if _, count := provider.Last(0, "ready", ""); count == 0 {
				return errorf("a provider with %s is not ready", provider.kind)
			}
			return nil
		})
		from := time.Now()
		provider.do(t, fmt.Sprintf("register %s %s 8080 qb.novel.h", town.provided(i), providerHost))
		at := town.clients[i].pushed(t, atShanghaiClient, town.provided(i), []string{providerHost}, from)
		cells[i] = seconds(at.Sub(from))
		town.clients[i].pushed(t, atShenzhenClient, town.provided(i), poolList, time.Time{})
	}
	return cells
}

// providerHost is where the providers say that they are.
const providerHost = "10.15.0.1"

// provided returns the service of the provider of a kind.
func (town *nacosTown) provided(kind int) string { return fmt.Sprintf("novel-%d", kind) }

func nacosKilled(t *testing.T, town *nacosTown) []string {
	from := time.Now()
	for _, provider := range town.providers {
		provider.Kill()
	}
	cells := make([]string, len(town.clients))
	for i, c := range town.clients {
		cells[i] = seconds(c.pushed(t, atShanghaiClient, town.provided(i), poolList, from).Sub(from))
	}
	return cells
}

// openSilent opens connections over gRPC, on which nobody says a word.
func (town *nacosTown) openSilent(t *testing.T) {
	t.Helper()
	for _, relay := range town.relays {
		conn, err := grpc.NewClient(relay.GRPC.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		town.t.Cleanup(func() { _ = conn.Close() })
		conn.Connect()
	}
	town.silent = time.Now()
}

func nacosIdle(t *testing.T, town *nacosTown) []string {
	for ; time.Since(town.silent) < idleTime; time.Sleep(100 * time.Millisecond) {
		if code := town.server.ExitCode(); code >= 0 {
			t.Fatalf("the server has ended with exit code %d: %s", code, town.server.Faults())
		}
	}
	if faults := town.server.Faults(); faults != "none" {
		t.Error(faults)
	}
	nacosPool(t, town)
	return town.all("yes")
}

// all returns the same cell for each kind.
func (town *nacosTown) all(cell string) []string {
	return slices.Repeat([]string{cell}, len(town.clients))
}

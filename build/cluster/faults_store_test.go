package cluster

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// listeners ask nodes again and again, and note every answer that is not a
// list of instances in Shanghai.
func listeners(t *testing.T, f *faults, nodes ...node) (stop func() (answers int)) {
	quit, answers := make(chan struct{}), make(chan int, len(nodes))
	for _, n := range nodes {
		go func() {
			count := 0
			defer func() { answers <- count }()
			for {
				select {
				case <-quit:
					return
				case <-time.After(20 * time.Millisecond):
				}
				got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: "novel"})
				switch {
				case err != nil:
					f.add("%s: %v", n.IP, err)
				case got.Code != listSent || len(got.Instances) == 0 || !ofShanghai(got.Instances):
					f.add("%s answers with code %d and %v", n.IP, got.Code, hostsOf(got.Instances))
				}
				count++
			}
		}()
	}
	return func() (sum int) {
		close(quit)
		for range nodes {
			sum += <-answers
		}
		return sum
	}
}

func ofShanghai(instances []polaristest.Instance) bool {
	return !slices.ContainsFunc(instances, func(i polaristest.Instance) bool { return !strings.HasPrefix(i.Host, "10.11.0.") })
}

// sql runs statements on the database.
func sql(t *testing.T, c *polaristest.Cluster, statements string) {
	t.Helper()
	done(t, c.DB.Run(strings.NewReader("use polaris_server; "+statements)))
}

// startsNot starts a server that cannot, and returns why.
func startsNot(t *testing.T, o polaristest.Options) string {
	t.Helper()
	server, err := polaristest.Start(t.Context(), o)
	if err == nil {
		done(t, server.Kill())
		t.Fatal("the server starts")
	}
	return err.Error()
}

// startsInTheEnd starts a server again and again, as Kubernetes does. What it
// returns waits for it.
func startsInTheEnd(t *testing.T, o polaristest.Options) (wait func() *polaristest.Server) {
	var server *polaristest.Server
	end := make(chan error, 1)
	go func() {
		for deadline := time.Now().Add(polaristest.Patience); ; {
			var err error
			if server, err = polaristest.Start(t.Context(), o); err == nil || t.Context().Err() != nil || time.Now().After(deadline) {
				end <- err
				return
			}
		}
	}()
	started := sync.OnceValue(func() error { return <-end })
	t.Cleanup(func() {
		if started() == nil {
			done(t, server.Kill())
		}
	})
	return func() *polaristest.Server {
		t.Helper()
		done(t, started())
		return server
	}
}

// The database goes away and comes back, for all nodes or for one, which is cut
// off or hears nothing: every answer is the list of the last known state,
// evacuations begin and end, nothing is lost, and then the nodes agree. A server
// does not start meanwhile: it ends with exit code 1, and serves when it is
// started once more after the return. Nor does one that reaches the database and
// cannot read the registry: its lists would be empty.
func TestDatabaseAwayAndBack(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	rules := routing + "  - {name: away, service: default/away, nearby: {}, degrade: {holdDown: 0s}}\n"
	o := polaristest.Options{Files: filesWith(rules)}
	one, two := join(t, c, o), join(t, c, o)
	done(t, one.Register(t.Context(), append(novel(), sets("away", "qb.away")...)...))
	agree := func(hosts ...string) {
		t.Helper()
		wait(t, func() error {
			if a, b := gets(t, one, shanghai, hosts...), gets(t, two, shanghai, hosts...); a != b {
				return fmt.Errorf("revisions %s and %s", a, b)
			}
			return nil
		})
	}
	agree("10.11.0.1")
	getsOf(t, one, "away", []string{"10.11.0.1"})
	getsOf(t, two, "away", []string{"10.11.0.1"})
	second := novel()[0]
	second.Host = "10.11.0.2"
	found := &faults{}
	stop := listeners(t, found, one, two)

	done(t, c.DB.Stop())
	if err := one.Register(t.Context(), second); err == nil {
		t.Error("a registration without the database is no error")
	}
	// An evacuation begins, and ends, on nodes that cannot reach it.
	for _, step := range []struct {
		lasts time.Duration
		hosts []string
	}{{time.Hour, []string{"10.12.0.1", "10.13.0.1"}}, {5 * time.Second, []string{"10.11.0.1"}}} {
		until := time.Now().Add(step.lasts).Format(time.RFC3339)
		for _, n := range []node{one, two} {
			done(t, n.WriteFile("conf/routing/all.yaml", rules+fmt.Sprintf("evacuate:\n  - {set: qb.away.h, until: %q, reason: a drill}\n", until)))
		}
		getsOf(t, one, "away", step.hosts)
		getsOf(t, two, "away", step.hosts)
	}
	place, err := c.Join()
	done(t, err)
	o = place.On(polaristest.Options{Binary: programs.Server, Files: filesWith(routing)})
	if why := startsNot(t, o); !strings.Contains(why, "exit code 1:") || !strings.Contains(why, "[ERROR] initialize store") {
		t.Errorf("without the database: %s", why)
	}
	agree("10.11.0.1")
	started := startsInTheEnd(t, o)
	done(t, c.DB.Start())
	returned := time.Now()
	wait(t, func() error { return one.Register(t.Context(), second) })
	agree("10.11.0.1", "10.11.0.2")
	t.Logf("a registration was in force on both nodes %v after the database was back", time.Since(returned).Round(10*time.Millisecond))
	late := node{started(), place, nil}
	gets(t, late, shanghai, "10.11.0.1", "10.11.0.2")

	two.ToDB.Cut()
	done(t, one.Deregister(t.Context(), novel()[0]))
	gets(t, one, shanghai, "10.11.0.2")
	gets(t, two, shanghai, "10.11.0.1", "10.11.0.2")
	two.ToDB.Mend()
	returned = time.Now()
	agree("10.11.0.2")
	t.Logf("the nodes agreed %v after the way of one to the database was mended", time.Since(returned).Round(10*time.Millisecond))

	two.ToDB.Hold()
	done(t, one.Register(t.Context(), novel()[0]))
	gets(t, one, shanghai, "10.11.0.1", "10.11.0.2")
	gets(t, two, shanghai, "10.11.0.2")
	two.ToDB.Release()
	agree("10.11.0.1", "10.11.0.2")

	o.Config = configWith(t, "enable_register: true", "enable_register: false") // it would fail by that
	for _, table := range []string{"instance", "service"} {
		sql(t, c, fmt.Sprintf("rename table %s to away", table))
		want := fmt.Sprintf("the %s cache could not be read from the store", table)
		if why := startsNot(t, o); !strings.Contains(why, "exit code 1:") || !strings.Contains(why, want) {
			t.Errorf("want %q: %s", want, why)
		}
		sql(t, c, fmt.Sprintf("rename table away to %s", table))
	}

	answers := stop()
	t.Logf("%d answers, %d of them wrong", answers, len(found.text))
	if answers < 100 {
		t.Error("too few")
	}
	for _, text := range found.text {
		t.Error(text)
	}
}

package faults

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// lookBack is how far the server's cache looks back when it asks the store what was
// written (cache.diffTime, 5 s), with a margin: what was registered longer ago is
// asked for no more.
const lookBack = 7 * time.Second

// With the embedded store lists follow what comes and what leaves, in every time
// zone. What leaves has no health check here: nothing else would write its row.
func TestTimeZones(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			server, console := start(t, polaristest.Options{TimeZone: zone, Files: map[string]string{
				"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": strings.Replace(routing, "set: {}", "set: {}, degrade: {holdDown: 0s}", 1),
			}})
			must(t, console.Register(t.Context(), novel("novel")...))
			eventually(t, server, shanghai, "novel", "10.11.0.1")
			eventually(t, server, shenzhen, "novel", "10.12.0.1")
			livesIn(t, console, zone)

			pass(t, lookBack)
			must(t, console.Deregister(t.Context(), novel("novel")[0]))
			eventually(t, server, shanghai, "novel", "10.13.0.1") // the whole SET has gone: the pool

			must(t, console.Register(t.Context(), novel("novel")[0]))
			eventually(t, server, shanghai, "novel", "10.11.0.1")
		})
	}
}

// A file of the stock server, written in any time zone, is read whole, and the stock
// server reads what is left of it.
func TestFileOfStockServer(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Asia/Shanghai", "America/New_York"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing}
			before, console := start(t, polaristest.Options{Binary: stockServer(t), TimeZone: zone, Files: files})
			must(t, console.Register(t.Context(), novel("novel")...))
			must(t, console.Deregister(t.Context(), novel("novel")[1]))
			livesIn(t, console, zone)
			must(t, before.Crash())

			server, console := start(t, polaristest.Options{Replaces: before, TimeZone: "UTC"})
			eventually(t, server, shanghai, "novel", "10.11.0.1")
			eventually(t, server, shenzhen, "novel", "10.13.0.1")
			must(t, console.Deregister(t.Context(), novel("novel")[0]))
			eventually(t, server, shanghai, "novel", "10.13.0.1")
			must(t, server.Crash())

			after, _ := start(t, polaristest.Options{Binary: stockServer(t), Replaces: server, TimeZone: zone})
			eventually(t, after, shanghai, "novel", "10.13.0.1", "10.14.0.1")
		})
	}
}

// pass waits until a time has passed. The time is what the test is about.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// livesIn wants the server's local time to be that of the zone, by what it shows of
// a namespace that was just made. A process that finds no such zone goes on in UTC,
// and would prove nothing; Go's own directory has the zones.
func livesIn(t *testing.T, c *polaristest.Console, zone string) {
	t.Helper()
	location, err := time.LoadLocation(zone)
	must(t, err)
	text, err := c.Fetch(t.Context(), "/naming/v1/namespaces?limit=1")
	must(t, err)
	var list struct {
		Namespaces []struct{ Mtime string }
	}
	must(t, json.Unmarshal(text, &list))
	if len(list.Namespaces) != 1 {
		t.Fatal(fmt.Errorf("the console shows no namespace: %s", text))
	}
	written, err := time.ParseInLocation("2006-01-02 15:04:05", list.Namespaces[0].Mtime, location)
	must(t, err)
	if age := time.Since(written); age.Abs() > 10*time.Minute {
		t.Fatal(fmt.Errorf("the server's local time is not that of %s: it wrote %s, %v ago", zone, list.Namespaces[0].Mtime, age))
	}
}

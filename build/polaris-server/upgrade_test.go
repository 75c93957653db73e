package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// An SDK that stays connected from the stock server to this one and back, on one
// store: it answers at every moment, has its routed list after the one swap and
// the full one after the other, and the stock server reads all that was written
// meanwhile.
func TestUpgradeAndBack(t *testing.T) {
	stock := stockServer(t)
	server, console := startBinary(t, stock, polaristest.Options{Dir: t.TempDir()})
	registerNovel(t, console, "novel")
	register(t, console, instance("lanes", "10.31.0.1", "epp.core.bj"), instance("lanes", "10.32.0.1", "epp.query.bj"))
	if err := console.Alias(t.Context(), "default", "lane", "lanes"); err != nil { // so that the address has an answer on both servers
		t.Fatal(err)
	}
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, all...)
	if err := sdk.Add("shanghai", shanghai, server); err != nil {
		t.Fatal(err)
	}
	follows(t, sdk, nil, all)
	lane := polaristest.Request{Source: shanghai, Service: "lane"}
	eventually(t, server, lane, "10.31.0.1", "10.32.0.1")

	server, console = swap(t, sdk, server, serverBinary, (*polaristest.Server).Stop, all)
	follows(t, sdk, all, all[:1])
	if code, out := setctl(t, server, "status"); code != 0 || !strings.Contains(out, "service-grpc  routed: true") {
		t.Errorf("exit code %d: %s", code, out)
	}
	eventually(t, server, lane, "10.31.0.1")
	late := instance("novel", "10.21.0.9", "qb.novel.h") // with a location that the mapping gives
	register(t, console, late, instance("added", "10.23.0.9", ""))
	if err := console.Alias(t.Context(), "default", "another-name", "novel"); err != nil {
		t.Fatal(err)
	}
	routed := []string{"10.11.0.1", "10.21.0.9"}
	follows(t, sdk, all[:1], routed)
	written := shown(t, console)

	// Back at night: the process is killed.
	server, console = swap(t, sdk, server, stock, (*polaristest.Server).Kill, routed)
	whole := append(slices.Clone(all), late.Host)
	follows(t, sdk, routed, whole)
	eventually(t, server, lane, "10.31.0.1", "10.32.0.1")
	if diff := cmp.Diff(written, shown(t, console)); diff != "" {
		t.Errorf("the stock server shows other data (-ours +stock):\n%s", diff)
	}
	d := eventually(t, server, polaristest.Request{Source: shanghai, Service: "another-name"}, whole...)
	for _, i := range d.Instances {
		if i.Host == late.Host && (i.Location == nil || i.Location.Zone != "shenzhen") {
			t.Errorf("the location from the mapping is not in the store: %+v", i)
		}
	}
}

// swap ends a server and starts another in its place. The SDK is asked all the
// while, and has its list.
func swap(t *testing.T, sdk *polaristest.Consumers, old *polaristest.Server, binary string, end func(*polaristest.Server) error, has []string) (*polaristest.Server, *polaristest.Console) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- end(old) }()
	answers := 0
	wait(t, func() error {
		if got := sdkHosts(t, sdk); !slices.Equal(got, has) {
			t.Fatalf("without a server the SDK has %v, want %v", got, has)
		}
		answers++
		select {
		case err := <-ended:
			return err
		default:
			return errorf("the server does not end")
		}
	})
	for range 10 { // and while nothing listens
		if got := sdkHosts(t, sdk); !slices.Equal(got, has) {
			t.Fatalf("without a server the SDK has %v, want %v", got, has)
		}
	}
	return startBinary(t, binary, polaristest.Options{Replaces: old})
}

// follows waits until the SDK has a list; before, it has the one that it had, and
// never none.
func follows(t *testing.T, sdk *polaristest.Consumers, had, want []string) {
	t.Helper()
	wait(t, func() error {
		got := sdkHosts(t, sdk)
		switch {
		case slices.Equal(got, want):
			return nil
		case had != nil && !slices.Equal(got, had):
			t.Fatalf("the SDK has %v, between %v and %v", got, had, want)
		}
		return errorf("the SDK has %v, want %v", got, want)
	})
}

// sdkHosts are those that the SDK has now, of which its load balancer picks one.
func sdkHosts(t *testing.T, sdk *polaristest.Consumers) []string {
	t.Helper()
	got, err := sdk.Get("shanghai", "default", "novel")
	if err != nil {
		t.Fatal(err)
	}
	if got.Error != "" || got.PickError != "" || got.Picked == "" {
		t.Fatalf("the SDK does not answer: %+v", got)
	}
	out := []string{}
	for _, i := range got.Instances {
		out = append(out, i.Host)
	}
	slices.Sort(out)
	return out
}

// shown is what the console shows of services, aliases and instances, by their
// ids. Each start of the server writes the namespaces anew.
func shown(t *testing.T, c *polaristest.Console) map[string]any {
	t.Helper()
	out := map[string]any{}
	wait(t, func() error {
		clear(out)
		for list, path := range map[string]string{
			"services": "/naming/v1/services?namespace=default&limit=100",
			"aliases":  "/naming/v1/service/aliases?limit=100", "instances": "/naming/v1/instances?namespace=default&service=novel&limit=100",
		} {
			text, err := c.Fetch(t.Context(), path)
			if err != nil {
				return err
			}
			var reply map[string]any
			if err := json.Unmarshal(text, &reply); err != nil {
				return err
			}
			items, _ := reply[list].([]any)
			if len(items) == 0 {
				return errorf("%s has no %s: %s", path, list, text)
			}
			for _, item := range items {
				of := item.(map[string]any)
				key, _ := json.Marshal([]any{list, of["id"], of["namespace"], of["name"], of["alias"]})
				out[string(key)] = item
			}
		}
		return nil
	})
	return out
}

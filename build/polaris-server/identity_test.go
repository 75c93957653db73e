package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// The server gives the mapping's location to instances at their registration,
// and to clients in ReportClient, as any CMDB plugin does.
func TestCMDB(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	register(t, console, instance("stock", "10.21.0.7", ""))
	d := eventually(t, server, polaristest.Request{Source: stranger, Service: "stock"}, "10.21.0.7")
	if l := d.Instances[0].Location; l == nil || *l != (polaristest.Location{Region: "south", Zone: "shenzhen", Campus: "shenzhen-2"}) {
		t.Errorf("the instance is at %+v", l)
	}
	if got := report(t, server, "c1", "10.23.0.9", nil); got != (polaristest.Location{Region: "east", Zone: "nanjing", Campus: "nanjing-4"}) {
		t.Errorf("the client is at %+v", got)
	}
}

// report sends a ReportClient as an SDK does, and returns the location that
// the server answers with.
func report(t *testing.T, s *polaristest.Server, id, host string, at *polaristest.Location) polaristest.Location {
	t.Helper()
	body, err := json.Marshal(map[string]any{"id": id, "host": host, "type": "SDK", "version": "1", "location": at})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+s.HTTPAddr+"/v1/ReportClient", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		Code   int
		Client struct{ Location polaristest.Location }
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || reply.Code != success {
		t.Fatalf("ReportClient: %s, code %d, %v", resp.Status, reply.Code, err)
	}
	return reply.Client.Location
}

// A caller that no mapping knows is known by its own instances, and by what its
// client reported.
func TestIdentityFromRegistryAndReport(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""))
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, all...)
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.21.0.1", "10.23.0.1")

	register(t, console, instance("caller-z", stranger.String(), "qb.novel.z"))
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.12.0.1")
	register(t, console, instance("caller-h", stranger.String(), "qb.novel.h")) // one host, two SETs: unknown
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, all...)

	report(t, server, "client-1", stranger.String(), &polaristest.Location{Region: "east", Zone: "nanjing"})
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.23.0.1")
	// A client cannot contradict the mapping.
	report(t, server, "client-2", shenzhen.String(), &polaristest.Location{Region: "east", Zone: "nanjing"})
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "near"}, "10.21.0.1")
}

// The unmodified SDK gets its list and follows a change of it.
func TestSDK(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	if err := sdk.Add("shanghai", shanghai, server); err != nil {
		t.Fatal(err)
	}
	has := func(want string) {
		t.Helper()
		wait(t, func() error {
			got, err := sdk.Get("shanghai", "default", "novel")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Instances) != 1 || got.Instances[0].Host != want || got.Picked != want {
				return errorf("the SDK has %+v, want %s", got, want)
			}
			return nil
		})
	}
	has("10.11.0.1")
	if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", true); err != nil {
		t.Fatal(err)
	}
	has("10.13.0.1")
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var faultyBinary = builder("faulty-server", "../../internal/test/faultyserver")

// The lists of the caller shanghai: its own group, and without that the pool.
var (
	groupList = []string{"10.11.0.1"}
	poolList  = []string{"10.13.0.1"}
)

// faulty is a server with failOpen: false whose routing can be made to fail.
type faulty struct {
	server  *polaristest.Server
	console *polaristest.Console
}

func startFaulty(t *testing.T) *faulty {
	t.Helper()
	config := replacedConfig(t, "sources: [mapping, registry, report]", "sources: [kubernetes, mapping], kubernetes: {}")
	server, console := startBinary(t, built(t, faultyBinary), polaristest.Options{Config: config, FailClosed: true, Files: map[string]string{
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n",
	}})
	return &faulty{server, console}
}

// fault makes the routing of the server fail, or ends that.
func (f *faulty) fault(t *testing.T, on bool) {
	t.Helper()
	var err error
	if on {
		err = f.server.WriteFile("fault", "")
	} else if err = os.Remove(filepath.Join(f.server.Dir, "fault")); os.IsNotExist(err) {
		err = nil
	}
	if err != nil {
		t.Fatal(err)
	}
}

// faults returns how many requests came to a fault.
func (f *faulty) faults(t *testing.T) float64 { return metric(t, f.server, "setrouter_failures_total") }

// isolate takes the caller's own group out, or back in.
func (f *faulty) isolate(t *testing.T, service string, isolate bool) {
	t.Helper()
	if err := f.console.Isolate(t.Context(), "default", service, groupList[0], isolate); err != nil {
		t.Fatal(err)
	}
}

// The Go SDK keeps its list in a fault. An SDK that has none says so by an error, and
// has the list soon after the fault.
func TestGoKeepsItsList(t *testing.T) {
	f := startFaulty(t)
	registerNovel(t, f.console, "novel")
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sdk.Close() })
	add := func(name string) {
		if err := sdk.Add(name, shanghai, f.server); err != nil {
			t.Fatal(err)
		}
	}
	has := func(name string, want []string) {
		wait(t, func() error {
			if got := get(t, sdk, name); got.Error != "" || !slices.Equal(hostsOf(got), want) {
				return errorf("%s: %+v, want %v", name, got, want)
			}
			return nil
		})
	}
	add("early")
	has("early", groupList)
	f.fault(t, true)
	f.isolate(t, "novel", true)
	enough := f.faults(t) + 2
	wait(t, func() error {
		if got := get(t, sdk, "early"); got.Error != "" || !slices.Equal(hostsOf(got), groupList) {
			t.Fatalf("under the fault: %+v, want %v", got, groupList)
		}
		if n := f.faults(t); n < enough {
			return errorf("%v faults, want %v", n, enough)
		}
		return nil
	})
	add("late")
	for range 2 {
		if got := get(t, sdk, "late"); got.Error == "" || len(got.Instances) > 0 {
			t.Fatalf("a first request under the fault: %+v, want an error", got)
		}
	}
	f.fault(t, false)
	has("early", poolList)
	has("late", poolList)
}

func get(t *testing.T, sdk *polaristest.Consumers, caller string) polaristest.Got {
	t.Helper()
	got, err := sdk.Get(caller, "default", "novel")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

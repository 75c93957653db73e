//go:build kubernetes

package main

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// startKubernetes starts a cluster with a node, and a server that watches it.
func startKubernetes(t *testing.T) (*kubetest.Cluster, *kubetest.Client, *polaristest.Server, *polaristest.Console) {
	t.Helper()
	ctx := t.Context()
	cluster, err := kubetest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := cluster.Client()
	t.Cleanup(func() {
		client.Close()
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	labels := map[string]string{"topology.kubernetes.io/region": "south", "topology.kubernetes.io/zone": "shenzhen", "campus": "shenzhen-2"}
	if err := errors.Join(client.Namespace(ctx, "app"), client.Node(ctx, "n1", labels, "127.5.9.1")); err != nil {
		t.Fatal(err)
	}
	options := "kubernetes: {campusLabel: campus, clusters: [{name: bj, kubeconfig: " + cluster.Kubeconfig + "}]}"
	server, console := start(t, polaristest.Options{Config: replacedConfig(t, "sources: [mapping, registry, report]", options)})
	return cluster, client, server, console
}

// A caller has the SET of its pod's label, from the label's change on; so has
// an instance, which registered none.
func TestKubernetesPodsInDiscovery(t *testing.T) {
	ctx := t.Context()
	cluster, client, server, console := startKubernetes(t)
	registerNovel(t, console, "novel")
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""), instance("novel", "10.50.0.1", ""))
	caller := kubetest.Pod{Namespace: "app", Name: "caller", Node: "n1", Labels: map[string]string{"set-group": "qb.novel.h"}, IPs: []string{"127.5.0.1"}}
	callee := kubetest.Pod{Namespace: "app", Name: "callee", Node: "n1", Labels: map[string]string{"set-group": "qb.novel.h"}, IPs: []string{"10.50.0.1"}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(errors.Join(client.Run(ctx, caller), client.Run(ctx, callee)))
	novel := polaristest.Request{Source: netip.MustParseAddr("127.5.0.1"), Service: "novel"}

	eventually(t, server, novel, "10.11.0.1", "10.50.0.1")
	must(client.Label(ctx, callee.Path(), "set-group", "qb.novel.z"))
	eventually(t, server, novel, "10.11.0.1")
	must(client.Label(ctx, caller.Path(), "set-group", "qb.novel.z"))
	d := eventually(t, server, novel, "10.12.0.1", "10.50.0.1")
	if i := slices.IndexFunc(d.Instances, func(i polaristest.Instance) bool { return i.Host == "10.50.0.1" }); d.Instances[i].Metadata["internal-set-name"] != "qb.novel.z" {
		t.Errorf("the pod's instance is sent with %v, want its SET", d.Instances[i].Metadata)
	}
	near := polaristest.Request{Source: novel.Source, Service: "near"}
	eventually(t, server, near, "10.21.0.1")

	say := func(want string, args ...string) {
		t.Helper()
		wait(t, func() error {
			_, out := setctl(t, server, args...)
			if !strings.Contains(strings.Join(strings.Fields(out), " "), want) { // columns are as wide as their words
				return errorf("setctl %v says\n%s\nexpected %q", args, out, want)
			}
			return nil
		})
	}
	say("qb.novel.z from kubernetes (pod bj/app/caller)", "lookup", "127.5.0.1")
	say("from kubernetes (pod bj/app/caller)", "explain", "--caller", "127.5.0.1", "--service", "default/novel")
	say("bj live heard from", "status")
	say("2 pods on 1 node 0 with an invalid SET", "status")

	cluster.KillAPI()
	say("bj away heard from", "status")
	eventually(t, server, novel, "10.12.0.1", "10.50.0.1")
}

// TestKubernetesLag measures the time from a label's change to a view of the
// caller's new SET.
func TestKubernetesLag(t *testing.T) {
	const changes = 100
	ctx := t.Context()
	_, client, server, console := startKubernetes(t)
	registerNovel(t, console, "novel")
	caller := kubetest.Pod{Namespace: "app", Name: "caller", Node: "n1", Labels: map[string]string{"set-group": "qb.novel.h"}, IPs: []string{"127.5.0.1"}}
	if err := client.Run(ctx, caller); err != nil {
		t.Fatal(err)
	}
	novel := polaristest.Request{Source: netip.MustParseAddr("127.5.0.1"), Service: "novel"}
	eventually(t, server, novel, "10.11.0.1")
	var lags []time.Duration
	for n := range changes {
		set, want := "qb.novel.z", "10.12.0.1"
		if n%2 == 1 {
			set, want = "qb.novel.h", "10.11.0.1"
		}
		if err := client.Label(ctx, caller.Path(), "set-group", set); err != nil {
			t.Fatal(err)
		}
		began := time.Now() // the API server has it
		for !slices.Equal(hosts(discover(t, server, novel)), []string{want}) {
			if time.Since(began) > polaristest.Patience {
				t.Fatalf("change %d is in no view", n)
			}
		}
		lags = append(lags, time.Since(began))
	}
	slices.Sort(lags)
	t.Logf("%d label changes to a new view: p50 %v, p99 %v, most %v", changes, lags[changes/2], lags[changes*99/100], lags[changes-1])
}

//go:build kubernetes

package kubernetes

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// eventually waits until say returns want.
func eventually(t *testing.T, what, want string, say func() string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		if got := say(); got != want {
			return fmt.Errorf("%s: %s, want %s", what, got, want)
		}
		return nil
	})
}

// do fails the test at the first error.
func do(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// startCluster starts a cluster that ends with the test.
func startCluster(t *testing.T) (*kubetest.Cluster, *kubetest.Client) {
	t.Helper()
	cluster, err := kubetest.Start(t.Context())
	do(t, err)
	client := cluster.Client()
	t.Cleanup(func() {
		client.Close()
		do(t, cluster.Stop())
	})
	return cluster, client
}

// follow runs a source until stop or the end of the test.
func follow(t *testing.T, k *serverconfig.Kubernetes) (s *Source, stop func()) {
	t.Helper()
	s, err := New(k)
	do(t, err)
	s.interval, s.look = 20*time.Millisecond, 20*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.Run(ctx) })
	stop = func() {
		cancel()
		done.Wait()
	}
	t.Cleanup(stop)
	return s, stop
}

func options(c *kubetest.Cluster, dir string) *serverconfig.Kubernetes {
	return &serverconfig.Kubernetes{
		SETLabel: "set-group", SETAnnotation: "set-group", Places: serverconfig.Places{CampusLabel: "example.com/campus"}, Labels: []string{"lane"}, Snapshot: dir, Events: true, Workloads: true,
		Clusters: []serverconfig.Cluster{{Name: "bj", Kubeconfig: c.Kubeconfig}},
	}
}

// factsText is what a source says of an address, in one line.
func factsText(s *Source, addr string) string {
	f, ok := s.Facts(ip(addr))
	if !ok {
		return "unknown"
	}
	out := f.Location.String() + " " + string(f.SET)
	if f.Facts().Shared != nil {
		out += " shared"
	}
	if lane := f.Labels["lane"]; lane != "" {
		out += " lane=" + lane
	}
	return out
}

func (s *Source) state() sources.Cluster { return s.Status(time.Now()).Clusters[0] }

func places(region, zone, campus string) map[string]string {
	return map[string]string{corev1.LabelTopologyRegion: region, corev1.LabelTopologyZone: zone, "example.com/campus": campus}
}

func set(name string) map[string]string { return map[string]string{"set-group": name, "app": "x"} }

func TestKubernetesSource(t *testing.T) {
	ctx := t.Context()
	cluster, client := startCluster(t)
	dir := t.TempDir()
	core := kubetest.Pod{Namespace: "app", Name: "core-1", Node: "n1", Labels: set("epp.core.bj"), IPs: []string{"10.0.0.1", "fd00::1"}}
	do(t, client.Namespace(ctx, "app"), client.Namespace(ctx, "other"),
		client.Node(ctx, "n1", places("north", "bj", "bj-1"), "10.9.0.1"), client.Run(ctx, core))
	s, stop := follow(t, options(cluster, dir))
	says := func(addr, want string) {
		t.Helper()
		eventually(t, addr, want, func() string { return factsText(s, addr) })
	}
	says("10.0.0.1", "north/bj/bj-1 epp.core.bj")
	says("fd00::1", "north/bj/bj-1 epp.core.bj")
	says("10.9.0.1", "north/bj/bj-1  shared")
	eventually(t, "state", sources.StateLive, func() string { return s.state().State })

	t.Run("labels change", func(t *testing.T) {
		do(t, client.Label(ctx, core.Path(), "set-group", "epp.query.bj"), client.Label(ctx, core.Path(), "lane", "gray"))
		says("10.0.0.1", "north/bj/bj-1 epp.query.bj lane=gray")
		do(t, client.Label(ctx, "/api/v1/nodes/n1", corev1.LabelTopologyZone, "tj"))
		says("10.0.0.1", "north/tj/bj-1 epp.query.bj lane=gray")
		do(t, client.Label(ctx, core.Path(), "set-group", nil), client.Patch(ctx, core.Path(), map[string]any{
			"metadata": map[string]any{"annotations": map[string]string{"set-group": "epp.core.*"}},
		}))
		says("10.0.0.1", "north/tj/bj-1 epp.core.* lane=gray")
	})
	t.Run("an address goes to another pod", func(t *testing.T) {
		next := kubetest.Pod{Namespace: "other", Name: "next", Node: "n1", Labels: set("qb.novel.h"), IPs: []string{"10.0.0.1"}}
		do(t, client.Delete(ctx, core.Path()), client.Run(ctx, next))
		says("10.0.0.1", "north/tj/bj-1 qb.novel.h")
		says("fd00::1", "unknown")
		do(t, client.Patch(ctx, next.Path()+"/status", map[string]any{"status": map[string]string{"phase": "Succeeded"}}))
		says("10.0.0.1", "unknown") // the object is there still
	})
	t.Run("a pod in the node's network", func(t *testing.T) {
		do(t, client.Run(ctx, kubetest.Pod{Namespace: "app", Name: "agent", Node: "n1", Labels: set("epp.core.bj"), HostNetwork: true, IPs: []string{"10.9.0.1"}}))
		eventually(t, "pods", "1", func() string { return fmt.Sprint(s.state().Pods) })
		says("10.9.0.1", "north/tj/bj-1  shared")
	})
	t.Run("an invalid SET", func(t *testing.T) {
		bad := kubetest.Pod{Namespace: "app", Name: "bad", Node: "n1", Labels: set("qb.novel"), IPs: []string{"10.0.0.7"}}
		do(t, client.Run(ctx, bad))
		says("10.0.0.7", "north/tj/bj-1 ")
		events := func() string {
			var list corev1.EventList
			do(t, client.Do(ctx, "GET", "/api/v1/namespaces/app/events", "", nil, &list))
			var out []string
			for _, e := range list.Items {
				out = append(out, e.InvolvedObject.Name+": "+e.Reason+": "+e.Message)
			}
			return strings.Join(out, "\n")
		}
		eventually(t, "events", `bad: InvalidSET: label set-group: SET name "qb.novel" has 2 segments, expected three: business.area.group; the pod is routed as one without a SET`, events)
		state := s.state()
		if state.Invalid != 1 || len(state.First) != 1 || state.First[0].Pod != "app/bad" || len(state.Problems) != 0 {
			t.Errorf("status %+v, want app/bad as the one invalid pod and no problem", state)
		}
		do(t, client.Label(ctx, bad.Path(), "set-group", "qb.novel.z"))
		says("10.0.0.7", "north/tj/bj-1 qb.novel.z")
	})
	t.Run("the API server goes and comes", func(t *testing.T) {
		cluster.KillAPI()
		eventually(t, "state", sources.StateAway, func() string { return s.state().State })
		if factsText(s, "10.0.0.7") != "north/tj/bj-1 qb.novel.z" || len(s.state().Problems) == 0 {
			t.Errorf("without its API server: %s, %+v, want the last table and a problem", factsText(s, "10.0.0.7"), s.state())
		}
		do(t, cluster.StartAPI(ctx), client.Label(ctx, "/api/v1/namespaces/app/pods/bad", "set-group", "qb.novel.h"))
		says("10.0.0.7", "north/tj/bj-1 qb.novel.h")
		eventually(t, "state", sources.StateLive, func() string { return s.state().State })
	})
	t.Run("a start without the API server", func(t *testing.T) {
		file := filepath.Join(dir, "bj.json")
		eventually(t, "the copy on disk", "qb.novel.h", func() string {
			c, _, err := readDisk(file, s.clusters[0].options)
			do(t, err)
			index := slices.IndexFunc(c.Pods, func(p Pod) bool { return p.Name == "bad" })
			if index < 0 {
				return "not there"
			}
			return c.Pods[index].SET
		})
		stop()
		cluster.KillAPI()
		s, stop = follow(t, options(cluster, dir))
		if state := s.state(); factsText(s, "10.0.0.7") != "north/tj/bj-1 qb.novel.h" || state.State != sources.StateSnapshot || !state.Snapshot || state.AgeSeconds <= 0 {
			t.Errorf("at once after the start: %s, %+v, want the pods of the copy, and its age", factsText(s, "10.0.0.7"), state)
		}
		do(t, cluster.StartAPI(ctx), client.Delete(ctx, "/api/v1/namespaces/app/pods/bad"))
		says("10.0.0.7", "unknown")
		eventually(t, "state", sources.StateLive, func() string { return s.state().State })
	})
}

// Two clusters are one table; what they say of one address is known as far as
// they agree, and one that is away does not touch what the other says.
func TestKubernetesTwoClusters(t *testing.T) {
	ctx := t.Context()
	bj, inBJ := startCluster(t)
	sh, inSH := startCluster(t)
	pod := kubetest.Pod{Namespace: "app", Name: "a", Node: "n1", Labels: set("a.b.c"), IPs: []string{"10.0.0.1"}}
	do(t, inBJ.Namespace(ctx, "app"), inSH.Namespace(ctx, "app"), inBJ.Node(ctx, "n1", places("r", "y", "")), inSH.Node(ctx, "n1", places("r", "z", "")),
		inBJ.Run(ctx, pod), inSH.Run(ctx, pod))
	k := options(bj, t.TempDir())
	k.Clusters = append(k.Clusters, serverconfig.Cluster{Name: "sh", Kubeconfig: sh.Kubeconfig})
	s, _ := follow(t, k)
	eventually(t, "in both", "r a.b.c", func() string { return factsText(s, "10.0.0.1") })
	if n := s.Status(time.Now()).Ambiguous; n != 1 {
		t.Errorf("%d ambiguous addresses, want 1", n)
	}
	bj.KillAPI()
	eventually(t, "state of the one that is away", sources.StateAway, func() string { return s.state().State })
	do(t, inSH.Label(ctx, pod.Path(), "set-group", "a.b.d"))
	eventually(t, "they do not agree", "r ", func() string { return factsText(s, "10.0.0.1") })
	if state := s.Status(time.Now()).Clusters[1].State; state != sources.StateLive {
		t.Errorf("the other is %s, want %s", state, sources.StateLive)
	}
}

// Nodes have the operator's places, by labels and names of the cluster; a Deployment whose
// template lacks the label is said until the template has it.
func TestKubernetesPlacesAndWorkloads(t *testing.T) {
	ctx := t.Context()
	cluster, client := startCluster(t)
	labels := map[string]string{"cloud/region": "cn-shenzhen", corev1.LabelTopologyZone: "cn-shenzhen-a"}
	other := map[string]string{"cloud/region": "cn-hangzhou", corev1.LabelTopologyZone: "cn-hangzhou-b"}
	do(t, client.Namespace(ctx, "app"), client.Node(ctx, "n1", labels, "10.9.0.1"), client.Node(ctx, "n2", other, "10.9.0.2"))
	k := options(cluster, "")
	k.Clusters[0].RegionLabel = "cloud/region"
	k.Clusters[0].PlaceNames = map[string]serverconfig.PlaceName{"cn-shenzhen-a": named("华南", "ap-shenzhen", "")}
	s, _ := follow(t, k)
	problems := func(want ...string) {
		t.Helper()
		eventually(t, "problems", strings.Join(want, "\n"), func() string { return strings.Join(s.state().Problems, "\n") })
	}
	const unnamed = `node "n2" is in zone "cn-hangzhou-b", which placeNames does not have`
	eventually(t, "10.9.0.1", "华南/ap-shenzhen  shared", func() string { return factsText(s, "10.9.0.1") })
	eventually(t, "10.9.0.2", "cn-hangzhou/cn-hangzhou-b  shared", func() string { return factsText(s, "10.9.0.2") })
	problems(unnamed)

	const path = "/apis/apps/v1/namespaces/app/deployments"
	app := map[string]string{"app": "x"}
	deployment := map[string]any{
		"metadata": map[string]any{"name": "core", "labels": set("epp.core.bj")},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": app}, "template": map[string]any{
			"metadata": map[string]any{"labels": app}, "spec": map[string]any{"containers": []any{map[string]string{"name": "c", "image": "registry.invalid/c:1"}}}}},
	}
	do(t, client.Create(ctx, path, deployment))
	problems(unnamed, "label set-group is on the workload only, and its pods have no SET: Deployment app/core (epp.core.bj); expected the label in spec.template.metadata.labels")
	template := map[string]any{"metadata": map[string]any{"labels": set("epp.core.bj")}}
	do(t, client.Patch(ctx, path+"/core", map[string]any{"spec": map[string]any{"template": template}}))
	problems(unnamed)
	do(t, client.Label(ctx, "/api/v1/nodes/n2", corev1.LabelTopologyZone, "cn-shenzhen-a"))
	problems()
	eventually(t, "10.9.0.2", "华南/ap-shenzhen  shared", func() string { return factsText(s, "10.9.0.2") })
}

func TestKubernetesIsLimited(t *testing.T) {
	ctx := t.Context()
	cluster, client := startCluster(t)
	do(t, client.Namespace(ctx, "app"), client.Namespace(ctx, "other"))
	k := options(cluster, "")
	k.Clusters[0].Namespaces, k.Clusters[0].PodSelector = []string{"app"}, "app=x"
	s, _ := follow(t, k)
	do(t, client.Run(ctx, kubetest.Pod{Namespace: "other", Name: "a", Node: "n1", Labels: set("a.b.c"), IPs: []string{"10.0.0.1"}}),
		client.Run(ctx, kubetest.Pod{Namespace: "app", Name: "b", Node: "n1", Labels: map[string]string{"set-group": "a.b.c"}, IPs: []string{"10.0.0.2"}}),
		client.Run(ctx, kubetest.Pod{Namespace: "app", Name: "c", Node: "n1", Labels: set("a.b.c"), IPs: []string{"10.0.0.3"}}))
	eventually(t, "10.0.0.3", " a.b.c", func() string { return factsText(s, "10.0.0.3") })
	if factsText(s, "10.0.0.1") != "unknown" || factsText(s, "10.0.0.2") != "unknown" {
		t.Error("a pod of another namespace or outside of the selector is known")
	}
}

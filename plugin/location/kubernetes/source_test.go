package kubernetes

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
)

// kubeconfigFor writes a kubeconfig for an API server without encryption.
func kubeconfigFor(t *testing.T, url string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kubeconfig")
	text := "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: " + url + "}}], contexts: [{name: c, context: {cluster: c, user: c}}], users: [{name: c, user: {token: x}}]}"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNewRefuses(t *testing.T) {
	const prefix = `plugin.location.option.kubernetes: cluster "bj": `
	good := kubeconfigFor(t, "http://127.0.0.1:1")
	for _, tt := range []struct {
		name    string
		cluster serverconfig.Cluster
		want    string
	}{
		{"not in a cluster", serverconfig.Cluster{}, prefix + "no kubeconfig is given, expected one, or the server to run in the cluster: "},
		{"no such file", serverconfig.Cluster{Kubeconfig: "nowhere"}, prefix + `kubeconfig "nowhere": `},
		{"no such context", serverconfig.Cluster{Kubeconfig: good, Context: "d"}, prefix + `kubeconfig "` + good + `": context "d" does not exist`},
		{"a bad selector", serverconfig.Cluster{Kubeconfig: good, PodSelector: "a in"}, prefix + `podSelector "a in": `},
	} {
		tt.cluster.Name = "bj"
		_, err := New(&serverconfig.Kubernetes{Clusters: []serverconfig.Cluster{tt.cluster}})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s...", tt.name, err, tt.want)
		}
	}
}

func TestReads(t *testing.T) {
	k := keysOf(serverconfig.Cluster{}, &serverconfig.Kubernetes{
		SETLabel: "set-group", SETAnnotation: "set", Places: serverconfig.Places{CampusLabel: "campus"}, Labels: []string{"lane", "none"},
	})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "a", Name: "b", UID: "1", ResourceVersion: "7", CreationTimestamp: metav1.Unix(5, 0),
			Labels: map[string]string{"lane": "gray", "app": "x"}, Annotations: map[string]string{"set": "qb.novel.*", "big": "..."},
		},
		Spec:   corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}, {IP: "::ffff:10.0.0.1"}}, StartTime: new(metav1.Unix(9, 0))},
	}
	want := Pod{
		Namespace: "a", Name: "b", UID: "1", Created: 9, Node: "n", Addrs: ips("10.0.0.1", "fd00::1"),
		SET: "qb.novel.*", SETKey: "annotation set", Labels: map[string]string{"lane": "gray"},
	}
	for range 2 { // the informer strips what is stripped already
		got, ok := k.pod(pod)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || !ok {
			t.Errorf("%t (-want +got):\n%s", ok, diff)
		}
		stripped, _ := k.strip(pod)
		pod = stripped.(*corev1.Pod)
	}
	if len(pod.Annotations) != 1 || pod.Spec.Containers != nil || pod.ResourceVersion != "7" {
		t.Errorf("stripped to %+v", pod)
	}
	pod.Labels["set-group"] = "a.b"
	if got, _ := k.pod(pod); got.SET != "a.b" || got.SETKey != "label set-group" {
		t.Errorf("a label beside the annotation: %q from %s, want the label, also where it is invalid", got.SET, got.SETKey)
	}
	for _, phase := range []corev1.PodPhase{corev1.PodSucceeded, corev1.PodFailed} {
		pod.Status.Phase = phase
		if _, ok := k.pod(pod); ok {
			t.Errorf("a pod that is %s has its address still", phase)
		}
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	if _, ok := k.pod(pod); ok {
		t.Error("a pod without an address is one")
	}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{corev1.LabelTopologyZone: "z", "campus": "c"}},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: "10.9.9.9"}, {Type: corev1.NodeInternalIP, Address: "10.9.0.1"}}},
	}
	if got := k.node(n); got.Depth() != 0 || len(got.Addrs) != 1 {
		t.Errorf("a zone without its region: %+v, want no location and the internal address", got)
	}
}

func TestDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "bj.json")
	if _, ok, err := readDisk(name, "x"); ok || err != nil {
		t.Errorf("no file: %t, %v, want neither", ok, err)
	}
	c := diskCopy{
		Version: diskVersion, Options: "x", Heard: time.Unix(100, 0).UTC(), Nodes: []Node{{Name: "n", Addrs: ips("10.9.0.1"), Location: place("r", "z", "")}},
		Pods: []Pod{{Namespace: "a", Name: "b", Addrs: ips("10.0.0.1"), SET: "a.b.c", SETKey: "label s", Labels: map[string]string{"k": "v"}}},
	}
	if err := diskcopy.Write(name, c); err != nil {
		t.Fatal(err)
	}
	got, ok, err := readDisk(name, "x")
	if diff := cmp.Diff(c, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || !ok || err != nil {
		t.Errorf("%t, %v (-written +read):\n%s", ok, err, diff)
	}
	if _, ok, err := readDisk(name, "y"); ok || err == nil {
		t.Errorf("of other options: %t, %v, want an error", ok, err)
	}
	for what, text := range map[string]string{
		"half a file": "{", "no address": `{"version":1,"of":"x","pods":[{"addrs":[""]}]}`, "a zone": `{"version":1,"of":"x","nodes":[{"addrs":["fe80::1%eth0"]}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := readDisk(name, "x"); ok || err == nil {
			t.Errorf("%s: %t, %v, want an error", what, ok, err)
		}
	}
	if err := os.WriteFile(name, []byte(`{"version":2,"of":"x","pods":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := readDisk(name, "x"); ok || err == nil || err.Error() != name+": version 2, expected 1: another version of setrouter wrote it, and it is not used" {
		t.Errorf("of another version: %t, %v", ok, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("%d files are left, want one", len(left))
	}
}

// An API server that takes connections and never answers keeps nobody waiting,
// and what is on disk is in use at once.
func TestSilentAPIServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dir := t.TempDir()
	k := &serverconfig.Kubernetes{Snapshot: dir, Clusters: []serverconfig.Cluster{{Name: "bj", Kubeconfig: kubeconfigFor(t, "http://"+silent.Addr().String())}}}
	w, err := newWatched(k.Clusters[0], k, NewTable())
	if err != nil {
		t.Fatal(err)
	}
	heard := time.Now().Add(-time.Hour)
	if err := diskcopy.Write(w.file, diskCopy{Version: diskVersion, Options: w.options, Heard: heard, Pods: []Pod{{Namespace: "a", Name: "b", Addrs: ips("10.0.0.1"), SET: "a.b.c"}}}); err != nil {
		t.Fatal(err)
	}
	s, err := New(k)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { s.Run(ctx) })
	defer done.Wait()
	defer cancel()
	facts, ok := s.Facts(ip("10.0.0.1"))
	if !ok || facts.SET != "a.b.c" {
		t.Errorf("%+v, %t, want the pod of the copy on disk", facts, ok)
	}
	got := s.Status(heard.Add(2 * time.Hour)).Clusters[0]
	want := sources.Cluster{Name: "bj", State: sources.StateSnapshot, AgeSeconds: 7200, Pods: 1, Snapshot: true, First: []sources.Invalid{}, Problems: []string{}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(sources.Cluster{}, "Heard")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// Events beyond the queue are left out; nobody waits for the API server.
func TestComplainerIsBounded(t *testing.T) {
	c := newComplainer()
	for range eventsQueued + 10 {
		c.complain(Pod{}, "x")
	}
	if len(c.queue) != eventsQueued {
		t.Errorf("%d wait, want %d", len(c.queue), eventsQueued)
	}
	p := Pod{Namespace: "a", Name: strings.Repeat("p", 253), UID: "1", SET: "x", SETKey: "label s"}
	one, two := complaint{p, "why"}.event(time.Now()), complaint{p, "why"}.event(time.Now().Add(time.Hour))
	if one.Name != two.Name || len(one.Name) > 253 {
		t.Errorf("names %q and %q, want one that an object can have", one.Name, two.Name)
	}
	p.SET = "y"
	if other := (complaint{p, "why"}).event(time.Now()); other.Name == one.Name {
		t.Error("another SET has the same Event")
	}
	if text, _ := json.Marshal(one); !strings.Contains(string(text), `"reason":"InvalidSET"`) {
		t.Errorf("event %s", text)
	}
}

func TestContact(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	var c contact
	client := &http.Client{Transport: c.wrap(server.Client().Transport)}
	ask := func() (heard bool, err error) {
		if resp, err := client.Get(server.URL + "/api/v1/pods"); err == nil {
			resp.Body.Close()
		}
		heardAt, err := c.state()
		return !heardAt.IsZero(), err
	}
	status = http.StatusForbidden
	if heard, err := ask(); heard || err == nil || err.Error() != "the API server answers 403 Forbidden to /api/v1/pods" {
		t.Errorf("refused: heard %t, %v", heard, err)
	}
	status = http.StatusOK
	if heard, err := ask(); !heard || err != nil {
		t.Errorf("answered: heard %t, %v, want heard and no error", heard, err)
	}
	status = http.StatusGone
	if _, err := ask(); err != nil {
		t.Errorf("too old a version, which is asked for again: %v, want no error", err)
	}
	server.Close()
	if _, err := ask(); err == nil {
		t.Error("gone: no error")
	}
}

// A copy of one cluster is not another one's, whatever it is called.
func TestCopyIsOfOneAPIServer(t *testing.T) {
	optionsFor := func(server string) string {
		options := &serverconfig.Kubernetes{Snapshot: t.TempDir()}
		w, err := newWatched(serverconfig.Cluster{Name: "bj", Kubeconfig: kubeconfigFor(t, server)}, options, NewTable())
		if err != nil {
			t.Fatal(err)
		}
		return w.options
	}
	if optionsFor("http://127.0.0.1:1") != optionsFor("http://127.0.0.1:1") || optionsFor("http://127.0.0.1:1") == optionsFor("http://127.0.0.1:2") {
		t.Error("a copy is used for the same API server, and for no other one")
	}
}

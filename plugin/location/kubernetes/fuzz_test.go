package kubernetes

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

func FuzzTable(f *testing.F) {
	fuzztest.AddNoise(f, 16000)
	f.Fuzz(rapid.MakeFuzz(tableFollows))
}

// FuzzPod turns pods and nodes into identities.
func FuzzPod(f *testing.F) {
	f.Add("a.b.c", "a.b.*", "10.0.0.1", "::ffff:10.0.0.2", "r", "z", "v", false, byte(0))
	f.Add("", "x.y.z", "fe80::1%eth0", "10.0.0.1", "", "z", "", true, byte(1))
	f.Add("", "x.y.z", "10.0.0.1", "10.0.0.2", "r", "", "v", false, byte(0))
	f.Add("no set", "", "host", "", "r", "", "", false, byte(2))
	f.Fuzz(func(t *testing.T, set, annotation, ip, nodeIP, region, zone, label string, hostNetwork bool, phase byte) {
		k := keysOf(serverconfig.Cluster{}, &serverconfig.Kubernetes{
			SETLabel: "set-group", SETAnnotation: "set-group", Places: serverconfig.Places{CampusLabel: "campus"}, Labels: []string{"lane"},
		})
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p", UID: "u", Labels: map[string]string{"set-group": set, "lane": label, "other": label}, Annotations: map[string]string{"set-group": annotation}},
			Spec:       corev1.PodSpec{NodeName: "node", HostNetwork: hostNetwork},
			Status:     corev1.PodStatus{Phase: []corev1.PodPhase{corev1.PodRunning, corev1.PodFailed, corev1.PodPending}[phase%3], PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}, {IP: ip}}},
		}
		n := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "node", Labels: map[string]string{corev1.LabelTopologyRegion: region, corev1.LabelTopologyZone: zone, "campus": label}},
			Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeIP}, {Type: corev1.NodeHostName, Address: ip}}},
		}
		pod, ok := k.pod(p)
		stripped, _ := k.strip(p)
		strippedNode, _ := k.strip(n)
		if again, okAgain := k.pod(stripped.(*corev1.Pod)); ok != okAgain || !reflect.DeepEqual(pod, again) {
			t.Fatalf("%+v, stripped %+v", pod, again)
		}
		node := k.node(n)
		if again := k.node(strippedNode.(*corev1.Node)); !reflect.DeepEqual(node, again) {
			t.Fatalf("%+v, stripped %+v", node, again)
		}
		if len(pod.Addrs) > 1 || len(pod.Labels) > 1 || ok && phase%3 == 1 {
			t.Fatalf("pod %+v", pod)
		}
		table := NewTable()
		if ok {
			if invalid := table.PutPod("bj", pod); invalid != "" {
				fuzztest.Printable(t, invalid)
			}
		}
		table.PutNode("bj", node)
		checkAll(t, table)
		for addr, facts := range table.All() {
			if _, err := location.ParseSET(set); facts.SET != "" && err == nil && facts.SET != location.SET(set) {
				t.Errorf("%s has %q, the label %q", addr, facts.SET, set)
			}
			if facts.Location != (location.Location{}) && facts.Location != node.Location {
				t.Errorf("%s is at %s, the node at %s", addr, facts.Location, node.Location)
			}
		}
		table.RemoveNode("bj", "node")
		table.RemovePod("bj", "n/p")
		for addr := range table.All() {
			t.Errorf("%s is known when all are gone", addr)
		}
	})
}

// checkAll checks what a table says of every address.
func checkAll(t *testing.T, table *Table) {
	t.Helper()
	for addr, facts := range table.All() {
		if !addr.IsValid() || addr != location.Normalize(addr) {
			t.Errorf("address %q", addr)
		}
		if _, err := location.ParseSET(string(facts.SET)); facts.SET != "" && err != nil {
			t.Error(err)
		}
		if facts.Shared != nil && (facts.SET != "" || len(facts.Labels) > 0) {
			t.Errorf("%s is shared, and has %s %v", addr, facts.SET, facts.Labels)
		}
	}
}

// FuzzDisk restores a table from any copy on disk, and writes it again: what
// comes back the second time is the same.
func FuzzDisk(f *testing.F) {
	f.Add([]byte(`{"version":1,"of":"x","heard":"2026-11-24T00:00:00Z","pods":[{"namespace":"n","name":"p","uid":"u","created":7,"node":"node","addrs":["10.0.0.1","fd00::1"],"set":"a.b.c","labels":{"k":"v"}},` +
		`{"namespace":"n","name":"q","uid":"v","created":8,"addrs":["10.0.0.1"],"hostNetwork":true}],"nodes":[{"name":"node","created":1,"addrs":["10.0.0.2"],"region":"r","zone":"z"}]}`))
	f.Add([]byte(`{"version":1,"of":"x","pods":[{"addrs":["::ffff:10.0.0.1","",  "10.0.0.1"]},{"addrs":["fe80::1%eth0"],"set":"no"}],"nodes":[{}]}`))
	f.Add([]byte(`{"version":2,"of":"x"}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(dir, "c.json")
		restore := func(data []byte) (*Table, bool) {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			c, ok, err := readDisk(name, "x")
			if ok != (err == nil) {
				t.Fatalf("%t beside %v", ok, err)
			}
			table := NewTable()
			for _, n := range c.Nodes {
				table.PutNode("bj", n)
			}
			for _, p := range c.Pods {
				table.PutPod("bj", p)
			}
			return table, ok
		}
		table, ok := restore(data)
		if !ok {
			if len(table.clusters) > 0 {
				t.Fatal("records of a copy that is refused")
			}
			return
		}
		checkAll(t, table)
		pods, nodes, _ := table.Records("bj")
		written, err := json.Marshal(diskCopy{Version: diskVersion, Options: "x", Pods: pods, Nodes: nodes})
		if err != nil {
			t.Fatal(err)
		}
		same, _ := restore(written)
		before, after := map[netip.Addr]location.Identity{}, map[netip.Addr]location.Identity{}
		for addr, facts := range table.All() {
			before[addr] = facts.Identity
		}
		for addr, facts := range same.All() {
			after[addr] = facts.Identity
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%v came back as %v", before, after)
		}
	})
}

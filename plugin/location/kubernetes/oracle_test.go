package kubernetes

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// model is a cluster's API server: what is there, by key, as an informer's
// store has it.
type model map[string]any

func (m model) GetByKey(key string) (any, bool, error) {
	obj, ok := m[key]
	return obj, ok, nil
}

// oracle reads like the rules of Table: for each address, from what is there.
func oracle(clusters map[string]model) map[netip.Addr]location.Identity {
	type claim struct {
		created int64
		uid     string
		node    bool
		shared  bool
		id      location.Identity
	}
	claims := map[netip.Addr]map[string][]claim{} // by address and cluster
	add := func(cluster, ip string, c claim) {
		addr := netip.MustParseAddr(ip)
		if claims[addr] == nil {
			claims[addr] = map[string][]claim{}
		}
		claims[addr][cluster] = append(claims[addr][cluster], c)
	}
	for name, cluster := range clusters {
		for _, obj := range cluster {
			switch o := obj.(type) {
			case *corev1.Node:
				for _, a := range o.Status.Addresses {
					add(name, a.Address, claim{o.CreationTimestamp.Unix(), o.Name, true, true, location.Identity{Location: where(o)}})
				}
			case *corev1.Pod:
				id := location.Identity{}
				if n, ok := cluster[o.Spec.NodeName].(*corev1.Node); ok {
					id.Location = where(n)
				}
				if set, err := location.ParseSET(o.Labels["set-group"]); err == nil && !o.Spec.HostNetwork {
					id.SET = set
				}
				for _, ip := range o.Status.PodIPs {
					if o.Status.Phase == corev1.PodRunning {
						add(name, ip.IP, claim{o.CreationTimestamp.Unix(), string(o.UID), false, o.Spec.HostNetwork, id})
					}
				}
			}
		}
	}
	out := map[netip.Addr]location.Identity{}
	for addr, byCluster := range claims {
		var winners []claim
		shared := false
		for _, cluster := range slices.Sorted(maps.Keys(byCluster)) {
			list := byCluster[cluster]
			for _, stronger := range []func(claim) bool{func(c claim) bool { return c.shared }, func(c claim) bool { return c.node }} {
				if slices.ContainsFunc(list, stronger) {
					list = slices.DeleteFunc(list, func(c claim) bool { return !stronger(c) })
					shared = true
				}
			}
			winners = append(winners, slices.MinFunc(list, func(a, b claim) int {
				return cmp.Or(cmp.Compare(b.created, a.created), cmp.Compare(a.uid, b.uid))
			}))
		}
		id := winners[0].id
		for _, w := range winners[1:] {
			for id.Location != w.id.Location.Cut(id.Depth()) {
				id.Location = id.Cut(id.Depth() - 1)
			}
			if w.id.SET != id.SET {
				id.SET = ""
			}
		}
		if shared {
			id.SET = ""
		}
		out[addr] = id
	}
	return out
}

func where(n *corev1.Node) location.Location {
	l := location.Location{Region: n.Labels[corev1.LabelTopologyRegion], Zone: n.Labels[corev1.LabelTopologyZone]}
	if l.Region == "" {
		return location.Location{}
	}
	return l
}

// hint is an event that is under way.
type hint struct {
	feed *feed
	key  string
}

// TestTableFollows changes clusters at random, and has the events come late, in
// any order and twice. When all have come, the table is what the oracle makes
// of what is there.
func TestTableFollows(t *testing.T) { rapid.Check(t, tableFollows) }

func tableFollows(t *rapid.T) {
	table := NewTable()
	clusters := map[string]model{"bj": {}, "sh": {}}
	feeds := map[string][2]*feed{}
	k := keys{setLabel: "set-group", places: (&serverconfig.Kubernetes{}).PlacesOf(serverconfig.Cluster{})}
	for name, m := range clusters {
		quiet := func(Pod, string) {}
		feeds[name] = [2]*feed{
			{resource: pods, store: m, records: podRecords{table, name, k, quiet}},
			{resource: nodes, store: m, records: nodeRecords{table, name, k}},
		}
	}
	if rapid.Bool().Draw(t, "from a copy on disk") {
		table.PutPod("bj", Pod{Namespace: "p", Name: "0", UID: "old", Addrs: ips("10.0.0.1"), SET: "o.l.d"})
		table.PutNode("bj", Node{Name: "gone", Addrs: ips("10.0.0.2"), Location: place("o", "l", "d")})
	}
	var pending []hint
	for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
		cluster := rapid.SampledFrom([]string{"bj", "bj", "bj", "sh"}).Draw(t, "cluster")
		if len(pending) > 0 && rapid.IntRange(0, 2).Draw(t, "deliver") == 0 {
			n := rapid.IntRange(0, len(pending)-1).Draw(t, "which")
			pending[n].feed.sync(pending[n].key)
			if rapid.IntRange(0, 3).Draw(t, "again") > 0 {
				pending = slices.Delete(pending, n, n+1)
			}
			continue
		}
		which, key := change(t, clusters[cluster], step)
		pending = append(pending, hint{feeds[cluster][which], key})
	}
	for _, h := range rapid.Permutation(pending).Draw(t, "the rest") {
		h.feed.sync(h.key)
	}
	for _, pair := range feeds {
		pair[0].sweep()
		pair[1].sweep()
	}
	got := map[netip.Addr]location.Identity{}
	for addr, facts := range table.All() {
		got[addr] = facts.Identity
	}
	if diff := gocmp.Diff(oracle(clusters), got); diff != "" {
		t.Fatalf("the table differs from what is there (-oracle +table):\n%s", diff)
	}
}

// change does one thing to a cluster and returns what it was about.
func change(t *rapid.T, m model, step int) (which int, key string) {
	addr := func() string { return fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 4).Draw(t, "address")) }
	created := metav1.Unix(int64(rapid.IntRange(1, 3).Draw(t, "created")), 0)
	node := fmt.Sprint("n", rapid.IntRange(0, 2).Draw(t, "node"))
	if rapid.IntRange(0, 3).Draw(t, "of a node") == 0 {
		if _, ok := m[node]; ok && rapid.Bool().Draw(t, "delete") {
			delete(m, node)
			return 1, node
		}
		m[node] = &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: node, CreationTimestamp: created, Labels: map[string]string{
				corev1.LabelTopologyRegion: rapid.SampledFrom([]string{"", "r", "s"}).Draw(t, "region"),
				corev1.LabelTopologyZone:   rapid.SampledFrom([]string{"y", "z"}).Draw(t, "zone"),
			}},
			Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: addr()}}},
		}
		return 1, node
	}
	name := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "pod"))
	key = "p/" + name
	old, ok := m[key].(*corev1.Pod)
	if ok && rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		delete(m, key)
		return 0, key
	}
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "p", Name: name, UID: types.UID(fmt.Sprint(name, "-", step)), CreationTimestamp: created}}
	if ok && rapid.Bool().Draw(t, "the same pod") {
		p.UID, p.CreationTimestamp = old.UID, old.CreationTimestamp
	}
	p.Labels = map[string]string{"set-group": rapid.SampledFrom([]string{"", "a.b.c", "a.b.d", "invalid"}).Draw(t, "set")}
	p.Spec = corev1.PodSpec{NodeName: node, HostNetwork: rapid.IntRange(0, 5).Draw(t, "host network") == 0}
	p.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodFailed}).Draw(t, "phase")
	for range rapid.IntRange(0, 2).Draw(t, "addresses") {
		if ip := addr(); len(p.Status.PodIPs) == 0 || p.Status.PodIPs[0].IP != ip {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
		}
	}
	m[key] = p
	return 0, key
}

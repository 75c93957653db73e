package nacos

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// registered returns an instance as Polaris keeps it.
func registered(t testing.TB, q query, i nacosmodel.Instance) *apiservice.Instance {
	t.Helper()
	out, err := newInstance(q, i)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// instance returns an instance as Polaris has it.
func instance(id string, weight uint32, healthy, isolated bool, metadata map[string]string) *apiservice.Instance {
	return &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String("10.1.0.1"), Port: wrapperspb.UInt32(80), Weight: wrapperspb.UInt32(weight),
		Healthy: wrapperspb.Bool(healthy), Isolate: wrapperspb.Bool(isolated), Metadata: metadata,
	}
}

// A list as a client sees it, whole.
func TestHosts(t *testing.T) {
	list := []*apiservice.Instance{
		instance("api", 100, true, false, map[string]string{"region": "r", "internal-set-name": "a.b.c"}),
		instance("nacos", 1, true, false, map[string]string{
			"internal-nacos-cluster": "A", "internal-nacos-service": "G__s", "internal-nacos-clientconnId": "c", "version": "1",
		}),
		instance("half", 1, false, false, map[string]string{"internal-nacos-cluster": "B", "internal-nacos-weight": "0.5"}),
		instance("persistent", 7, true, false, map[string]string{"internal-nacos-cluster": "DEFAULT", "internal-nacos-ephemeral": "false"}),
		instance("isolated", 7, true, true, nil),
	}
	host := func(id, cluster string, weight float64, metadata map[string]string) *nacosmodel.Instance {
		return &nacosmodel.Instance{
			Id: id, IP: "10.1.0.1", Port: 80, Weight: weight, Healthy: true, Enabled: true, Ephemeral: true, ClusterName: cluster, ServiceName: "G@@s", Metadata: metadata,
		}
	}
	api := host("api", "DEFAULT", 100, map[string]string{"region": "r", "internal-set-name": "a.b.c"})
	nacos := host("nacos", "A", 1, map[string]string{"version": "1"})
	half := host("half", "B", 0.5, map[string]string{})
	half.Healthy = false
	persistent := host("persistent", "DEFAULT", 7, map[string]string{})
	persistent.Ephemeral = false
	for _, c := range []struct {
		name        string
		clusters    string
		healthyOnly bool
		want        []*nacosmodel.Instance
	}{
		{name: "all", want: []*nacosmodel.Instance{api, nacos, half, persistent}},
		{name: "a filter without a name", clusters: " , ,", want: []*nacosmodel.Instance{api, nacos, half, persistent}},
		{name: "the cluster of instances that have none", clusters: "DEFAULT", want: []*nacosmodel.Instance{api, persistent}},
		{name: "two clusters", clusters: "B, A", want: []*nacosmodel.Instance{nacos, half}},
		{name: "no such cluster", clusters: "C", want: []*nacosmodel.Instance{}},
		{name: "a part of a name", clusters: "DEF,AULT", want: []*nacosmodel.Instance{}},
		{name: "usable ones", healthyOnly: true, want: []*nacosmodel.Instance{api, nacos, persistent}},
		{name: "usable ones of a cluster", clusters: "A,B", healthyOnly: true, want: []*nacosmodel.Instance{nacos}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := hosts(query{namespace: "public", group: "G", service: "s", clusters: c.clusters, healthyOnly: c.healthyOnly}, list)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if text, _ := json.Marshal(got); string(text) == "null" {
				t.Error("an empty list is null, which clients do not read")
			}
		})
	}
}

// A list without routing is as on the stock listener.
func TestStockList(t *testing.T) {
	well, sick, isolated := instance("well", 1, true, false, nil), instance("sick", 1, false, false, nil), instance("isolated", 1, true, true, nil)
	for _, c := range []struct {
		name        string
		threshold   string
		healthyOnly bool
		list        []*apiservice.Instance
		want        map[string]bool // healthy
		protected   bool
	}{
		{name: "isolated ones are left out", list: []*apiservice.Instance{well, sick, isolated}, want: map[string]bool{"well": true, "sick": false}},
		{name: "healthy ones", healthyOnly: true, list: []*apiservice.Instance{well, sick, isolated}, want: map[string]bool{"well": true}},
		{name: "just enough are healthy", threshold: "0.5", list: []*apiservice.Instance{well, sick}, want: map[string]bool{"well": true, "sick": false}},
		{name: "too few are healthy", threshold: "0.6", healthyOnly: true, list: []*apiservice.Instance{well, sick, isolated}, want: map[string]bool{"well": true, "sick": true}, protected: true},
		{name: "none is there", threshold: "1", want: map[string]bool{}},
		{name: "no threshold", threshold: "x", list: []*apiservice.Instance{sick}, want: map[string]bool{"sick": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := listOf("r", c.list...)
			list.Service.Metadata = map[string]string{nacosmodel.InternalNacosServiceProtectThreshold: c.threshold}
			info := newStockInfo(query{group: "G", service: "s", healthyOnly: c.healthyOnly}, list)
			got := map[string]bool{}
			for _, h := range info.Hosts {
				got[h.Id] = h.Healthy
			}
			if diff := cmp.Diff(c.want, got); diff != "" || info.ReachProtectionThreshold != c.protected {
				t.Errorf("protected %t, (-want +got)\n%s", info.ReachProtectionThreshold, diff)
			}
		})
	}
}

// Weights are whole numbers in Polaris, and what a client registered comes back.
func TestWeights(t *testing.T) {
	for _, c := range []struct {
		name     string
		weight   float64
		stored   uint32
		metadata string // of metaWeight
	}{
		{"the default", 1, 1, ""},
		{"none", 0, 0, ""},
		{"a half", 0.5, 1, "0.5"},
		{"nearly nothing", 0.001, 1, "0.001"},
		{"above 1", 1.5, 2, "1.5"},
		{"just above 1", 1.25, 1, "1.25"},
		{"the largest", 10000, 10000, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := checkWeight(c.weight); err != nil {
				t.Error(err)
			}
			given := map[string]string{"k": "v", "internal-nacos-weight": "9", "internal-nacos-cluster": "forged"}
			i := nacosmodel.Instance{Weight: c.weight, Metadata: given, ClusterName: "A", IP: "10.1.0.1"}
			p := registered(t, newQuery("", "", "s"), i)
			if p.GetWeight().GetValue() != c.stored || p.Metadata[metaWeight] != c.metadata || p.Metadata["internal-nacos-cluster"] != "A" || p.Metadata["k"] != "v" {
				t.Errorf("stored %d, %v", p.GetWeight().GetValue(), p.Metadata)
			}
			if got := hostWeight(p); got != c.weight {
				t.Errorf("comes back as %v", got)
			}
			if given["internal-nacos-weight"] != "9" {
				t.Error("the client's metadata are written")
			}
		})
	}
}

// A rule that gives shares alters weights: then the weight of the view counts. Metadata that
// cannot be a weight do not count either.
func TestSharesAreWeights(t *testing.T) {
	for _, c := range []struct {
		weight   uint32
		metadata string
		want     float64
	}{
		{1, "0.5", 0.5}, {3, "0.5", 3}, {10000, "1.5", 10000}, {1, "x", 1}, {1, "NaN", 1}, {1, "-1", 1}, {1, "1e309", 1}, {0, "0.5", 0},
	} {
		if got := hostWeight(instance("i", c.weight, true, false, map[string]string{metaWeight: c.metadata})); got != c.want {
			t.Errorf("%d with %q: %v, want %v", c.weight, c.metadata, got, c.want)
		}
	}
}

func TestPersistentInstance(t *testing.T) {
	ephemeral := registered(t, newQuery("", "G", "s"), nacosmodel.Instance{IP: "10.1.0.1", Port: 80, Weight: 1, Healthy: true, Enabled: true, Ephemeral: true})
	if !ephemeral.GetEnableHealthCheck().GetValue() || ephemeral.GetHealthCheck() == nil || ephemeral.GetService().GetValue() != "G__s" || ephemeral.GetNamespace().GetValue() != "default" {
		t.Errorf("ephemeral: %v", ephemeral)
	}
	persistent := registered(t, newQuery("", "G", "s"), nacosmodel.Instance{IP: "10.1.0.1", Port: 80, Weight: 1, Healthy: true, Enabled: true})
	if persistent.GetEnableHealthCheck().GetValue() || persistent.GetHealthCheck() != nil {
		t.Errorf("persistent: %v", persistent)
	}
	if host := newHost(query{}, persistent, ""); host.Ephemeral {
		t.Error("comes back as ephemeral")
	}
}

// What a client registers comes back, whatever it is, without metadata that are the
// server's.
func FuzzHosts(f *testing.F) {
	f.Add("A", "A,B", 0.5, "key", "value", true)
	f.Add("", ",", 10000.0, "internal-nacos-weight", "0.5", false)
	f.Fuzz(func(t *testing.T, cluster, filter string, weight float64, key, value string, ephemeral bool) {
		if checkWeight(weight) != nil {
			return
		}
		i := nacosmodel.Instance{IP: "10.1.0.1", Weight: weight, Ephemeral: ephemeral, ClusterName: cluster, Metadata: map[string]string{key: value}, Healthy: true, Enabled: true}
		list := []*apiservice.Instance{registered(t, newQuery("", "G", "s"), i)}
		c := parseClusters(filter)
		got := hosts(query{group: "G", service: "s", clusters: filter}, list)
		if want := c.has(clusterOf(list[0])); len(got) == 1 != want {
			t.Fatalf("cluster %q by filter %q: %d", cluster, filter, len(got))
		}
		if len(got) == 0 {
			return
		}
		if got[0].Weight != weight || got[0].Ephemeral != ephemeral || cluster != "" && got[0].ClusterName != cluster {
			t.Fatalf("registered %+v, comes back as %+v", i, got[0])
		}
		if diff := cmp.Diff(clientMetadata(i.Metadata), got[0].Metadata); diff != "" {
			t.Fatal(diff)
		}
		if usable := hosts(query{clusters: filter, healthyOnly: true}, list); slices.ContainsFunc(usable, func(h *nacosmodel.Instance) bool { return h.Weight <= 0 }) {
			t.Fatal("an instance of weight 0 is usable")
		}
	})
}

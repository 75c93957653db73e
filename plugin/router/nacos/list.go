package nacos

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// metaPrefix begins the metadata in which Polaris keeps what it has no field for, of
// instances that Nacos clients registered. Clients neither see these metadata nor set them.
const metaPrefix = "internal-nacos-"

// Metadata of ours beside those of the stock listener.
const (
	metaWeight    = metaPrefix + "weight"    // the weight that was registered, if it is no whole number
	metaEphemeral = metaPrefix + "ephemeral" // "false": a persistent instance
)

// cacheMillis is how long clients of Nacos 1.x keep a list before they ask again, as the
// stock listener says.
const cacheMillis = 1000

// clusters are the clusters that a client asks for; without one, every cluster.
type clusters map[string]bool

// parseClusters reads a filter: names with commas between.
func parseClusters(text string) clusters {
	c := clusters{}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			c[name] = true
		}
	}
	return c
}

// has reports whether instances of a cluster are asked for.
func (c clusters) has(cluster string) bool { return len(c) == 0 || c[cluster] }

// clusterOf returns the cluster of an instance.
func clusterOf(i *apiservice.Instance) string {
	return cmp.Or(i.GetMetadata()[nacosmodel.InternalNacosCluster], nacosmodel.DefaultServiceClusterName)
}

// newInfo returns the answer to a query: the instances of a list of Polaris, which is shared
// and read only. The list may be nil, and the answer is then empty. Whoever sends the
// answer writes its lastRefTime.
func newInfo(q query, list *apiservice.DiscoverResponse) *nacosmodel.ServiceInfo {
	return &nacosmodel.ServiceInfo{
		Name: q.service, GroupName: q.group, Clusters: q.clusters, CacheMillis: cacheMillis,
		Checksum: list.GetService().GetRevision().GetValue(), Hosts: hosts(q, list.GetInstances()),
	}
}

// newStockInfo is newInfo for a list without routing. It does what the stock listener does
// with its lists: where fewer instances are healthy than the service's protection threshold
// says, all are said to be healthy.
func newStockInfo(q query, list *apiservice.DiscoverResponse) *nacosmodel.ServiceInfo {
	info := newInfo(query{q.namespace, q.group, q.service, q.clusters, false}, list)
	healthy := 0
	for _, h := range info.Hosts {
		if h.Healthy {
			healthy++
		}
	}
	threshold, _ := strconv.ParseFloat(list.GetService().GetMetadata()[nacosmodel.InternalNacosServiceProtectThreshold], 64)
	if float64(healthy) < threshold*float64(len(info.Hosts)) {
		info.ReachProtectionThreshold = true
		for _, h := range info.Hosts {
			h.Healthy = true
		}
	} else if q.healthyOnly {
		info.Hosts = slices.DeleteFunc(info.Hosts, func(h *nacosmodel.Instance) bool { return !isUsable(h) })
	}
	return info
}

// isUsable reports whether clients that choose among healthy instances should choose this
// one.
func isUsable(h *nacosmodel.Instance) bool { return h.Healthy && h.Weight > 0 }

// hosts returns a list as Nacos clients see it: the instances of the clusters asked for, in
// the order of the list. Isolated ones are left out, as Nacos does: who is told of changes
// calls all hosts without a look at `enabled`. With healthyOnly they are the usable ones, as
// clients choose among these without a look at `weight`. The result is never nil.
func hosts(q query, list []*apiservice.Instance) []*nacosmodel.Instance {
	asked := parseClusters(q.clusters)
	out := make([]*nacosmodel.Instance, 0, len(list))
	for _, i := range list {
		cluster := clusterOf(i)
		if i.GetIsolate().GetValue() || !asked.has(cluster) {
			continue
		}
		host := newHost(q, i, cluster)
		if q.healthyOnly && !isUsable(host) {
			continue
		}
		out = append(out, host)
	}
	return out
}

func newHost(q query, i *apiservice.Instance, cluster string) *nacosmodel.Instance {
	return &nacosmodel.Instance{
		Id:          i.GetId().GetValue(),
		IP:          i.GetHost().GetValue(),
		Port:        int32(i.GetPort().GetValue()),
		Weight:      hostWeight(i),
		Healthy:     i.GetHealthy().GetValue(),
		Enabled:     true,
		Ephemeral:   i.GetMetadata()[metaEphemeral] != "false",
		ClusterName: cluster,
		ServiceName: q.grouped(),
		Metadata:    clientMetadata(i.GetMetadata()),
	}
}

// clientMetadata returns metadata without those that clients do not see. The result is
// never nil.
func clientMetadata(metadata map[string]string) map[string]string {
	out := make(map[string]string, len(metadata))
	for key, value := range metadata {
		if !strings.HasPrefix(key, metaPrefix) {
			out[key] = value
		}
	}
	return out
}

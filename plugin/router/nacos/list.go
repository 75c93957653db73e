package nacos

import (
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// newInfo returns the answer to a query: the instances of a list of Polaris, which is
// shared and read only. The list is that of the caller, or of the stock server. It may be
// nil, and the answer is then empty.
func newInfo(q query, list *apiservice.DiscoverResponse) *nacosmodel.ServiceInfo {
	info := &nacosmodel.ServiceInfo{
		Name: q.service, GroupName: q.group, Clusters: q.clusters, CacheMillis: 1000, LastRefTime: time.Now().UnixMilli(),
		Checksum: list.GetService().GetRevision().GetValue(), Hosts: []*nacosmodel.Instance{},
	}
	for _, i := range list.GetInstances() {
		if i.GetIsolate().GetValue() || q.healthyOnly && !i.GetHealthy().GetValue() {
			continue
		}
		info.Hosts = append(info.Hosts, &nacosmodel.Instance{
			Id: i.GetId().GetValue(), IP: i.GetHost().GetValue(), Port: int32(i.GetPort().GetValue()),
			Weight: float64(i.GetWeight().GetValue()), Healthy: i.GetHealthy().GetValue(), Enabled: true, Ephemeral: true,
			Metadata: i.GetMetadata(), ClusterName: i.GetMetadata()[nacosmodel.InternalNacosCluster],
			ServiceName: i.GetMetadata()[nacosmodel.InternalNacosServiceName],
		})
	}
	return info
}

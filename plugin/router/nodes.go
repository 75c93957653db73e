package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/nodes"
	"github.com/polaris-contrib/setrouter/internal/nodes/ask"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// Summary is what this node tells of itself to the others, and to whoever else
// asks its listener service-grpc: it costs little and has no secrets.
func (s *Server) Summary() nodes.Summary {
	now := s.now()
	out := nodes.Summary{
		Version: buildinfo.Version(buildinfo.SetRouter), Started: s.started, Now: now, Settings: s.settings, Files: []nodes.Files{},
		Evacuations: len(s.rulesInForce().Evacuations(now)),
		Services:    s.Cache().Service().GetServicesCount(), Instances: s.Cache().Instance().GetInstancesCount(),
	}
	for _, index := range []cachetypes.CacheIndex{cachetypes.CacheService, cachetypes.CacheInstance} {
		of, ok := s.Cache().GetCacher(index).(interface{ LastMtime() time.Time })
		if ok && of.LastMtime().After(out.Changed) {
			out.Changed = of.LastMtime()
		}
	}
	for _, of := range s.live() {
		f := of.Status()
		out.Files = append(out.Files, nodes.Files{
			Kind: of.kind, Digest: f.Digest, Entries: f.Count, LoadedAt: f.LoadedAt, Refused: f.Err != nil, Copy: !f.CopiedAt.IsZero(),
			Gray: slices.ContainsFunc(f.Releases, func(r release.Release) bool { return r.Type == release.TypeGray }),
		})
	}
	return out
}

// maxNodes bounds how many nodes are asked at once: where clients may register
// without a token, they can register nodes, too.
const maxNodes = 100

// Nodes asks all nodes that Polaris knows, this one included, and says whether
// they agree. It takes as long as the slowest, 2 s at most.
func (s *Server) Nodes(ctx context.Context) nodes.Cluster {
	own := s.Summary()
	self := nodes.Node{Address: nodeAddress(utils.LocalHost, uint32(utils.LocalPort)), Self: true, Summary: &own}
	var instances []*model.Instance
	if service := s.Cache().Service().GetServiceByName(s.config.NodesService, "Polaris"); service != nil {
		instances = s.Cache().Instance().GetInstancesByServiceID(service.ID)
	}
	list, left, found := members(self, instances)
	ask.All(ctx, list, s.config.GRPCTLS)
	out := nodes.Cluster{Reasons: nodes.Judge(list), Nodes: list}
	if left > 0 {
		out.Reasons = append(out.Reasons, fmt.Sprintf("Polaris/%s has %d more instances, which were not asked", s.config.NodesService, left))
	}
	if !found {
		out.Note = fmt.Sprintf("this node is not among the instances of Polaris/%s, and may not know the others: see bootstrap.polaris_service for enable_register and self_address", s.config.NodesService)
	}
	out.Agree = len(out.Reasons) == 0
	return out
}

// members are the nodes among the instances of Polaris's own service: this one
// first, found there or not, then the healthy ones; and how many are left out.
func members(self nodes.Node, instances []*model.Instance) (list []nodes.Node, left int, found bool) {
	for _, i := range instances {
		if i.Protocol() != "grpc" { // the other listeners of the same nodes
			continue
		}
		n := nodes.Node{Address: nodeAddress(i.Host(), i.Port()), Healthy: i.Healthy()}
		if n.Address == self.Address {
			self.Healthy, found = n.Healthy, true
			continue
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b nodes.Node) int {
		if a.Healthy != b.Healthy {
			return map[bool]int{true: -1, false: 1}[a.Healthy]
		}
		return strings.Compare(a.Address, b.Address)
	})
	list = append([]nodes.Node{self}, list...)
	left = max(0, len(list)-maxNodes)
	return list[:len(list)-left], left, found
}

func nodeAddress(host string, port uint32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// settingsDigest is equal on nodes whose settings make no difference to a list.
func settingsDigest(c *serverconfig.Config) string {
	var pods serverconfig.Kubernetes
	if c.Kubernetes != nil {
		pods = *c.Kubernetes
		pods.Snapshot, pods.Events, pods.Clusters = "", false, nil
		for _, cluster := range c.Kubernetes.Clusters { // credentials are a node's own
			cluster.Kubeconfig, cluster.Context = "", ""
			pods.Clusters = append(pods.Clusters, cluster)
		}
	}
	proxies := slices.SortedFunc(slices.Values(c.TrustedProxies), netip.Prefix.Compare) // their order means nothing
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v %t %+v", c.Sources, slices.Compact(proxies), c.FailOpen, pods))
	return hex.EncodeToString(sum[:])[:livefile.DigestLength]
}

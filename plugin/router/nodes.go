package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"

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
		Version: version(), Started: s.started, Now: now, Settings: s.settings, Files: []nodes.Files{},
		Evacuations: len(s.rulesInForce().Evacuations(now)),
		Services:    s.Cache().Service().GetServicesCount(), Instances: s.Cache().Instance().GetInstancesCount(),
	}
	for _, of := range s.live() {
		f := of.Status()
		out.Files = append(out.Files, nodes.Files{
			Kind: of.kind, Digest: f.Digest, Entries: f.Count, LoadedAt: f.LoadedAt, Refused: f.Err != nil, Copy: !f.CopiedAt.IsZero(),
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
	service := "Polaris/" + s.config.NodesService
	list, found := s.members()
	note := ""
	if !found {
		note = fmt.Sprintf("this node is not among the instances of %s: it may not know all others; enable_register and self_address are under bootstrap.polaris_service", service)
	}
	left := max(0, len(list)-maxNodes)
	list = list[:len(list)-left]
	ask.All(ctx, list, s.config.GRPCTLS)
	reasons := nodes.Judge(list)
	if left > 0 {
		reasons = append(reasons, fmt.Sprintf("%s has %d more instances, which were not asked", service, left))
	}
	return nodes.Cluster{Agree: len(reasons) == 0, Reasons: reasons, Note: note, Nodes: list}
}

// members are the nodes that Polaris has registered by itself, from this node's
// cache: this one first, found or not, then the healthy ones.
func (s *Server) members() (list []nodes.Node, found bool) {
	own := s.Summary()
	self := nodes.Node{Address: nodeAddress(utils.LocalHost, uint32(utils.LocalPort)), Self: true, Summary: &own}
	var instances []*model.Instance
	if service := s.Cache().Service().GetServiceByName(s.config.NodesService, "Polaris"); service != nil {
		instances = s.Cache().Instance().GetInstancesByServiceID(service.ID)
	}
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
			if a.Healthy {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Address, b.Address)
	})
	return append([]nodes.Node{self}, slices.CompactFunc(list, func(a, b nodes.Node) bool { return a.Address == b.Address })...), found
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
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v %t %+v", c.Sources, c.TrustedProxies, c.FailOpen, pods))
	return hex.EncodeToString(sum[:])[:livefile.DigestLength]
}

// version is that of this pack in the process's program.
var version = sync.OnceValue(func() string {
	const path = "github.com/polaris-contrib/setrouter"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
})

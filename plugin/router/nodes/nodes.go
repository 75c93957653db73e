// Package nodes lets the server nodes of a cluster ask each other how they are.
// Summary is this node's account of itself. Register offers the summary to other
// nodes, by one gRPC call beside the discovery of clients, under their rate
// limits and without a token. Ask asks all nodes and says whether they agree;
// what comes in is for display only.
package nodes

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
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Summary returns what this node tells of itself to the others, and to whoever
// else asks its listener service-grpc: making it costs little, and it has no
// secrets.
func Summary(s *router.Server) api.Summary {
	now, caches := s.Now(), s.Caches()
	out := api.Summary{
		Version: buildinfo.Version(buildinfo.SetRouter), Started: s.Started(), Now: now, Settings: settingsDigest(s.Config()), Files: []api.NodeFiles{},
		Evacuations: len(s.Rules().Evacuations(now)),
		Services:    caches.Service().GetServicesCount(), Instances: caches.Instance().GetInstancesCount(),
		Nacos: slices.Contains(s.Config().Protocols, serverconfig.NacosName),
	}
	for _, index := range []cachetypes.CacheIndex{cachetypes.CacheService, cachetypes.CacheInstance} {
		dated, ok := caches.GetCacher(index).(interface{ LastMtime() time.Time })
		if ok && dated.LastMtime().After(out.Changed) {
			out.Changed = dated.LastMtime()
		}
	}
	for _, b := range s.Backing() {
		if b.AwayAt != nil {
			out.Away = append(out.Away, api.Away{Kind: b.Kind, At: *b.AwayAt})
		}
	}
	for _, f := range s.Files() {
		status := f.Status()
		tags := []string{}
		for _, r := range status.Releases {
			tags = append(tags, r.Tag())
		}
		out.Files = append(out.Files, api.NodeFiles{
			Kind: f.Kind, Digest: status.Digest, Entries: status.Count, LoadedAt: status.LoadedAt, Refused: status.Err != nil, Copy: !status.CopiedAt.IsZero(),
			Gray:     slices.ContainsFunc(status.Releases, func(r release.Release) bool { return r.Type == release.TypeGray }),
			Releases: tags,
		})
	}
	return out
}

// maxNodes bounds how many nodes are asked at once: where clients may register
// without a token, they can register nodes, too.
const maxNodes = 100

// Ask asks all nodes that Polaris knows, this node included, and says whether
// they agree. It takes as long as the slowest node, 2 s at most.
func Ask(ctx context.Context, s *router.Server) api.Cluster {
	list, left, found := membersOf(s)
	summary := Summary(s)
	list[0].Summary = &summary
	askAll(ctx, list, s.Config().GRPCTLS)
	differences := Judge(list)
	if left > 0 {
		differences = append(differences, api.Difference{About: api.AboutLeftOut, Text: leftOut(s.Config().NodesService, left)})
	}
	out := api.NewCluster(list, differences)
	if !found {
		out.Note = notFound(s.Config().NodesService)
	}
	seen.mark(&out, s.Now())
	return out
}

// leftOut and notFound say why nodes may be missing.
func leftOut(service string, left int) string {
	return fmt.Sprintf("Polaris/%s has %d more instances, which were not asked", service, left)
}

func notFound(service string) string {
	return fmt.Sprintf("this node is not among the instances of Polaris/%s, and may not know the others: see bootstrap.polaris_service for enable_register and self_address", service)
}

// membersOf returns the nodes that Polaris knows, as members does.
func membersOf(s *router.Server) (list []api.Node, left int, found bool) {
	var instances []*model.Instance
	if service := s.Caches().Service().GetServiceByName(s.Config().NodesService, route.SystemNamespace); service != nil {
		instances = s.Caches().Instance().GetInstancesByServiceID(service.ID)
	}
	self := api.Node{Address: selfAddress(), Self: true}
	return members(self, instances)
}

// members returns the nodes among the instances of Polaris's own service: this
// node first, found there or not, then the healthy nodes. It returns as well how
// many nodes are left out, and whether this node was found.
func members(self api.Node, instances []*model.Instance) (list []api.Node, left int, found bool) {
	for _, i := range instances {
		if i.Protocol() != "grpc" { // the other listeners of the same nodes
			continue
		}
		n := api.Node{Address: nodeAddress(i.Host(), i.Port()), Healthy: i.Healthy()}
		if n.Address == self.Address {
			self.Healthy, found = n.Healthy, true
			continue
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b api.Node) int {
		if a.Healthy != b.Healthy {
			return map[bool]int{true: -1, false: 1}[a.Healthy]
		}
		return strings.Compare(a.Address, b.Address)
	})
	list = append([]api.Node{self}, list...)
	left = max(0, len(list)-maxNodes)
	return list[:len(list)-left], left, found
}

// selfAddress returns the address at which this node registers itself.
func selfAddress() string { return nodeAddress(utils.LocalHost, uint32(utils.LocalPort)) }

func nodeAddress(host string, port uint32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// settingsDigest returns a digest that is equal on nodes whose settings make no difference to a list.
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
	header := ""
	if len(proxies) > 0 { // without proxies no header is read
		header = " by " + c.ForwardedHeader
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v%s %t %+v", c.Sources, slices.Compact(proxies), header, c.FailOpen, pods))
	return hex.EncodeToString(sum[:])[:livefile.DigestLength]
}

package nodes

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

func nodeInstance(host, protocol string, healthy bool) *model.Instance {
	return &model.Instance{Proto: &apiservice.Instance{
		Host: wrapperspb.String(host), Port: wrapperspb.UInt32(8091), Protocol: wrapperspb.String(protocol), Healthy: wrapperspb.Bool(healthy),
	}}
}

func TestMembers(t *testing.T) {
	self := api.Node{Address: "10.0.0.2:8091", Self: true}
	list, left, found := members(self, []*model.Instance{
		nodeInstance("10.0.0.9", "grpc", true), nodeInstance("10.0.0.1", "grpc", false), nodeInstance("10.0.0.2", "grpc", true),
		nodeInstance("10.0.0.2", "http", true), nodeInstance("fd00::1", "grpc", true), nodeInstance("10.0.0.3", "", true),
	})
	want := []api.Node{
		{Address: "10.0.0.2:8091", Self: true, Healthy: true}, {Address: "10.0.0.9:8091", Healthy: true},
		{Address: "[fd00::1]:8091", Healthy: true}, {Address: "10.0.0.1:8091"},
	}
	if diff := cmp.Diff(want, list); diff != "" || left != 0 || !found {
		t.Errorf("%d left out, found: %t (-want +got):\n%s", left, found, diff)
	}
	if list, _, found := members(self, nil); found || len(list) != 1 || !list[0].Self {
		t.Errorf("without others: %+v, found: %t", list, found)
	}
}

// However many pose as nodes, the healthy ones come first, and it is told how
// many were not asked.
func TestManyNodes(t *testing.T) {
	instances := []*model.Instance{}
	for i := range 5 * maxNodes {
		instances = append(instances, nodeInstance(fmt.Sprintf("10.0.%d.%d", i/200, i%200), "grpc", i >= 490))
	}
	list, left, found := members(api.Node{Address: "10.0.9.9:8091", Self: true}, instances)
	if len(list) != maxNodes || left != 5*maxNodes+1-maxNodes || found {
		t.Errorf("%d nodes, %d left out, found: %t", len(list), left, found)
	}
	for i, n := range list {
		if n.Healthy != (i > 0 && i <= 10) {
			t.Errorf("place %d is %+v", i, n)
		}
	}
}

func TestSettingsDigest(t *testing.T) {
	config := func(change func(*serverconfig.Config)) *serverconfig.Config {
		c := &serverconfig.Config{
			Sources: []string{"mapping", "kubernetes"}, FailOpen: true,
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, ForwardedHeader: location.HeaderForwardedFor,
			Kubernetes: &serverconfig.Kubernetes{SETLabel: "set-group", Snapshot: "data", Clusters: []serverconfig.Cluster{{Name: "bj", Kubeconfig: "a"}}},
		}
		change(c)
		return c
	}
	base := settingsDigest(config(func(*serverconfig.Config) {}))
	for name, tt := range map[string]struct {
		change func(*serverconfig.Config)
		same   bool
	}{
		"nothing":      {func(*serverconfig.Config) {}, true},
		"a token":      {func(c *serverconfig.Config) { c.Admin.Token = "t" }, true},
		"a kubeconfig": {func(c *serverconfig.Config) { c.Kubernetes.Clusters[0].Kubeconfig = "b" }, true},
		"a directory":  {func(c *serverconfig.Config) { c.Kubernetes.Snapshot = "elsewhere" }, true},
		"an order":     {func(c *serverconfig.Config) { slices.Reverse(c.TrustedProxies) }, true},
		"sources":      {func(c *serverconfig.Config) { c.Sources = []string{"kubernetes", "mapping"} }, false},
		"a proxy":      {func(c *serverconfig.Config) { c.TrustedProxies = nil }, false},
		"a header":     {func(c *serverconfig.Config) { c.ForwardedHeader = location.HeaderRealIP }, false},
		"failOpen":     {func(c *serverconfig.Config) { c.FailOpen = false }, false},
		"a label":      {func(c *serverconfig.Config) { c.Kubernetes.SETLabel = "set" }, false},
		"a cluster":    {func(c *serverconfig.Config) { c.Kubernetes.Clusters[0].Name = "sh" }, false},
		"no clusters":  {func(c *serverconfig.Config) { c.Kubernetes = nil }, false},
	} {
		c := config(tt.change)
		if got := settingsDigest(c); (got == base) != tt.same {
			t.Errorf("%s: digest %s, and %s before", name, got, base)
		}
	}
}

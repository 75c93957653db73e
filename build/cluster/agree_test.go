package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var shanghai = netip.MustParseAddr("127.1.0.1")

func novel() []polaristest.Instance {
	of := func(host, set string) polaristest.Instance {
		return polaristest.Instance{
			Namespace: "default", Service: "novel", Host: host, Port: 8000, Weight: 100, Healthy: true,
			Metadata: map[string]string{"internal-set-name": set, "internal-enable-set": "Y"},
		}
	}
	return []polaristest.Instance{of("10.11.0.1", "qb.novel.h"), of("10.12.0.1", "qb.novel.z"), of("10.13.0.1", "qb.novel.*")}
}

// gets is what a caller gets of a node: hosts and the revision.
func gets(t *testing.T, n node, caller netip.Addr, want ...string) (revision string) {
	t.Helper()
	wait(t, func() error {
		got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: caller, Namespace: "default", Service: "novel"})
		if err != nil {
			return err
		}
		var hosts []string
		for _, i := range got.Instances {
			hosts = append(hosts, i.Host)
		}
		slices.Sort(hosts)
		if !slices.Equal(hosts, want) {
			return fmt.Errorf("%s gives %v, want %v (code %d)", n.IP, hosts, want, got.Code)
		}
		if revision = got.Service.Revision; revision == "" {
			return errors.New("no revision")
		}
		return nil
	})
	return revision
}

// Nodes give equal lists with equal revisions.
func TestNodesAgree(t *testing.T) {
	c := cluster(t)
	first := join(t, c, polaristest.Options{})
	second := join(t, c, polaristest.Options{})
	done(t, first.Register(t.Context(), novel()...))
	if one, other := gets(t, first, shanghai, "10.11.0.1"), gets(t, second, shanghai, "10.11.0.1"); one != other {
		t.Errorf("revisions %s and %s", one, other)
	}
}

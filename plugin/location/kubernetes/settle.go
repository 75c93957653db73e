package kubernetes

import (
	"cmp"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// settle publishes what is known of addresses now, where it differs.
func (t *Table) settle(addrs []netip.Addr) {
	for _, addr := range addrs {
		h := t.holders[addr]
		if h == nil {
			continue
		}
		facts, clusters := h.facts()
		if was := h.ambiguous; was != (clusters > 1) {
			h.ambiguous = !was
			if t.ambiguous++; was {
				t.ambiguous -= 2
			}
		}
		old, ok := t.Facts(addr)
		switch {
		case clusters == 0:
			delete(t.holders, addr)
			t.facts.Delete(addr)
			if ok {
				t.generation.Add(1)
			}
		case !ok || !reflect.DeepEqual(old, &facts):
			t.facts.Store(addr, &facts)
			t.generation.Add(1)
		}
	}
}

// facts are what the holders together say, and in how many clusters they are.
func (h *holders) facts() (f location.Facts, clusters int) {
	byCluster := map[*cluster]location.Facts{}
	slices.SortFunc(h.pods, newerPod)
	for _, p := range h.pods {
		if known, ok := byCluster[p.cluster]; !ok || p.HostNetwork && known.Shared == nil {
			byCluster[p.cluster] = p.facts()
		}
	}
	slices.SortFunc(h.nodes, newerNode)
	for _, n := range slices.Backward(h.nodes) {
		byCluster[n.cluster] = n.facts()
	}
	clusters = len(byCluster)
	names := slices.SortedFunc(maps.Keys(byCluster), func(a, b *cluster) int { return cmp.Compare(a.name, b.name) })
	for i, c := range names {
		if facts := byCluster[c]; i == 0 {
			f = facts
		} else {
			agree(&f, &facts)
		}
	}
	return f, clusters
}

// agree takes from f what another cluster does not say as well. That a pod has
// no SET is said, too: it is never given another cluster's.
func agree(f, other *location.Facts) {
	depth := min(f.Location.Depth(), other.Location.Depth())
	for f.Cut(depth) != other.Cut(depth) {
		depth--
	}
	from := []*location.Origin{f.RegionFrom, f.ZoneFrom, f.CampusFrom}
	clear(from[depth:])
	f.Location, f.RegionFrom, f.ZoneFrom, f.CampusFrom = f.Cut(depth), from[0], from[1], from[2]
	f.Shared = cmp.Or(f.Shared, other.Shared)
	if f.SET != other.SET || f.Shared != nil {
		f.SET, f.SETFrom = "", nil
	}
	f.Labels, f.LabelsFrom = nil, nil
}

// newerPod orders pods that claim one address: it was given to the one that was
// started last.
func newerPod(a, b *pod) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.UID, b.UID))
}

// newerNode is the same for nodes.
func newerNode(a, b *node) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.Name, b.Name))
}

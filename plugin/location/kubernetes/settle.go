package kubernetes

import (
	"cmp"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// settle publishes the facts of addresses that have changed.
func (t *Table) settle(addrs []netip.Addr) {
	for _, addr := range addrs {
		h := t.holders[addr]
		if h == nil {
			continue
		}
		facts, clusters := h.facts()
		t.setAmbiguous(h, clusters > 1)
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

// setAmbiguous notes whether holders are in several clusters, and counts them.
func (t *Table) setAmbiguous(h *holders, ambiguous bool) {
	switch {
	case ambiguous && !h.ambiguous:
		t.ambiguous++
	case !ambiguous && h.ambiguous:
		t.ambiguous--
	}
	h.ambiguous = ambiguous
}

// facts returns the facts of an address with these holders, and the number of
// clusters that they are in.
func (h *holders) facts() (f location.Facts, clusters int) {
	byCluster := map[*cluster]location.Facts{}
	slices.SortFunc(h.pods, newerPod)
	for _, p := range h.pods {
		if newer, ok := byCluster[p.cluster]; !ok || p.HostNetwork && newer.Shared == nil {
			byCluster[p.cluster] = p.facts()
		}
	}
	slices.SortFunc(h.nodes, newerNode)
	for _, n := range slices.Backward(h.nodes) {
		byCluster[n.cluster] = n.facts()
	}
	clusters = len(byCluster)
	ordered := slices.SortedFunc(maps.Keys(byCluster), func(a, b *cluster) int { return cmp.Compare(a.name, b.name) })
	for i, c := range ordered {
		if other := byCluster[c]; i == 0 {
			f = other
		} else {
			keepCommon(&f, &other)
		}
	}
	return f, clusters
}

// keepCommon removes from f the facts on which another cluster does not agree. A pod
// without a SET does not agree with a SET: it must not get the SET of another
// cluster's pod.
func keepCommon(f, other *location.Facts) {
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

// newerPod orders pods with one address, the last started first: the address belongs
// to the last started.
func newerPod(a, b *pod) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.UID, b.UID))
}

// newerNode orders nodes with one address, the last created first.
func newerNode(a, b *node) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.Name, b.Name))
}

package kubernetes

import (
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Table knows addresses from the pods and nodes of clusters. Records are put
// and removed in any order; what it says depends only on those that are there:
//
//   - an address of a node, or of a pod in its network, is shared: it has the
//     node's location alone;
//   - of several pods of a cluster with one address, the last created has it;
//   - of an address in several clusters, only what they agree on is known.
//
// It is safe for concurrent use, and readers do not wait for writers.
type Table struct {
	facts      sync.Map // netip.Addr to *location.Facts
	generation atomic.Uint64

	mu        sync.Mutex
	clusters  map[string]*cluster
	holders   map[netip.Addr]*holders
	ambiguous int // addresses in several clusters
}

type cluster struct {
	name   string
	pods   map[string]*pod
	nodes  map[string]*node
	onNode map[string]map[*pod]bool
	bad    map[string]*pod // with an invalid SET
	// changes counts changes of the records, for the copy on disk.
	changes uint64
}

// holders are the records with an address.
type holders struct {
	pods      []*pod
	nodes     []*node
	ambiguous bool
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{clusters: map[string]*cluster{}, holders: map[netip.Addr]*holders{}}
}

// Facts are those of an address.
func (t *Table) Facts(addr netip.Addr) (*location.Facts, bool) {
	v, ok := t.facts.Load(addr)
	if !ok {
		return nil, false
	}
	return v.(*location.Facts), true
}

// Generation goes up after each change of what Facts returns.
func (t *Table) Generation() uint64 { return t.generation.Load() }

// All iterates over the addresses, in no certain order.
func (t *Table) All() iter.Seq2[netip.Addr, *location.Facts] {
	return func(yield func(netip.Addr, *location.Facts) bool) {
		t.facts.Range(func(addr, facts any) bool { return yield(addr.(netip.Addr), facts.(*location.Facts)) })
	}
}

// PutPod adds a pod of a cluster, or replaces it. It returns why the pod's SET
// is none, where that is news.
func (t *Table) PutPod(in string, p Pod) (invalid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	old := c.pods[p.Key()]
	if old != nil && old.equal(&p) {
		return ""
	}
	t.unlinkPod(old)
	c.changes++
	next := newPod(c, p)
	c.pods[p.Key()] = next
	if c.onNode[p.Node] == nil {
		c.onNode[p.Node] = map[*pod]bool{}
	}
	c.onNode[p.Node][next] = true
	if next.invalid != "" {
		c.bad[p.Key()] = next
	}
	for _, addr := range p.Addrs {
		h := t.held(addr)
		h.pods = append(h.pods, next)
	}
	t.settle(p.Addrs)
	if old != nil {
		t.settle(old.Addrs)
		if old.UID == p.UID && old.invalid == next.invalid {
			return ""
		}
	}
	return next.invalid
}

// RemovePod removes the pod with a key.
func (t *Table) RemovePod(in, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	if old := c.pods[key]; old != nil {
		c.changes++
		t.unlinkPod(old)
		t.settle(old.Addrs)
	}
}

func (t *Table) unlinkPod(p *pod) {
	if p == nil {
		return
	}
	c := p.cluster
	delete(c.pods, p.Key())
	delete(c.bad, p.Key())
	delete(c.onNode[p.Node], p)
	if len(c.onNode[p.Node]) == 0 {
		delete(c.onNode, p.Node)
	}
	for _, addr := range p.Addrs {
		h := t.holders[addr]
		h.pods = slices.DeleteFunc(h.pods, func(other *pod) bool { return other == p })
	}
}

// PutNode adds a node of a cluster, or replaces it.
func (t *Table) PutNode(in string, n Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	old := c.nodes[n.Name]
	if old != nil && old.equal(&n) {
		return
	}
	t.unlinkNode(old)
	c.changes++
	next := newNode(c, n)
	c.nodes[n.Name] = next
	for _, addr := range n.Addrs {
		h := t.held(addr)
		h.nodes = append(h.nodes, next)
	}
	t.settle(n.Addrs)
	if old != nil {
		t.settle(old.Addrs)
	}
	t.settlePodsOn(c, n.Name)
}

// RemoveNode removes a node.
func (t *Table) RemoveNode(in, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	if old := c.nodes[name]; old != nil {
		c.changes++
		t.unlinkNode(old)
		t.settle(old.Addrs)
		t.settlePodsOn(c, name)
	}
}

func (t *Table) unlinkNode(n *node) {
	if n == nil {
		return
	}
	delete(n.cluster.nodes, n.Name)
	for _, addr := range n.Addrs {
		h := t.holders[addr]
		h.nodes = slices.DeleteFunc(h.nodes, func(other *node) bool { return other == n })
	}
}

func (t *Table) settlePodsOn(c *cluster, node string) {
	for p := range c.onNode[node] {
		t.settle(p.Addrs)
	}
}

func (t *Table) cluster(name string) *cluster {
	c := t.clusters[name]
	if c == nil {
		c = &cluster{
			name: name, pods: map[string]*pod{}, nodes: map[string]*node{}, onNode: map[string]map[*pod]bool{}, bad: map[string]*pod{},
		}
		t.clusters[name] = c
	}
	return c
}

func (t *Table) held(addr netip.Addr) *holders {
	h := t.holders[addr]
	if h == nil {
		h = &holders{}
		t.holders[addr] = h
	}
	return h
}

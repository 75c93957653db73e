package kubernetes

import (
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Table knows addresses from the pods and nodes of clusters. Callers put and remove
// records in any order. The facts depend only on the records that remain:
//
//   - an address of a node, or of a pod in the node's network, is shared: it has
//     the location of the node, and nothing else;
//   - an address of several pods of a cluster belongs to the last created;
//   - an address in several clusters has only the facts on which they agree.
//
// A Table is safe for concurrent use, and readers do not wait for writers.
type Table struct {
	facts      sync.Map // netip.Addr to *location.Facts
	generation atomic.Uint64

	mu        sync.Mutex
	clusters  map[string]*cluster
	holders   map[netip.Addr]*holders
	ambiguous int // addresses in several clusters
}

// cluster is the records of a cluster.
type cluster struct {
	name           string
	pods           map[string]*pod          // by key
	nodes          map[string]*node         // by name
	onNode         map[string]map[*pod]bool // the pods on a node, by its name
	withInvalidSET map[string]*pod          // by key
	changes        uint64                   // counts changes of the records, for the copy on disk
}

// holders are the pods and nodes that have an address.
type holders struct {
	pods      []*pod
	nodes     []*node
	ambiguous bool // they are in several clusters
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{clusters: map[string]*cluster{}, holders: map[netip.Addr]*holders{}}
}

// Facts returns the facts of an address; ok is false for an unknown address. The
// facts are shared: read only.
func (t *Table) Facts(addr netip.Addr) (facts *location.Facts, ok bool) {
	value, ok := t.facts.Load(addr)
	if !ok {
		return nil, false
	}
	return value.(*location.Facts), true
}

// Generation returns a count that goes up after each change of what Facts returns.
func (t *Table) Generation() uint64 { return t.generation.Load() }

// All iterates over the addresses, in no certain order.
func (t *Table) All() iter.Seq2[netip.Addr, *location.Facts] {
	return func(yield func(netip.Addr, *location.Facts) bool) {
		t.facts.Range(func(addr, facts any) bool { return yield(addr.(netip.Addr), facts.(*location.Facts)) })
	}
}

// PutPod adds or replaces a pod of a cluster. If the SET of the pod is invalid, and
// the last PutPod of the pod did not say so, PutPod returns the reason.
func (t *Table) PutPod(clusterName string, p Pod) (invalid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
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
		c.withInvalidSET[p.Key()] = next
	}
	for _, addr := range p.Addrs {
		h := t.holdersOf(addr)
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

// RemovePod removes the pod with a key from a cluster.
func (t *Table) RemovePod(clusterName, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	if old := c.pods[key]; old != nil {
		c.changes++
		t.unlinkPod(old)
		t.settle(old.Addrs)
	}
}

// unlinkPod removes a pod from all indexes. It ignores nil.
func (t *Table) unlinkPod(p *pod) {
	if p == nil {
		return
	}
	c := p.cluster
	delete(c.pods, p.Key())
	delete(c.withInvalidSET, p.Key())
	delete(c.onNode[p.Node], p)
	if len(c.onNode[p.Node]) == 0 {
		delete(c.onNode, p.Node)
	}
	for _, addr := range p.Addrs {
		h := t.holders[addr]
		h.pods = slices.DeleteFunc(h.pods, func(other *pod) bool { return other == p })
	}
}

// PutNode adds or replaces a node of a cluster.
func (t *Table) PutNode(clusterName string, n Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	old := c.nodes[n.Name]
	if old != nil && old.equal(&n) {
		return
	}
	t.unlinkNode(old)
	c.changes++
	next := newNode(c, n)
	c.nodes[n.Name] = next
	for _, addr := range n.Addrs {
		h := t.holdersOf(addr)
		h.nodes = append(h.nodes, next)
	}
	t.settle(n.Addrs)
	if old != nil {
		t.settle(old.Addrs)
	}
	t.settlePodsOn(c, n.Name)
}

// RemoveNode removes a node from a cluster.
func (t *Table) RemoveNode(clusterName, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	if old := c.nodes[name]; old != nil {
		c.changes++
		t.unlinkNode(old)
		t.settle(old.Addrs)
		t.settlePodsOn(c, name)
	}
}

// unlinkNode removes a node from all indexes. It ignores nil.
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

// settlePodsOn publishes the facts of the pods on a node.
func (t *Table) settlePodsOn(c *cluster, node string) {
	for p := range c.onNode[node] {
		t.settle(p.Addrs)
	}
}

// cluster returns the records of a cluster; it adds them if they are new.
func (t *Table) cluster(name string) *cluster {
	c := t.clusters[name]
	if c == nil {
		c = &cluster{
			name: name, pods: map[string]*pod{}, nodes: map[string]*node{}, onNode: map[string]map[*pod]bool{}, withInvalidSET: map[string]*pod{},
		}
		t.clusters[name] = c
	}
	return c
}

// holdersOf returns the holders of an address; it adds them if they are new.
func (t *Table) holdersOf(addr netip.Addr) *holders {
	h := t.holders[addr]
	if h == nil {
		h = &holders{}
		t.holders[addr] = h
	}
	return h
}

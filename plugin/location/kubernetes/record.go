package kubernetes

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Pod is the part of a pod that the source reads. The copy on disk has pods in this
// JSON.
type Pod struct {
	Namespace string       `json:"namespace"`
	Name      string       `json:"name"`
	UID       string       `json:"uid"`
	Created   int64        `json:"created"` // Unix seconds; the start of the pod, if the start is known
	Node      string       `json:"node,omitempty"`
	Addrs     []netip.Addr `json:"addrs"` // normalised
	// HostNetwork pods have their node's addresses, which are shared.
	HostNetwork bool              `json:"hostNetwork,omitempty"`
	SET         string            `json:"set,omitempty"` // as the pod has it, valid or not
	SETKey      string            `json:"setKey,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"` // on the allow list
}

// Key returns namespace/name: the name of the pod in its cluster. A later pod can
// have the same key.
func (p *Pod) Key() string { return p.Namespace + "/" + p.Name }

// equal reports whether two pods are the same in all fields.
func (p *Pod) equal(o *Pod) bool {
	return p.UID == o.UID && p.Created == o.Created && p.Node == o.Node && p.HostNetwork == o.HostNetwork && p.Key() == o.Key() &&
		p.SET == o.SET && p.SETKey == o.SETKey && slices.Equal(p.Addrs, o.Addrs) && maps.Equal(p.Labels, o.Labels)
}

// Node is the part of a node that the source reads. The copy on disk has nodes in
// this JSON.
type Node struct {
	Name    string       `json:"name"`
	Created int64        `json:"created"`         // Unix seconds
	Addrs   []netip.Addr `json:"addrs,omitempty"` // normalised
	location.Location
	// Unnamed is what the configured placeNames lack: which name, and the nearest
	// they have. Empty: they name the place, or there are none.
	Unnamed string `json:"unnamed,omitempty"`
}

// equal reports whether two nodes are the same in all fields.
func (n *Node) equal(o *Node) bool {
	return n.Name == o.Name && n.Created == o.Created && n.Location == o.Location && n.Unnamed == o.Unnamed && slices.Equal(n.Addrs, o.Addrs)
}

// pod is a pod in the table.
type pod struct {
	Pod
	cluster *cluster
	set     location.SET // empty if Pod.SET is empty or invalid
	invalid string       // why Pod.SET is invalid; empty if it is not
	origin  *location.Origin
}

// node is a node in the table.
type node struct {
	Node
	cluster *cluster
	origin  *location.Origin
}

func newPod(c *cluster, p Pod) *pod {
	out := &pod{Pod: p, cluster: c, origin: &location.Origin{Source: location.SourceKubernetes, Match: "pod " + c.name + "/" + p.Key()}}
	if p.SET == "" {
		return out
	}
	set, err := location.ParseSET(p.SET)
	if err != nil {
		out.invalid = err.Error()
		return out
	}
	out.set = set
	return out
}

func newNode(c *cluster, n Node) *node {
	return &node{n, c, &location.Origin{Source: location.SourceKubernetes, Match: "node " + c.name + "/" + n.Name}}
}

// facts returns the facts of an address of the pod.
func (p *pod) facts() location.Facts {
	f := p.cluster.nodes[p.Node].facts()
	f.Shared = nil
	if p.HostNetwork {
		f.Shared = p.origin
		return f
	}
	if p.set != "" {
		f.SET, f.SETFrom = p.set, p.origin
	}
	if len(p.Labels) > 0 {
		f.Labels, f.LabelsFrom = p.Labels, make(map[string]*location.Origin, len(p.Labels))
		for key := range p.Labels {
			f.LabelsFrom[key] = p.origin
		}
	}
	return f
}

// facts returns the facts of an address of the node. The node shares its addresses
// with the pods in its network and with the pods whose packets it translates. For a
// nil node, which the table does not know yet, facts returns no facts.
func (n *node) facts() (f location.Facts) {
	if n == nil {
		return f
	}
	f.Location = n.Location
	f.AssignOrigin(n.origin)
	f.Shared = n.origin
	return f
}

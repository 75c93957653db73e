package kubernetes

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Pod is what matters of a pod that has addresses. Its JSON is that of the copy
// on disk.
type Pod struct {
	Namespace string       `json:"namespace"`
	Name      string       `json:"name"`
	UID       string       `json:"uid"`
	Created   int64        `json:"created"` // Unix seconds; when it was started, if that is known
	Node      string       `json:"node,omitempty"`
	Addrs     []netip.Addr `json:"addrs"` // normalised
	// HostNetwork pods have their node's addresses, which are shared.
	HostNetwork bool              `json:"hostNetwork,omitempty"`
	SET         string            `json:"set,omitempty"` // as it stands there, valid or not
	SETKey      string            `json:"setKey,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"` // of the allow list
}

// Key names the pod in its cluster, at one time.
func (p *Pod) Key() string { return p.Namespace + "/" + p.Name }

func (p *Pod) equal(o *Pod) bool {
	return p.UID == o.UID && p.Created == o.Created && p.Node == o.Node && p.HostNetwork == o.HostNetwork && p.Key() == o.Key() &&
		p.SET == o.SET && p.SETKey == o.SETKey && slices.Equal(p.Addrs, o.Addrs) && maps.Equal(p.Labels, o.Labels)
}

// Node is what matters of a node.
type Node struct {
	Name    string       `json:"name"`
	Created int64        `json:"created"`         // Unix seconds
	Addrs   []netip.Addr `json:"addrs,omitempty"` // normalised
	location.Location
}

func (n *Node) equal(o *Node) bool {
	return n.Name == o.Name && n.Created == o.Created && n.Location == o.Location && slices.Equal(n.Addrs, o.Addrs)
}

// pod is a pod in the table.
type pod struct {
	Pod
	cluster *cluster
	set     location.SET // empty if there is none, or an invalid one
	invalid string       // why it is
	place   *location.Origin
}

// node is a node in the table.
type node struct {
	Node
	cluster *cluster
	place   *location.Origin
}

func newPod(c *cluster, p Pod) *pod {
	out := &pod{Pod: p, cluster: c, place: &location.Origin{Source: location.SourceKubernetes, Match: "pod " + c.name + "/" + p.Key()}}
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

// facts are what the pod says of an address that is its own.
func (p *pod) facts() location.Facts {
	f := p.cluster.nodes[p.Node].facts()
	f.Shared = nil
	if p.HostNetwork {
		f.Shared = p.place
		return f
	}
	if p.set != "" {
		f.SET, f.SETFrom = p.set, p.place
	}
	if len(p.Labels) > 0 {
		f.Labels, f.LabelsFrom = p.Labels, make(map[string]*location.Origin, len(p.Labels))
		for key := range p.Labels {
			f.LabelsFrom[key] = p.place
		}
	}
	return f
}

// facts are what the node says of its addresses: it is where it is, and so are
// the pods in its network and those whose packets it translates. A nil node is
// one that is not known yet.
func (n *node) facts() (f location.Facts) {
	if n == nil {
		return f
	}
	f.Location = n.Location
	f.AssignOrigin(n.place)
	f.Shared = n.place
	return f
}

package serverconfig

import (
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Kubernetes are the options of the identity source `kubernetes`.
type Kubernetes struct {
	SETLabel      string
	SETAnnotation string   // for SET names that a label cannot hold, as a.b.*
	CampusLabel   string   // of nodes; empty: nodes have no campus
	Labels        []string // of pods, that become labels of the identity
	Snapshot      string   // directory of the copies on disk; empty: no copies
	Events        bool     // write an Event on a pod whose SET is not a SET name
	Clusters      []Cluster
}

// Cluster is a cluster to watch.
type Cluster struct {
	Name        string
	Kubeconfig  string   // a file; empty: the cluster that the process runs in
	Context     string   // in Kubeconfig; empty: the current one
	Namespaces  []string // empty: all
	PodSelector string   // a label selector, as for kubectl
}

// readKubernetes reads the options. Without `clusters` the source watches the
// cluster that the process runs in.
func readKubernetes(n strict.Node) *Kubernetes {
	k := &Kubernetes{SETLabel: "set-group", SETAnnotation: "set-group", Snapshot: "data/kubernetes", Events: true}
	values := n.Bind(
		strict.Optional("setLabel", strict.Text(&k.SETLabel)),
		strict.Optional("setAnnotation", strict.Text(&k.SETAnnotation)),
		strict.Optional("campusLabel", strict.Text(&k.CampusLabel)),
		strict.Optional("labels", func(n strict.Node) { k.Labels = textItems(n) }),
		strict.Optional("snapshot", strict.Text(&k.Snapshot)),
		strict.Optional("events", strict.Bool(&k.Events)),
		strict.Optional("clusters", k.readClusters),
	)
	if !values.Has("clusters") {
		k.Clusters = []Cluster{{Name: "local"}}
	}
	return k
}

func (k *Kubernetes) readClusters(n strict.Node) {
	names := []string{}
	for _, item := range n.Items() {
		c := readCluster(item)
		if slices.Contains(names, c.Name) {
			item.Errorf("cluster %q is given twice, expected each name once", c.Name)
		}
		names = append(names, c.Name)
		k.Clusters = append(k.Clusters, c)
	}
	if len(k.Clusters) == 0 {
		n.Errorf("the list is empty, expected clusters: [{name: ..., kubeconfig: FILE}], or none for the cluster that the server runs in")
	}
}

func readCluster(n strict.Node) (c Cluster) {
	n.Bind(
		strict.Optional("name", strict.Text(&c.Name)),
		strict.Optional("kubeconfig", strict.Text(&c.Kubeconfig)),
		strict.Optional("context", strict.Text(&c.Context)),
		strict.Optional("namespaces", func(n strict.Node) { c.Namespaces = textItems(n) }),
		strict.Optional("podSelector", strict.Text(&c.PodSelector)),
	)
	if !isFileName(c.Name) {
		n.Errorf("the cluster has the name %q, expected letters, digits, '_' and '-': it names a file and stands in metrics", c.Name)
	}
	if c.Context != "" && c.Kubeconfig == "" {
		n.Errorf("context %q is given without a kubeconfig, expected the file that has it", c.Context)
	}
	return c
}

// isFileName reports whether s is letters, digits, '_' and '-'.
func isFileName(s string) bool {
	for _, c := range s {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// textItems returns the texts of a list. An empty text, and a text that is given
// twice, are faults.
func textItems(n strict.Node) []string {
	var out []string
	for _, item := range n.Items() {
		word := item.TextOr()
		if word == "" || slices.Contains(out, word) {
			item.Errorf("%q is empty or given twice, expected each name once", word)
		}
		out = append(out, word)
	}
	return out
}

package serverconfig

import (
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Kubernetes are the options of the identity source `kubernetes`.
type Kubernetes struct {
	SETLabel      string
	SETAnnotation string   // for SET names that a label cannot hold, as a.b.*
	Places                 // of clusters that do not have their own
	Labels        []string // of pods, that become labels of the identity
	Snapshot      string   // directory of the copies on disk; empty: no copies
	Events        bool     // write an Event on a pod whose SET is not a SET name
	Workloads     bool     // look for Deployments and their like whose pods lack their SET
	Clusters      []Cluster
}

// Cluster is a cluster to watch.
type Cluster struct {
	Name        string
	Kubeconfig  string   // a file; empty: the cluster that the process runs in
	Context     string   // in Kubeconfig; empty: the current one
	Namespaces  []string // empty: all
	PodSelector string   // a label selector, as for kubectl
	Places               // what the section has, for keys that are not given
}

// readKubernetes reads the options. Without `clusters` the source watches the
// cluster that the process runs in.
func readKubernetes(n strict.Node) *Kubernetes {
	k := &Kubernetes{SETLabel: "set-group", SETAnnotation: "set-group", Snapshot: "data/kubernetes", Events: true, Workloads: true}
	zones := map[string]PlaceName{}
	values := n.Bind(append(k.keys(zones),
		strict.Optional("setLabel", "The label of pods that has the SET. An empty text: no label has it.", strict.Text(&k.SETLabel)),
		strict.Optional("setAnnotation", "The annotation of pods that has the SET. It counts where the label is not there, and can hold names that a label cannot, as `a.b.*`. An empty text: no annotation has it.",
			strict.Text(&k.SETAnnotation)),
		strict.Optional("labels", "The labels of pods that become labels of the identity.", func(n strict.Node) { k.Labels = textItems(n) }),
		strict.Optional("snapshot", "The directory of the copies on disk, which are used while the API server does not answer at a start. An empty text: no copies.",
			strict.Text(&k.Snapshot)),
		strict.Optional("events", "Whether an Event is written on a pod whose SET is no SET name.", strict.Bool(&k.Events)),
		strict.Optional("workloads", "Whether Deployments and their like are looked at, for those whose pods lack their SET.",
			strict.Bool(&k.Workloads)),
		strict.Optional("clusters", "The clusters to watch. Without the key it is the one that the server runs in, under the name `local`.",
			func(n strict.Node) { k.readClusters(n, zones) }),
	)...)
	if !values.Has("clusters") {
		k.Clusters = []Cluster{{Name: "local"}}
	}
	return k
}

func (k *Kubernetes) readClusters(n strict.Node, zones map[string]PlaceName) {
	names := []string{}
	for _, item := range n.Items() {
		c := readCluster(item, zones)
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

func readCluster(n strict.Node, zones map[string]PlaceName) (c Cluster) {
	n.Bind(append(c.keys(zones),
		strict.Optional("name", "The name of the cluster in metrics, in the status and of its copy on disk: letters, digits, `_` and `-`.",
			strict.Text(&c.Name)),
		strict.Optional("kubeconfig", "A file that says how to reach the cluster. Without it, it is the cluster that the server runs in.",
			strict.Text(&c.Kubeconfig)),
		strict.Optional("context", "The context in `kubeconfig`. Without it the current one counts.", strict.Text(&c.Context)),
		strict.Optional("namespaces", "The namespaces to watch. Without the key all are.", func(n strict.Node) { c.Namespaces = textItems(n) }),
		strict.Optional("podSelector", "A label selector, as `kubectl` takes it: other pods are not looked at.", strict.Text(&c.PodSelector)),
	)...)
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

package kubernetes

import (
	"fmt"
	"maps"
	"slices"
)

// Count returns the number of pods and nodes of a cluster, and of the pods with an
// invalid SET name.
func (t *Table) Count(clusterName string) (pods, nodes, invalid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	return len(c.pods), len(c.nodes), len(c.withInvalidSET)
}

// Addresses returns the number of known addresses, and of the addresses that are in
// several clusters.
func (t *Table) Addresses() (all, ambiguous int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.holders), t.ambiguous
}

// Changes returns a count that goes up with each change of a cluster's records.
func (t *Table) Changes(clusterName string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cluster(clusterName).changes
}

// PodKeys returns the keys of a cluster's pods, in no certain order.
func (t *Table) PodKeys(clusterName string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.cluster(clusterName).pods))
}

// NodeKeys returns the names of a cluster's nodes, in no certain order.
func (t *Table) NodeKeys(clusterName string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.cluster(clusterName).nodes))
}

// Records returns all pods and nodes of a cluster, ordered by their keys, and the
// Changes that they include. Their slices and maps are shared: read only.
func (t *Table) Records(clusterName string) (pods []Pod, nodes []Node, changes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		pods = append(pods, c.pods[key].Pod)
	}
	for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
		nodes = append(nodes, c.nodes[name].Node)
	}
	return pods, nodes, c.changes
}

// Unnamed returns what placeNames lacks of a cluster's nodes, in words; empty if nothing.
func (t *Table) Unnamed(clusterName string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := map[string][]string{}
	count := 0
	for _, n := range t.cluster(clusterName).nodes {
		if n.Unnamed != "" {
			names[n.Unnamed] = append(names[n.Unnamed], n.Name)
			count++
		}
	}
	for _, text := range slices.Sorted(maps.Keys(names)) {
		text = fmt.Sprintf("node %q is in %s", slices.Min(names[text]), text)
		if count > 1 {
			text = fmt.Sprintf("%d nodes have places without a name, the first: %s", count, text)
		}
		return text
	}
	return ""
}

// Invalid returns the keys of the first pods, at most limit, whose SET is not a SET
// name, and the reason for each. The keys are in order.
func (t *Table) Invalid(clusterName string, limit int) (keys, reasons []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(clusterName)
	for _, key := range slices.Sorted(maps.Keys(c.withInvalidSET)) {
		if len(keys) == limit {
			break
		}
		keys, reasons = append(keys, key), append(reasons, c.withInvalidSET[key].invalid)
	}
	return keys, reasons
}

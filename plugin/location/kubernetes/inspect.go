package kubernetes

import (
	"maps"
	"slices"
)

// Count is how many pods and nodes of a cluster the table has, and how many of
// the pods have a SET that is no SET name.
func (t *Table) Count(in string) (pods, nodes, invalid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	return len(c.pods), len(c.nodes), len(c.bad)
}

// Addresses is how many addresses are known, and how many of them are in
// several clusters.
func (t *Table) Addresses() (all, ambiguous int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.holders), t.ambiguous
}

// Changes goes up with each change of a cluster's records.
func (t *Table) Changes(in string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cluster(in).changes
}

// PodKeys are the keys of a cluster's pods.
func (t *Table) PodKeys(in string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.cluster(in).pods))
}

// NodeKeys are the names of a cluster's nodes.
func (t *Table) NodeKeys(in string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.cluster(in).nodes))
}

// Records are all pods and nodes of a cluster, by their keys, and the count of
// changes that they are of. What they hold is shared: read only.
func (t *Table) Records(in string) (pods []Pod, nodes []Node, changes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		pods = append(pods, c.pods[key].Pod)
	}
	for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
		nodes = append(nodes, c.nodes[name].Node)
	}
	return pods, nodes, c.changes
}

// Invalid are the first pods of a cluster whose SET is no SET name, with the
// reason, by their keys.
func (t *Table) Invalid(in string, limit int) (keys, reasons []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.cluster(in)
	for _, key := range slices.Sorted(maps.Keys(c.bad)) {
		if len(keys) == limit {
			break
		}
		keys, reasons = append(keys, key), append(reasons, c.bad[key].invalid)
	}
	return keys, reasons
}

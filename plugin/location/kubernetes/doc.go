// Package kubernetes is the identity source `kubernetes`: it knows pods by the
// labels that they have in the cluster, and where they are by those of their
// node, from the moment they have an address.
//
// Table is the pure part: records in, facts by address out. The rest keeps it
// equal to what API servers say, through informers of client-go (feed.go), and
// keeps a copy on disk (disk.go). docs/kubernetes.md is the operator's page.
package kubernetes

// Package kubernetes is the identity source `kubernetes`. From the moment a pod has
// an address, the source knows the SET of the pod by the labels of the pod, and the
// location by the labels of the node.
//
// Table is the pure part: records in, facts by address out. The rest keeps the table
// equal to what API servers say, through informers of client-go (feed.go), and
// keeps a copy on disk (disk.go). docs/kubernetes.md is the page for operators.
package kubernetes

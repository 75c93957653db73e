package location

import (
	"net/netip"
)

// The names of the identity sources of callers.
const (
	SourceMapping    = "mapping"
	SourceKubernetes = "kubernetes"
	SourceRegistry   = "registry"
	SourceReport     = "report"
)

// SourceNames are the names of all sources in the default order (docs/design.md, 4).
var SourceNames = []string{SourceMapping, SourceKubernetes, SourceRegistry, SourceReport}

// Source knows callers by their address. Many goroutines call Facts at once, for
// each request.
type Source interface {
	// Facts returns the facts of an address; ok is false for an address that the
	// source does not know. Facts must not block. What it returns is shared, and
	// nobody changes it afterwards.
	Facts(addr netip.Addr) (found Found, ok bool)
}

// Resolver joins sources into the identity of a caller.
type Resolver struct {
	Sources []Source // in order of precedence
	Default Found    // comes after all sources; from Table.Default
}

// Caller returns what the sources together know of an address (docs/design.md, 4).
// For an invalid address it returns the default.
func (r Resolver) Caller(addr netip.Addr) Facts {
	var f Facts
	if addr.IsValid() {
		for _, source := range r.Sources {
			if found, ok := source.Facts(addr); ok {
				f.Join(found)
			}
		}
	}
	f.JoinDefault(r.Default)
	return f
}

// Hosts are the sources that know an instance by its host: the mapping, and the
// pods of Kubernetes clusters.
type Hosts struct {
	Table *Table
	Pods  Source // nil: the server watches no cluster
	// PodsFirst is true if the sources name kubernetes before mapping.
	PodsFirst bool
}

// Instance returns the facts of a callee instance: first from the mapping of its
// host and the pod with its address, then what the instance registered, then the
// default. Neither the mapping nor the pods know a host name.
func (h Hosts) Instance(host string, registered *Facts) Facts {
	var f Facts
	if addr, ok := HostAddr(host); ok {
		if h.PodsFirst {
			h.join(&f, h.Pods, addr)
		}
		h.join(&f, TableSource{func() *Table { return h.Table }}, addr)
		if !h.PodsFirst {
			h.join(&f, h.Pods, addr)
		}
	}
	f.Join(registered.Found())
	f.JoinDefault(h.Table.Default())
	return f
}

// join adds what a source knows of an address. It drops the fact that several
// callers share the address: what an instance registered is true of the instance
// alone.
func (h Hosts) join(f *Facts, source Source, addr netip.Addr) {
	if source == nil {
		return
	}
	if found, ok := source.Facts(addr); ok {
		facts := found.Facts()
		facts.Shared = nil
		f.Join(facts.Found())
	}
}

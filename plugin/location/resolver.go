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

// SourceNames are all sources in the order of docs/design.md, 4.
var SourceNames = []string{SourceMapping, SourceKubernetes, SourceRegistry, SourceReport}

// Source knows callers by their address. Facts is called for each request, by
// many goroutines at once: it must not block, and what it returns is shared and
// not changed afterwards.
type Source interface {
	Facts(addr netip.Addr) (Found, bool)
}

// Resolver joins sources into the identity of a caller.
type Resolver struct {
	Sources []Source // in order of precedence
	Default Found    // after all of them; that of a nil Table if there is none
}

// Caller is what the sources together know of an address (docs/design.md, 4).
// An invalid address is known to none.
func (r Resolver) Caller(addr netip.Addr) Facts {
	var f Facts
	if addr.IsValid() {
		for _, source := range r.Sources {
			if more, ok := source.Facts(addr); ok {
				f.Join(more)
			}
		}
	}
	f.Join(r.Default)
	return f
}

// Hosts are the sources that know an instance by its host, in order: the
// mapping, and pods where the server knows some.
type Hosts struct {
	Table *Table
	Pods  Source // nil: none
	// PodsFirst is where the sources name kubernetes before mapping.
	PodsFirst bool
}

// Instance is the identity of a callee instance: the mapping of its host and
// the pod with that address first, then what it registered, then the default. A
// host that is a name is in neither.
func (h Hosts) Instance(host string, registered *Facts) Facts {
	var f Facts
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = Normalize(addr)
		if h.PodsFirst {
			h.join(&f, h.Pods, addr)
		}
		h.join(&f, TableSource{func() *Table { return h.Table }}, addr)
		if !h.PodsFirst {
			h.join(&f, h.Pods, addr)
		}
	}
	f.Join(registered.Found())
	f.Join(h.Table.Default())
	return f
}

// join adds what a source knows. That several callers share the address does
// not matter: its own registration is the instance's alone.
func (h Hosts) join(f *Facts, source Source, addr netip.Addr) {
	if source == nil {
		return
	}
	if known, ok := source.Facts(addr); ok {
		own := known.Facts()
		own.Shared = nil
		f.Join(own.Found())
	}
}

// Metadata keys by which an instance says its SET, as the SDKs and TARS-like
// deployments write them.
const (
	MetaSetName   = "internal-set-name"
	MetaSetEnable = "internal-enable-set"
	MetaSetGroup  = "set-group"
)

var registeredPlace = &Origin{Source: "registered"}

// Registered is what an instance registered: its location, and its SET in
// internal-set-name, unless internal-enable-set is there and not Y, else in
// set-group. A name that is no SET name counts as none, and is returned.
func Registered(loc Location, metadata map[string]string) (f Facts, invalid string) {
	f.Location = loc
	f.RegionFrom, f.ZoneFrom, f.CampusFrom = registeredPlace, registeredPlace, registeredPlace
	names := []string{metadata[MetaSetName], metadata[MetaSetGroup]}
	if enabled, ok := metadata[MetaSetEnable]; ok && enabled != "Y" {
		names[0] = ""
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		set, err := ParseSET(name)
		if err != nil {
			invalid = name
			continue
		}
		f.SET, f.SETFrom = set, registeredPlace
		break
	}
	return f, invalid
}

// Common is what several records of one host agree on: a field on which they
// differ counts as unknown, and a record that does not know a field says
// nothing about it. Places are those of the first record.
func Common(records []Facts) Facts {
	var f Facts
	differ := false
	for _, r := range records {
		switch {
		case r.SET == "":
		case f.SET == "" && !differ:
			f.SET, f.SETFrom = r.SET, r.SETFrom
		case f.SET != r.SET:
			f.SET, f.SETFrom, differ = "", nil, true
		}
	}
	f.commonLocation(records)
	return f
}

// commonLocation keeps the levels, from the widest, on which no two records
// differ.
func (f *Facts) commonLocation(records []Facts) {
	for level := range 3 {
		name, from := f.level(level)
		for i := range records {
			said, place := records[i].level(level)
			switch {
			case *said == "":
			case *name == "":
				*name, *from = *said, *place
			case *name != *said:
				*name, *from = "", nil
				return
			}
		}
	}
}

// level is one level of the location, counted from the widest, and its place.
func (f *Facts) level(i int) (name *string, from **Origin) {
	switch i {
	case 0:
		return &f.Region, &f.RegionFrom
	case 1:
		return &f.Zone, &f.ZoneFrom
	}
	return &f.Campus, &f.CampusFrom
}

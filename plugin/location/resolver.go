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
	f.Join(r.Default)
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

// Metadata keys in which an instance registers its SET, as the SDKs and TARS-like
// deployments write them.
const (
	MetaSetName   = "internal-set-name"
	MetaSetEnable = "internal-enable-set"
	MetaSetGroup  = "set-group"
)

var registeredOrigin = &Origin{Source: "registered"}

// Registered returns the facts that an instance registered: its location and its
// SET. The SET is in internal-set-name, unless internal-enable-set has a value
// other than Y; else the SET is in set-group. Registered skips a name that is not
// a SET name, and returns the last such name as invalid.
func Registered(loc Location, metadata map[string]string) (f Facts, invalid string) {
	f.Location = loc
	f.RegionFrom, f.ZoneFrom, f.CampusFrom = registeredOrigin, registeredOrigin, registeredOrigin
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
		f.SET, f.SETFrom = set, registeredOrigin
		break
	}
	return f, invalid
}

// CommonFacts returns the facts on which several records of one host agree. A
// field on which they differ is unknown. A record without a field agrees with
// every value of the field. The origin of a field is the origin in the first
// record that has the field.
func CommonFacts(records []Facts) Facts {
	var f Facts
	differ := false
	for _, record := range records {
		switch {
		case record.SET == "":
		case f.SET == "" && !differ:
			f.SET, f.SETFrom = record.SET, record.SETFrom
		case f.SET != record.SET:
			f.SET, f.SETFrom, differ = "", nil, true
		}
	}
	f.setCommonLocation(records)
	return f
}

// setCommonLocation sets the levels, from the widest, on which no two records
// differ.
func (f *Facts) setCommonLocation(records []Facts) {
	for level := range 3 {
		name, from := f.level(level)
		for i := range records {
			value, origin := records[i].level(level)
			switch {
			case *value == "":
			case *name == "":
				*name, *from = *value, *origin
			case *name != *value:
				*name, *from = "", nil
				return
			}
		}
	}
}

// level returns pointers to a level of the location and to its origin. Level 0 is
// the region.
func (f *Facts) level(i int) (name *string, from **Origin) {
	switch i {
	case 0:
		return &f.Region, &f.RegionFrom
	case 1:
		return &f.Zone, &f.ZoneFrom
	}
	return &f.Campus, &f.CampusFrom
}

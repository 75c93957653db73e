package world

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// factsByAddr is a source of identities: the facts of addresses.
type factsByAddr map[netip.Addr]*location.Facts

// Facts implements location.Source.
func (s factsByAddr) Facts(addr netip.Addr) (location.Found, bool) {
	f, ok := s[addr]
	if !ok {
		return location.Found{}, false
	}
	return f.Found(), true
}

// commonFacts returns what the records of each address say together.
func commonFacts(records map[netip.Addr][]location.Record, source string) factsByAddr {
	out, origin := factsByAddr{}, &location.Origin{Source: source}
	for addr, list := range records {
		common := location.CommonFacts(list, origin)
		out[addr] = &common
	}
	return out
}

// hostRecords are what instances registered at their hosts. It is a source of identities,
// and is made of the instances when somebody asks for a host.
type hostRecords struct {
	instances []Instance
	last      map[netip.Addr]int32 // the last instance at a host, by its number, from 1
	before    []int32              // the instance at the same host before each one; 0: there is none
}

// registryOrigin is the origin of what instances registered.
var registryOrigin = &location.Origin{Source: location.SourceRegistry}

// indexHosts returns what the instances registered.
func indexHosts(instances []Instance) hostRecords {
	h := hostRecords{instances, make(map[netip.Addr]int32, len(instances)), make([]int32, len(instances))}
	for n := range instances {
		if addr, ok := location.HostAddr(instances[n].Host); ok {
			h.before[n] = h.last[addr]
			h.last[addr] = int32(n + 1)
		}
	}
	return h
}

// at returns the instances at a host, in the order of their numbers from the last.
func (h hostRecords) at(addr netip.Addr) iter.Seq[Instance] {
	return func(yield func(Instance) bool) {
		for n := h.last[addr]; n > 0 && yield(h.instances[n-1]); n = h.before[n-1] {
		}
	}
}

// Facts implements location.Source.
func (h hostRecords) Facts(addr netip.Addr) (location.Found, bool) {
	if h.last[addr] == 0 {
		return location.Found{}, false
	}
	var records []location.Record
	for i := range h.at(addr) {
		records = append(records, i.registration().Record)
	}
	common := location.CommonFacts(records, registryOrigin)
	return common.Found(), true
}

// withSeveral returns the hosts that have several instances.
func (h hostRecords) withSeveral() (addrs []netip.Addr) {
	for addr, n := range h.last {
		if h.before[n-1] > 0 {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// indexRecords indexes what instances registered and what clients reported.
func (w *World) indexRecords() {
	w.hosts = indexHosts(w.Instances)
	reported := map[netip.Addr][]location.Record{}
	for _, c := range w.Clients {
		addr := location.Normalize(c.Addr)
		reported[addr] = append(reported[addr], location.Record{Location: c.Location, Healthy: true})
	}
	w.reports = commonFacts(reported, location.SourceReport)
}

// registration returns what the instance says of a caller at its host.
func (i Instance) registration() explain.Registration {
	facts, ignored := location.Registered(i.Location, i.Metadata)
	return explain.Registration{
		Service: i.Service.String(), Host: i.Host, Port: i.Port, Ignored: ignored,
		Record: location.Record{Location: facts.Location, SET: facts.SET, Healthy: i.Healthy},
	}
}

// registrations returns the registrations at an address, nil without the source
// registry.
func (w *World) registrations(addr netip.Addr) []explain.Registration {
	w.index()
	if !slices.Contains(w.sourceNames(), location.SourceRegistry) {
		return nil
	}
	var out []explain.Registration
	for i := range w.hosts.at(addr) {
		out = append(out, i.registration())
	}
	explain.SortRegistrations(out)
	return out
}

// Caller returns what is known of a caller's address, for explanations.
func (w *World) Caller(addr netip.Addr) explain.Caller {
	addr = location.Normalize(addr)
	return explain.NewCaller(addr, w.Identity(addr), w.registrations(addr))
}

// Several is an address with several SETs.
type Several struct {
	Address string         `json:"address"`
	SETs    []location.SET `json:"sets"` // sorted
}

// WithSeveralSETs lists the addresses whose callers have several SETs, by the address.
// Nobody can tell the processes at such an address apart.
func (w *World) WithSeveralSETs() []Several {
	w.index()
	var addrs []netip.Addr
	for _, addr := range w.hosts.withSeveral() {
		if facts, _ := w.hosts.Facts(addr); len(facts.SETs) > 0 && len(w.Identity(addr).SETs) > 0 {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	out := []Several{}
	for _, addr := range addrs {
		out = append(out, Several{addr.String(), w.Identity(addr).SETs})
	}
	return out
}

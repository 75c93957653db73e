package world

import (
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

// indexRecords indexes what instances registered and what clients reported.
func (w *World) indexRecords() {
	registered, reported := map[netip.Addr][]location.Record{}, map[netip.Addr][]location.Record{}
	w.atHost = map[netip.Addr][]int{}
	for n, i := range w.Instances {
		if addr, ok := location.HostAddr(i.Host); ok {
			registered[addr] = append(registered[addr], i.registration().Record)
			w.atHost[addr] = append(w.atHost[addr], n)
		}
	}
	for _, c := range w.Clients {
		addr := location.Normalize(c.Addr)
		reported[addr] = append(reported[addr], location.Record{Location: c.Location, Healthy: true})
	}
	w.registry, w.reports = commonFacts(registered, location.SourceRegistry), commonFacts(reported, location.SourceReport)
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
	for _, n := range w.atHost[addr] {
		out = append(out, w.Instances[n].registration())
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
	for addr, facts := range w.registry {
		if len(facts.SETs) > 0 && len(w.Identity(addr).SETs) > 0 {
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

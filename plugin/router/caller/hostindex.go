package caller

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// hostIndex has what the records of one kind say about their hosts. It is an
// identity source of callers. What the records of a host say together is made when
// somebody asks for it: thousands of records can come at one host. Who asks for it again
// does not wait for writers.
type hostIndex struct {
	origin *location.Origin // of all facts

	mu      sync.Mutex
	hosts   map[string]netip.Addr                     // by record id
	records map[netip.Addr]map[string]location.Record // by host and record id
	common  sync.Map                                  // netip.Addr to commonFacts
}

// commonFacts returns what the records of a host say together. The facts are made once
// for each change of the records; if that fails, each call fails.
type commonFacts func() *location.Facts

var _ location.Source = (*hostIndex)(nil)

func newHostIndex(origin *location.Origin) *hostIndex {
	return &hostIndex{
		origin: origin, hosts: map[string]netip.Addr{},
		records: map[netip.Addr]map[string]location.Record{},
	}
}

// Facts implements location.Source: it returns what the records of a host say
// together.
func (x *hostIndex) Facts(addr netip.Addr) (location.Found, bool) {
	v, ok := x.common.Load(addr)
	if !ok {
		return location.Found{}, false
	}
	return v.(commonFacts)().Found(), true
}

// at returns the records of a host by their ids.
func (x *hostIndex) at(addr netip.Addr) map[string]location.Record {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.records[addr])
}

// withSeveralSETs returns the hosts whose records say several SETs.
func (x *hostIndex) withSeveralSETs() (addrs []netip.Addr) {
	x.common.Range(func(k, v any) bool {
		if len(v.(commonFacts)().SETs) > 0 {
			addrs = append(addrs, k.(netip.Addr))
		}
		return true
	})
	return addrs
}

// put adds a record or replaces it. The host is as the record has it. A record whose
// host is a name is removed.
func (x *hostIndex) put(id, host string, record location.Record) {
	addr, ok := location.HostAddr(host)
	if !ok {
		x.remove(id)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if old, ok := x.hosts[id]; ok && old != addr {
		x.drop(id, old)
	} else if ok && x.records[addr][id] == record {
		return
	}
	x.hosts[id] = addr
	if x.records[addr] == nil {
		x.records[addr] = map[string]location.Record{}
	}
	x.records[addr][id] = record
	x.changed(addr)
}

func (x *hostIndex) remove(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if addr, ok := x.hosts[id]; ok {
		x.drop(id, addr)
	}
}

func (x *hostIndex) drop(id string, addr netip.Addr) {
	delete(x.hosts, id)
	delete(x.records[addr], id)
	x.changed(addr)
}

// changed notes that the records of a host say something else together.
func (x *hostIndex) changed(addr netip.Addr) {
	if len(x.records[addr]) == 0 {
		delete(x.records, addr)
		x.common.Delete(addr)
		return
	}
	x.common.Store(addr, commonFacts(sync.OnceValue(func() *location.Facts {
		x.mu.Lock()
		records := slices.Collect(maps.Values(x.records[addr]))
		x.mu.Unlock()
		facts := location.CommonFacts(records, x.origin)
		return &facts
	})))
}

func (x *hostIndex) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.hosts))
}

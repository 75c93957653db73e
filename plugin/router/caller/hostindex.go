package caller

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// hostIndex has what the records of one kind say about their hosts. It is an
// identity source of callers. What the records of a host say together is made when
// somebody asks for it: thousands of records can come at one host. Who asks for it again
// does not wait for writers.
type hostIndex struct {
	origin *location.Origin // of all facts

	mu      sync.Mutex
	hosts   map[string]netip.Addr // by record id
	records map[netip.Addr]*hostRecords
	several map[netip.Addr]bool // the hosts that have had several records at a time
	common  sync.Map            // netip.Addr to *commonFacts
}

// hostRecords are the records of a host. Most hosts have one, and a map takes ten times as
// much.
type hostRecords struct {
	id   string // of the only record
	only location.Record
	all  map[string]location.Record // by id, in the place of the only one; nil: there is one
}

// get returns the record with an id.
func (h *hostRecords) get(id string) (location.Record, bool) {
	if h.all == nil {
		return h.only, h.id == id
	}
	record, ok := h.all[id]
	return record, ok
}

// byID returns the records by their ids. The map is the caller's own.
func (h *hostRecords) byID() map[string]location.Record {
	if h.all != nil {
		return maps.Clone(h.all)
	}
	return map[string]location.Record{h.id: h.only}
}

// commonFacts are what the records of a host say together. The facts are made when somebody
// asks for them, once for each change of the records; if that fails, each call fails.
type commonFacts struct {
	index *hostIndex
	addr  netip.Addr
	made  atomic.Pointer[location.Facts]
}

// facts returns the facts.
func (c *commonFacts) facts() *location.Facts {
	if made := c.made.Load(); made != nil {
		return made
	}
	made := location.CommonFacts(slices.Collect(maps.Values(c.index.at(c.addr))), c.index.origin)
	c.made.Store(&made)
	return &made
}

var _ location.Source = (*hostIndex)(nil)

func newHostIndex(origin *location.Origin) *hostIndex {
	return &hostIndex{
		origin: origin, hosts: map[string]netip.Addr{},
		records: map[netip.Addr]*hostRecords{}, several: map[netip.Addr]bool{},
	}
}

// Facts implements location.Source: it returns what the records of a host say
// together.
func (x *hostIndex) Facts(addr netip.Addr) (location.Found, bool) {
	v, ok := x.common.Load(addr)
	if !ok {
		return location.Found{}, false
	}
	return v.(*commonFacts).facts().Found(), true
}

// at returns the records of a host by their ids.
func (x *hostIndex) at(addr netip.Addr) map[string]location.Record {
	x.mu.Lock()
	defer x.mu.Unlock()
	records := x.records[addr]
	if records == nil {
		return nil
	}
	return records.byID()
}

// withSeveralSETs returns the hosts whose records say several SETs. It looks at the hosts
// with several records.
func (x *hostIndex) withSeveralSETs() (addrs []netip.Addr) {
	x.mu.Lock()
	several := slices.Collect(maps.Keys(x.several))
	x.mu.Unlock()
	for _, addr := range several {
		if v, ok := x.common.Load(addr); ok && len(v.(*commonFacts).facts().SETs) > 0 {
			addrs = append(addrs, addr)
		}
	}
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
	} else if ok {
		if before, _ := x.records[addr].get(id); before == record {
			return
		}
	}
	x.hosts[id] = addr
	switch records := x.records[addr]; {
	case records == nil:
		x.records[addr] = &hostRecords{id: id, only: record}
	case records.all == nil && records.id == id:
		records.only = record
	default:
		if records.all == nil {
			*records = hostRecords{all: records.byID()}
			x.several[addr] = true
		}
		records.all[id] = record
	}
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
	records := x.records[addr]
	if delete(records.all, id); len(records.all) == 0 {
		delete(x.records, addr)
		delete(x.several, addr)
	}
	x.changed(addr)
}

// changed notes that the records of a host say something else together.
func (x *hostIndex) changed(addr netip.Addr) {
	if x.records[addr] == nil {
		x.common.Delete(addr)
		return
	}
	x.common.Store(addr, &commonFacts{index: x, addr: addr})
}

func (x *hostIndex) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.hosts))
}

package caller

import (
	"net/netip"
	"sync"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// hostIndex has what the records of one kind say about their hosts. It is an
// identity source of callers. Readers do not wait for writers.
type hostIndex struct {
	mu     sync.Mutex
	hosts  map[string]netip.Addr                    // by record id
	facts  map[netip.Addr]map[string]location.Facts // by host and record id
	common sync.Map                                 // netip.Addr to *location.Facts
}

var _ location.Source = (*hostIndex)(nil)

func newHostIndex() *hostIndex {
	return &hostIndex{hosts: map[string]netip.Addr{}, facts: map[netip.Addr]map[string]location.Facts{}}
}

// Facts implements location.Source: it returns what all records of a host agree
// on.
func (x *hostIndex) Facts(addr netip.Addr) (location.Found, bool) {
	v, ok := x.common.Load(addr)
	if !ok {
		return location.Found{}, false
	}
	return v.(*location.Facts).Found(), true
}

// put adds a record or replaces it.
func (x *hostIndex) put(id string, addr netip.Addr, facts location.Facts) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if old, ok := x.hosts[id]; ok {
		if old != addr {
			x.drop(id, old)
		} else if x.facts[addr][id].Identity.Location == facts.Location && x.facts[addr][id].SET == facts.SET {
			return
		}
	}
	x.hosts[id] = addr
	if x.facts[addr] == nil {
		x.facts[addr] = map[string]location.Facts{}
	}
	x.facts[addr][id] = facts
	x.agree(addr)
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
	delete(x.facts[addr], id)
	x.agree(addr)
}

// agree publishes what the records of a host have in common.
func (x *hostIndex) agree(addr netip.Addr) {
	if len(x.facts[addr]) == 0 {
		delete(x.facts, addr)
		x.common.Delete(addr)
		return
	}
	list := make([]location.Facts, 0, len(x.facts[addr]))
	for _, f := range x.facts[addr] {
		list = append(list, f)
	}
	common := location.CommonFacts(list)
	x.common.Store(addr, &common)
}

func (x *hostIndex) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]string, 0, len(x.hosts))
	for id := range x.hosts {
		out = append(out, id)
	}
	return out
}

package world

import (
	"fmt"
	"net/netip"
)

// kindsAmong groups callers that all rules route alike. It returns the kinds, and the
// number of each caller's kind.
func (w *World) kindsAmong(addrs []netip.Addr) (kinds []Kind, kindOf map[netip.Addr]int) {
	kindOf = map[netip.Addr]int{}
	index := map[string]int{}
	resolver := w.resolver()
	for _, addr := range addrs {
		if _, ok := kindOf[addr]; ok {
			continue
		}
		f := resolver.Caller(addr)
		key := fmt.Sprint(f.Location, "|", f.AllSETs(), "|", f.Labels, "|", w.Rules.AddressKey(addr))
		n, ok := index[key]
		if !ok {
			n = len(kinds)
			index[key] = n
			kinds = append(kinds, Kind{Addr: addr, Identity: f})
		}
		kinds[n].Callers = append(kinds[n].Callers, addr)
		kindOf[addr] = n
	}
	return kinds, kindOf
}

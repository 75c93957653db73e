package world

import (
	"net/netip"
)

// kindsAmong groups callers that all rules route alike. It returns the kinds, and the
// number of each caller's kind.
func (w *World) kindsAmong(addrs []netip.Addr) (kinds []Kind, kindOf map[netip.Addr]int) {
	kindOf = map[netip.Addr]int{}
	index := map[string]int{}
	t := teller{w.resolver(), w.Rules.AddressKeys()}
	for _, addr := range addrs {
		if _, ok := kindOf[addr]; ok {
			continue
		}
		f := t.resolver.Caller(addr)
		key := string(append(appendIdentity(nil, f.Identity), t.keys(addr)...))
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

package location

import (
	"net/netip"
	"slices"
	"strings"
)

// CallerAddr is the address of a caller behind proxies. Only a peer inside
// trusted is believed: then the rightmost address of the x-forwarded-for
// headers that is not itself trusted counts, or the leftmost where all are; an
// entry that is no address ends the walk at the last good one. Without
// x-forwarded-for it is x-real-ip. Of any other peer the headers change
// nothing.
func CallerAddr(peer netip.Addr, trusted []netip.Prefix, forwardedFor []string, realIP string) netip.Addr {
	peer = Normalize(peer)
	if !inside(peer, trusted) {
		return peer
	}
	hops := strings.Split(strings.Join(forwardedFor, ","), ",")
	if len(forwardedFor) == 0 {
		hops = []string{realIP}
	}
	caller := peer
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(hop)
		if !ok {
			return caller
		}
		caller = addr
		if !inside(caller, trusted) {
			return caller
		}
	}
	return caller
}

func inside(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseHop reads an address with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if at, err := netip.ParseAddrPort(s); err == nil {
		return Normalize(at.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return Normalize(addr), err == nil
}

package location

import (
	"net/netip"
	"slices"
	"strings"
)

// CallerAddr returns the address of a caller behind proxies. For a peer outside
// trusted it returns the peer, whatever the headers say. For a trusted peer it
// walks the addresses of the x-forwarded-for headers from right to left and
// returns the first that is not trusted, or the leftmost if all are trusted. The
// walk ends before a text that is not an address. Without x-forwarded-for,
// CallerAddr walks x-real-ip.
func CallerAddr(peer netip.Addr, trusted []netip.Prefix, forwardedFor []string, realIP string) netip.Addr {
	peer = Normalize(peer)
	if !containsAddr(trusted, peer) {
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
		if !containsAddr(trusted, caller) {
			return caller
		}
	}
	return caller
}

// containsAddr reports whether one of prefixes holds addr.
func containsAddr(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseHop reads an address with or without a port; ok is false for another text.
func parseHop(s string) (addr netip.Addr, ok bool) {
	s = strings.TrimSpace(s)
	if addrPort, err := netip.ParseAddrPort(s); err == nil {
		return Normalize(addrPort.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return Normalize(addr), err == nil
}

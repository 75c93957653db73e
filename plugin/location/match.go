package location

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"
)

// Normalize returns an address in the one form that compares equal: an IPv4-mapped
// IPv6 address as the IPv4 address, and an address without its zone id.
func Normalize(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// HostAddr returns the address of the host of an instance or client, normalised. The
// host may stand in brackets, as in [2001:db8::1]. HostAddr reports false for a host
// that is a name.
func HostAddr(host string) (addr netip.Addr, ok bool) {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	addr, err := netip.ParseAddr(host)
	return Normalize(addr), err == nil
}

// AllInside reports whether each of prefixes lies inside one of outer.
func AllInside(prefixes, outer []netip.Prefix) bool {
	for _, prefix := range prefixes {
		holdsPrefix := func(o netip.Prefix) bool { return o.Bits() <= prefix.Bits() && o.Contains(prefix.Addr()) }
		if !slices.ContainsFunc(outer, holdsPrefix) {
			return false
		}
	}
	return true
}

// ParseMatch reads an address, a CIDR prefix or a range a-b, IPv4 or IPv6. It
// returns the prefixes that cover exactly these addresses. Its errors quote the
// text and say what is expected.
func ParseMatch(s string) ([]netip.Prefix, error) {
	switch {
	case strings.Contains(s, "/"):
		p, err := parsePrefix(s)
		if err != nil {
			return nil, err
		}
		return []netip.Prefix{p}, nil
	case strings.Contains(s, "-"):
		return parseRange(s)
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address, expected an IP, a CIDR prefix or a range a-b", s)
	}
	addr = Normalize(addr)
	return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("prefix %q has host bits set; did you mean %q?", s, p.Masked())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("prefix %q is wider than the IPv4-mapped addresses, expected /96 to /128", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}

func parseRange(s string) ([]netip.Prefix, error) {
	first, last, _ := strings.Cut(s, "-")
	from, errFrom := netip.ParseAddr(strings.TrimSpace(first))
	to, errTo := netip.ParseAddr(strings.TrimSpace(last))
	if errFrom != nil || errTo != nil {
		return nil, fmt.Errorf("%q is not a range, expected two addresses, as 10.1.7.4-10.1.7.9", s)
	}
	from, to = Normalize(from), Normalize(to)
	if from.Is4() != to.Is4() {
		return nil, fmt.Errorf("range %q goes from IPv4 to IPv6, expected both of one kind", s)
	}
	if to.Less(from) {
		return nil, fmt.Errorf("range %q is reversed; did you mean %q?", s, to.String()+"-"+from.String())
	}
	return netipx.IPRangeFrom(from, to).Prefixes(), nil
}

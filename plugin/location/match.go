package location

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/polaris-contrib/setrouter/internal/alike"
)

// Normalize returns an address in the one form that compares equal: an IPv4-mapped
// IPv6 address as the IPv4 address, and an address without its zone id.
func Normalize(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// HostAddr returns the address of the host of an instance or client, normalised. The
// host may stand in brackets, as in [2001:db8::1]. HostAddr reports false for a host
// that is a name.
func HostAddr(host string) (addr netip.Addr, ok bool) {
	addr, ok = hostAsWritten(host)
	return Normalize(addr), ok
}

// hostAsWritten returns the address of a host without brackets and zone id.
func hostAsWritten(host string) (addr netip.Addr, ok bool) {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	addr, err := netip.ParseAddr(host)
	return addr.WithZone(""), err == nil
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

// ParseMatch reads an address, a CIDR prefix or a range a-b, IPv4 or IPv6. Brackets and
// zone ids are dropped. It returns the prefixes that cover exactly these addresses. Its
// errors quote the text and say what is expected.
func ParseMatch(s string) ([]netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := parsePrefix(s)
		if err != nil {
			return nil, err
		}
		return []netip.Prefix{p}, nil
	}
	addr, ok := HostAddr(s) // a zone id can have a "-"
	switch {
	case ok:
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
	case strings.Contains(s, "-"):
		return parseRange(s)
	}
	return nil, fmt.Errorf("%q is not an address%s", s, addressHint(s))
}

// addressHint returns the end of the message for a text that is no address.
func addressHint(s string) string {
	if p, ok := starPrefix(s); ok {
		return fmt.Sprintf("; did you mean %q?", p)
	}
	if addr, ok := HostAddr(alike.Seen(s)); ok {
		return fmt.Sprintf("; did you mean %q?", addr)
	}
	return ", expected an IP, a CIDR prefix or a range a-b"
}

// starPrefix returns the prefix that a text as 10.1.* or 10.1.*.* means.
func starPrefix(s string) (p netip.Prefix, ok bool) {
	known := strings.TrimRight(s, ".*")
	if tail := s[len(known):]; !strings.HasPrefix(tail, ".*") || strings.Trim(tail, ".*") != "" || strings.Contains(tail, "**") || strings.Contains(tail, "..") {
		return p, false
	}
	parts := strings.Split(known, ".")
	addr, err := netip.ParseAddr(strings.Join(append(parts, "0", "0", "0", "0")[:4], "."))
	if err != nil || len(parts) > 3 {
		return p, false
	}
	return netip.PrefixFrom(addr, 8*len(parts)), true
}

func parsePrefix(s string) (netip.Prefix, error) {
	host, bits, _ := strings.Cut(s, "/")
	written, ok := hostAsWritten(host)
	p, err := netip.ParsePrefix(written.String() + "/" + bits)
	if !ok || err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8", s)
	}
	switch isMapped := p.Addr().Is4In6(); {
	case isMapped && p.Bits() <= 32:
		short := netip.PrefixFrom(p.Addr().Unmap(), p.Bits()).Masked()
		return netip.Prefix{}, fmt.Errorf("prefix %q is of IPv4-mapped addresses, and is written short; did you mean %q?", s, short)
	case isMapped && p.Bits() < 96:
		return netip.Prefix{}, fmt.Errorf("prefix %q is wider than the IPv4-mapped addresses, expected /96 to /128", s)
	case isMapped:
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("prefix %q has host bits set; did you mean %q?", s, p.Masked())
	}
	return p, nil
}

func parseRange(s string) ([]netip.Prefix, error) {
	first, last, _ := strings.Cut(s, "-")
	from, okFrom := HostAddr(strings.TrimSpace(first))
	to, okTo := HostAddr(strings.TrimSpace(last))
	if !okFrom || !okTo {
		return nil, fmt.Errorf("%q is not a range, expected two addresses, as 10.1.7.4-10.1.7.9", s)
	}
	if from.Is4() != to.Is4() {
		return nil, fmt.Errorf("range %q goes from IPv4 to IPv6, expected both of one kind", s)
	}
	if to.Less(from) {
		return nil, fmt.Errorf("range %q is reversed; did you mean %q?", s, to.String()+"-"+from.String())
	}
	return netipx.IPRangeFrom(from, to).Prefixes(), nil
}

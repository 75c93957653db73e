package location

import (
	"net/netip"
	"slices"
	"strings"
)

// The headers by which a proxy can name the caller. HTTP headers and gRPC metadata have
// the same names, here in the lower case of gRPC metadata.
const (
	HeaderForwardedFor = "x-forwarded-for"
	HeaderRealIP       = "x-real-ip"
)

// ForwardedHeaders are the headers of which a configuration chooses one. The first is
// the default.
var ForwardedHeaders = []string{HeaderForwardedFor, HeaderRealIP}

// Proxies are the proxies that are believed when they name the caller.
type Proxies struct {
	Trusted []netip.Prefix
	Header  string // the one header that is believed; empty: HeaderForwardedFor
}

// Untold says why the caller of a request cannot be told. Where the caller can be told,
// Untold is empty. The values are labels of metrics.
type Untold string

// The reasons. All but UntoldNoPeer and UntoldDisowned are about a request from a trusted
// proxy.
const (
	UntoldNoPeer     Untold = "no-peer"      // the listener does not say who has connected
	UntoldEmpty      Untold = "empty"        // the header is there and has nothing in it
	UntoldUnreadable Untold = "unreadable"   // the header has something else than addresses
	UntoldOther      Untold = "other-header" // only the header is there that is not believed
	UntoldDisowned   Untold = "other-node"   // an xDS client says another address than its connection has
	UntoldLocal      Untold = "proxy-local"  // the PROXY header says that the proxy speaks for itself
)

// LocalMark stands behind the address of a trusted proxy, where the PROXY header of a
// connection names no caller.
const LocalMark = " LOCAL"

// ParsePeer returns the address of whoever has connected, normalised, from the text
// "address:port" of a connection. Why says why there is no caller to tell: the text is no
// address, or ends with LocalMark.
func ParsePeer(text string) (peer netip.Addr, why Untold) {
	text, local := strings.CutSuffix(text, LocalMark)
	addrPort, err := netip.ParseAddrPort(text)
	switch {
	case err != nil:
		return netip.Addr{}, UntoldNoPeer
	case local:
		return Normalize(addrPort.Addr()), UntoldLocal
	}
	return Normalize(addrPort.Addr()), ""
}

// Caller returns the address of the caller behind a peer, or why it cannot be told
// (docs/design.md, 4). A peer that is not trusted is the caller, whatever the headers
// say, and so is a trusted peer that sends neither header. Otherwise the addresses of
// the one header are walked from right to left, all lines of the header joined. The
// caller is the first address that is not trusted, or the leftmost if all are trusted.
// What stands to the left of the caller is not read. Values returns the lines of a header.
func (p Proxies) Caller(peer netip.Addr, values func(header string) []string) (caller netip.Addr, why Untold) {
	peer = Normalize(peer)
	if !p.Trust(peer) {
		return peer, ""
	}
	lines := values(p.header())
	switch {
	case len(lines) == 0 && !p.sendsOther(values):
		return peer, ""
	case len(lines) == 0:
		return netip.Addr{}, UntoldOther
	}
	return p.walk(strings.Split(strings.Join(lines, ","), ","))
}

// walk returns the caller among forwarded addresses, of which there is at least one.
func (p Proxies) walk(hops []string) (caller netip.Addr, why Untold) {
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(hop)
		switch {
		case !ok && strings.TrimSpace(hop) == "":
			return netip.Addr{}, UntoldEmpty
		case !ok:
			return netip.Addr{}, UntoldUnreadable
		}
		caller = addr
		if !p.Trust(caller) {
			break
		}
	}
	return caller, ""
}

// Trust reports whether an address is a trusted proxy's.
func (p Proxies) Trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Trusted, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

func (p Proxies) header() string {
	if p.Header == "" {
		return HeaderForwardedFor
	}
	return p.Header
}

// sendsOther reports whether a header is there that names the caller and is not believed.
func (p Proxies) sendsOther(values func(header string) []string) bool {
	return slices.ContainsFunc(ForwardedHeaders, func(name string) bool { return name != p.header() && len(values(name)) > 0 })
}

// SendsAny reports whether a header is there by which a proxy can name the caller.
func (p Proxies) SendsAny(values func(header string) []string) bool {
	return slices.ContainsFunc(ForwardedHeaders, func(name string) bool { return len(values(name)) > 0 })
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

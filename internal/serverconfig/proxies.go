package serverconfig

import (
	"math"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// trustedProxy is an element of trustedProxies, and where it stands.
type trustedProxy struct {
	text, file string
	line, col  int
	prefixes   []netip.Prefix
}

// Proxies returns the proxies that are believed when they name the caller.
func (c *Config) Proxies() location.Proxies {
	return location.Proxies{Trusted: c.TrustedProxies, Header: c.ForwardedHeader}
}

func (c *Config) readTrustedProxy(n strict.Node) {
	text, ok := n.Text()
	n.Form("address, prefix or range")
	if !ok {
		return
	}
	prefixes, err := location.ParseMatch(text)
	if err != nil {
		n.Errorf("%v", err)
	}
	c.TrustedProxies = append(c.TrustedProxies, prefixes...)
	c.proxyEntries = append(c.proxyEntries, trustedProxy{text, n.File(), n.Line(), n.Col(), prefixes})
}

func (c *Config) readForwardedHeader(n strict.Node) {
	if word, ok := n.Word(location.ForwardedHeaders...); ok {
		c.ForwardedHeader = word
	}
}

// maxTrusted is how much of all addresses of a family proxies may be. No network of
// proxies is so large.
const maxTrusted = 1. / 8

// WarnOfProxies adds a warning for each element of trustedProxies that holds addresses of
// the mapping: whoever asks from there can say that it is any other caller. It adds one
// warning for elements that together hold an eighth of all addresses or more.
func (c *Config) WarnOfProxies(mapping *location.Table, warnings *strict.Problems) {
	for _, proxy := range c.proxyEntries {
		entries, first := 0, ""
		for _, prefix := range proxy.prefixes {
			n, origin := mapping.Inside(prefix)
			if entries == 0 && n > 0 {
				first = origin.String()
			}
			entries += n
		}
		if entries > 0 {
			held := plural.Count(entries, "entry of the mapping is", "entries of the mapping are")
			warnings.Add(strict.Warning(proxy.file, proxy.line, proxy.col,
				"trustedProxies %q holds what %s for, as %s: whoever asks from there can say that it is another caller; expected addresses of proxies alone",
				proxy.text, held, first))
		}
	}
	c.warnOfWideProxies(warnings)
}

func (c *Config) warnOfWideProxies(warnings *strict.Problems) {
	for _, family := range []struct {
		name string
		bits int
	}{{"IPv4", 32}, {"IPv6", 128}} {
		share, widest := c.trustedShare(family.bits)
		if share >= maxTrusted {
			warnings.Add(strict.Warning(widest.file, widest.line, widest.col,
				"trustedProxies hold %.4g%% of all %s addresses, most of them by %q: whoever asks from there can say that it is another caller; expected addresses of proxies alone",
				100*share, family.name, widest.text))
		}
	}
}

// trustedShare returns how much of all addresses of a family are trusted proxies, and
// the element with the widest prefix.
func (c *Config) trustedShare(bits int) (share float64, widest trustedProxy) {
	widestBits := bits + 1
	prefixes := slices.DeleteFunc(slices.Clone(c.TrustedProxies), func(p netip.Prefix) bool { return p.Addr().BitLen() != bits })
	slices.SortFunc(prefixes, netip.Prefix.Compare) // a wider prefix stands before those inside it
	var last netip.Prefix
	for _, p := range prefixes {
		if last.IsValid() && last.Overlaps(p) {
			continue
		}
		last, share = p, share+math.Pow(2, -float64(p.Bits()))
	}
	for _, proxy := range c.proxyEntries {
		for _, p := range proxy.prefixes {
			if p.Addr().BitLen() == bits && p.Bits() < widestBits {
				widestBits, widest = p.Bits(), proxy
			}
		}
	}
	return share, widest
}

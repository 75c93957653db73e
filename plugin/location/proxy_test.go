package location

import (
	"fmt"
	"net/netip"
	"testing"
)

// The caller behind a trusted proxy is who the one header names. Where the header says
// nothing of use, or only the other header is there, nobody is named: not the proxy.
func TestCallerBehindProxy(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, peer   string
		forwardedFor []string
		realIP       []string
		want         string // with the header x-forwarded-for
		wantByRealIP string // with the header x-real-ip
	}{
		{"no headers", "1.1.1.1", nil, nil, "1.1.1.1", "1.1.1.1"},
		{"a peer that is not trusted", "1.1.1.1", []string{"2.2.2.2"}, []string{"3.3.3.3"}, "1.1.1.1", "1.1.1.1"},
		{"garbage from a peer that is not trusted", "1.1.1.1", []string{"unknown"}, []string{""}, "1.1.1.1", "1.1.1.1"},
		{"a proxy for itself", "10.0.0.1", nil, nil, "10.0.0.1", "10.0.0.1"},
		{"a proxy with both", "10.0.0.1", []string{"2.2.2.2"}, []string{"3.3.3.3"}, "2.2.2.2", "3.3.3.3"},
		{"a proxy that is an IPv4-mapped address", "::ffff:10.0.0.1", []string{"2.2.2.2"}, nil, "2.2.2.2", "other-header"},
		{"only the other header", "fd00::1", nil, []string{" 3.3.3.3 "}, "other-header", "3.3.3.3"},
		{"only an empty other header", "fd00::1", nil, []string{""}, "other-header", "empty"},
		{"the rightmost that is not trusted", "10.0.0.1", []string{"6.6.6.6, 2.2.2.2, 10.9.9.9"}, nil, "2.2.2.2", "other-header"},
		{"several lines", "10.0.0.1", []string{"6.6.6.6", "2.2.2.2", "10.9.9.9"}, []string{"6.6.6.6", "3.3.3.3"}, "2.2.2.2", "3.3.3.3"},
		{"all trusted: the leftmost", "10.0.0.1", []string{"10.2.2.2, 10.9.9.9"}, nil, "10.2.2.2", "other-header"},
		{"ports and brackets", "10.0.0.1", []string{"[2001:db8::1]:99, [fd00::1], 10.0.0.3:80"}, nil, "2001:db8::1", "other-header"},
		{"garbage left of the caller", "10.0.0.1", []string{"unknown, 2.2.2.2"}, nil, "2.2.2.2", "other-header"},
		{"garbage right of the caller", "10.0.0.1", []string{"2.2.2.2, evil, 10.9.9.9"}, nil, "unreadable", "other-header"},
		{"garbage alone", "10.0.0.1", []string{"evil"}, []string{"3.3.3.3"}, "unreadable", "3.3.3.3"},
		{"unknown", "10.0.0.1", []string{"unknown"}, []string{"unknown"}, "unreadable", "unreadable"},
		{"an address with leading zeros", "10.0.0.1", []string{"010.1.0.1"}, nil, "unreadable", "other-header"},
		{"an empty header", "10.0.0.1", []string{""}, []string{" "}, "empty", "empty"},
		{"an empty last line", "10.0.0.1", []string{"2.2.2.2", ""}, nil, "empty", "other-header"},
		{"a comma at the end", "10.0.0.1", []string{"2.2.2.2,"}, nil, "empty", "other-header"},
		{"a comma left of the caller", "10.0.0.1", []string{",2.2.2.2"}, nil, "2.2.2.2", "other-header"},
	} {
		values := func(name string) []string {
			return map[string][]string{HeaderForwardedFor: tt.forwardedFor, HeaderRealIP: tt.realIP}[name]
		}
		for header, want := range map[string]string{"": tt.want, HeaderForwardedFor: tt.want, HeaderRealIP: tt.wantByRealIP} {
			addr, why := Proxies{trusted, header}.Caller(netip.MustParseAddr(tt.peer), values)
			got := string(why)
			if addr.IsValid() {
				got += fmt.Sprint(addr)
			}
			if got != want {
				t.Errorf("%s, by %q: %s, want %s", tt.name, header, got, want)
			}
		}
	}
}

package serverconfig

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Proxies that are callers of the mapping, or nearly everybody, are warned of. Proxies in
// a network that the mapping knows are not.
func TestWarnOfProxies(t *testing.T) {
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set\n10.0.0.0/8,a.b.c\n10.1.0.0/16,a.b.d\n10.1.7.3-10.1.7.9,a.b.e\nfd00::5,a.b.f\n")}}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	const end = "whoever asks from there can say that it is another caller; expected addresses of proxies alone"
	for proxies, want := range map[string][]string{
		"":                           nil,
		"10.8.0.1, 10.9.0.0/16":      nil,
		"10.1.7.0/29":                {`s.yaml:1:47: warning: trustedProxies "10.1.7.0/29" holds what 1 entry of the mapping is for, as mapping m.csv:4 (10.1.7.3-10.1.7.9): ` + end}, // a part of the range
		"10.1.7.0/28":                {`s.yaml:1:47: warning: trustedProxies "10.1.7.0/28" holds what 1 entry of the mapping is for, as mapping m.csv:4 (10.1.7.3-10.1.7.9): ` + end},
		"10.8.0.1, 10.0.0.0/7":       {`s.yaml:1:57: warning: trustedProxies "10.0.0.0/7" holds what 3 entries of the mapping are for, as mapping m.csv:2 (10.0.0.0/8): ` + end},
		`"fd00::/64"`:                {`s.yaml:1:47: warning: trustedProxies "fd00::/64" holds what 1 entry of the mapping is for, as mapping m.csv:5 (fd00::5): ` + end},
		"128.0.0.0/1":                {`s.yaml:1:47: warning: trustedProxies hold 50% of all IPv4 addresses, most of them by "128.0.0.0/1": ` + end},
		"128.0.0.0-191.255.255.255":  {`s.yaml:1:47: warning: trustedProxies hold 25% of all IPv4 addresses, most of them by "128.0.0.0-191.255.255.255": ` + end},
		`128.0.0.0/3, 128.0.0.0/4`:   {`s.yaml:1:47: warning: trustedProxies hold 12.5% of all IPv4 addresses, most of them by "128.0.0.0/3": ` + end},
		`"2000::/3"`:                 {`s.yaml:1:47: warning: trustedProxies hold 12.5% of all IPv6 addresses, most of them by "2000::/3": ` + end},
		`"fe80::/10", 172.16.0.0/12`: nil,
	} {
		c, fault := load(t, "plugin: {location: {option: {trustedProxies: ["+proxies+"]}}}")
		if fault != "" {
			t.Fatal(fault)
		}
		var warnings strict.Problems
		c.WarnOfProxies(table, &warnings)
		var got []string
		for _, w := range warnings.List() {
			w.File = "s.yaml"
			got = append(got, w.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", proxies, diff)
		}
	}
	c, _ := load(t, `plugin: {location: {option: {trustedProxies: [0.0.0.0/0, "::/0"]}}}`)
	var warnings strict.Problems
	c.WarnOfProxies(table, &warnings)
	if got := fmt.Sprint(len(warnings.List())); got != "4" {
		t.Errorf("%s warnings of everything, want of entries and of each family", got)
	}
	c.WarnOfProxies(nil, &warnings)
}

func TestForwardedHeader(t *testing.T) {
	for option, want := range map[string]string{"": location.HeaderForwardedFor, "forwardedHeader: x-real-ip": location.HeaderRealIP} {
		c, fault := load(t, "plugin: {location: {option: {"+option+"}}}")
		if fault != "" || c.Proxies().Header != want {
			t.Errorf("%q: %s %+v", option, fault, c)
		}
	}
}

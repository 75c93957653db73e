package route

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

func mustLoad(t testing.TB, text string) *Rules {
	t.Helper()
	rules, fault := load(t, text)
	if fault != "" {
		t.Fatal(fault)
	}
	return rules
}

func TestRoute(t *testing.T) {
	rules := mustLoad(t, `
version: 1
aliases: {SH: h}
rules:
  - {name: dashboard, service: "*/*", when: {ip: [10.9.0.0/16, "fd00::1"]}}
  - {name: system, service: Polaris/polaris.checker, set: {}}
  - {name: gray, service: default/s, when: {labels: {lane: gray}}, set: {callee: x.gray.1}}
  - {name: by-place, service: default/s, when: {set: "set.*.*", region: 华南, zone: ""}, set: {caller: "qb.{caller.set.2|alias}.{caller.label.g}"}}
  - {name: any-set, service: default/s, when: {set: "*"}, set: {}, nearby: {}}
  - {name: globs, service: ["default/a.*", "default/??"], nearby: {matchLevel: campus}}
  - {name: none, service: default/none, set: {}, rollout: {percent: 0}}
addresses:
  - {service: default/lane, target: default/s, set: {callee: epp.core.bj}}
`)
	south := location.Location{Region: "华南", Zone: "z", Campus: "c"}
	tests := []struct {
		name   string
		addr   string
		caller location.Identity
		asked  string
		read   string
		want   string // rule, set, location or why
	}{
		{"excepted by address", "10.9.1.1", location.Identity{SET: "a.b.c"}, "default/s", "", "dashboard: the rule has no stages"},
		{"excepted by IPv6 address", "fd00::1", location.Identity{SET: "a.b.c"}, "default/s", "", "dashboard: the rule has no stages"},
		{"label", "10.1.1.1", location.Identity{Labels: map[string]string{"lane": "gray"}}, "default/s", "", "gray x.gray.1 "},
		{"composed, alias used", "10.1.1.1", location.Identity{SET: "set.SH.1", Location: south, Labels: map[string]string{"g": "7"}}, "default/s", "", "by-place qb.h.7 "},
		{"composed, value without alias stays", "10.1.1.1", location.Identity{SET: "set.NJ.1", Location: south, Labels: map[string]string{"g": "7"}}, "default/s", "", "by-place qb.NJ.7 "},
		{"composed with an empty field: what is known binds", "10.1.1.1", location.Identity{SET: "set.SH.1", Location: south}, "default/s", "", "by-place qb.h.* "},
		{"composed with no segment: what is known binds", "10.1.1.1", location.Identity{SET: "set.SH.1", Location: south, Labels: map[string]string{"g": "no!"}}, "default/s", "", "by-place qb.h.* "},
		{"other region, any SET, location cut to the level", "10.1.1.1", location.Identity{SET: "set.SH.1", Location: location.Location{Region: "r", Zone: "z", Campus: "c"}}, "default/s", "", "any-set set.SH.1 r/z"},
		{"no SET meets no condition on it", "10.1.1.1", location.Identity{}, "default/s", "", ": no rule matches"},
		{"glob over dots", "10.1.1.1", location.Identity{Location: south}, "default/a.b.c", "", "globs  华南/z/c"},
		{"two characters", "10.1.1.1", location.Identity{Location: south}, "default/xy", "", "globs  华南/z/c"},
		{"an alias is no way around a rule", "10.1.1.1", location.Identity{SET: "a.b.c"}, "other/alias", "default/s", "any-set a.b.c "},
		{"rolled out of", "10.1.1.1", location.Identity{}, "default/none", "", "none: the caller is outside of the rollout"},
		{"system service by its name", "10.1.1.1", location.Identity{}, "Polaris/polaris.checker", "", "system  "},
		{"system service not by a glob", "10.9.1.1", location.Identity{}, "Polaris/polaris.config", "", ": no rule matches"},
		{"system service by its name, through an alias", "10.1.1.1", location.Identity{}, "default/a.checker", "Polaris/polaris.checker", "system  "},
		{"system service not by a glob, through an alias", "10.1.1.1", location.Identity{}, "default/a.config", "Polaris/polaris.config", ": no rule matches"},
		{"lane address", "10.9.1.1", location.Identity{SET: "a.b.c"}, "default/lane", "", "default/lane epp.core.bj "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Addr: netip.MustParseAddr(tt.addr), Caller: tt.caller, Resolved: resolve(rules, tt.asked)}
			if tt.read != "" {
				req.Resolved = resolve(rules, tt.asked, tt.read)
			}
			route, why := rules.Route(req, nil)
			name := ""
			if route.Rule != nil {
				name = route.Rule.Name
			}
			got := fmt.Sprintf("%s %s %s", name, route.SETs, route.Location)
			if why != WhyRouted {
				got = name + ": " + string(why)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func service(s string) Service {
	namespace, name, _ := strings.Cut(s, "/")
	return Service{namespace, name}
}

// resolve resolves a name that stands for other services, if any are given.
func resolve(rules *Rules, asked string, read ...string) Resolved {
	name := Name{Service: service(asked), Exists: true}
	for _, s := range read {
		name.Read = append(name.Read, service(s))
	}
	return rules.Resolve(name)
}

func TestNilRulesAreNone(t *testing.T) {
	var rules *Rules
	if _, why := rules.Route(Request{Resolved: resolve(rules, "a/b")}, nil); why != WhyNoRule {
		t.Errorf("why %q, want %q", why, WhyNoRule)
	}
	if rules.IsAddress(service("a/b")) || rules.Len() != 0 {
		t.Error("nil rules have an address or a length")
	}
}

func TestTiers(t *testing.T) {
	sets := []location.SET{"", "a.b.c", "a.b.d", "a.b.*", "a.bb.c", "a.e.c", "aa.b.c"}
	tests := []struct {
		tier   Tier
		caller location.SET
		want   string
	}{
		{TierOwn, "a.b.c", "a.b.c"},
		{TierOwn, "a.b.*", "a.b.c a.b.d a.b.*"},
		{TierPool, "a.b.c", "a.b.*"},
		{TierSiblings, "a.b.c", "a.b.c a.b.d a.b.*"},
		{TierBusiness, "a.b.c", "a.b.c a.b.d a.b.* a.bb.c a.e.c"},
		{TierUnset, "a.b.c", ""},
		{TierAll, "a.b.c", " a.b.c a.b.d a.b.* a.bb.c a.e.c aa.b.c"},
	}
	for _, tt := range tests {
		var got []string
		for _, set := range sets {
			if tt.tier.contains(tt.caller, set) {
				got = append(got, string(set))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s of %s: %q, want %q", tt.tier, tt.caller, got, tt.want)
		}
	}
}

// Raising the percent only ever adds callers, and the share is about right.
func TestRolloutIsMonotone(t *testing.T) {
	const callers = 20000
	for _, percent := range []int{0, 1, 100, 1000, 5000, 9999, 10000} {
		included := 0
		for i := range callers {
			addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
			lower := (&Rule{Name: "r", Rollout: percent}).Includes(addr)
			if lower {
				included++
			}
			if higher := (&Rule{Name: "r", Rollout: min(percent+500, FullRollout)}).Includes(addr); lower && !higher {
				t.Fatalf("%s is in at %d and out at %d", addr, percent, percent+500)
			}
		}
		if want := callers * percent / FullRollout; included < want-400 || included > want+400 {
			t.Errorf("percent %d/10000: %d of %d callers in, want about %d", percent, included, callers, want)
		}
	}
	if (&Rule{Name: "r", Rollout: 9999}).Includes(netip.Addr{}) {
		t.Error("a caller without an address is in a partial rollout")
	}
}

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "100": 10000, "0.01": 1, "0.1": 10, "12.34": 1234, ".5": 50, "100.00": 10000} {
		if got, err := parsePercent(text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", "1e2", "+1", "-0", "010", "00.5", "100.01", "1.001", "0x10", "1_0", "99999999999999999999"} {
		if got, err := parsePercent(text); err == nil {
			t.Errorf("%s: %d, want an error", text, got)
		}
	}
}

func TestGlobAgreesWithRegexp(t *testing.T) { rapid.Check(t, globAgreesWithRegexp) }

func globAgreesWithRegexp(t *rapid.T) {
	pattern := rapid.StringMatching(`[a.*?]{0,8}`).Draw(t, "pattern")
	text := rapid.StringMatching(`[ab.]{0,10}`).Draw(t, "text")
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	want := regexp.MustCompile("^" + quoted + "$").MatchString(text)
	if got := newGlob(pattern).match(text); got != want {
		t.Fatalf("%q matches %q: %t, want %t", pattern, text, got, want)
	}
}

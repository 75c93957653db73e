package route

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// saidRule is a rule as it stands in a file, for the oracle.
type saidRule struct {
	name, set, region, zone, campus, ip, lane string
	services                                  []string
	stage                                     string // set, nearby or none
	caller, callee, level                     string
	percent                                   int // hundredths
	byWeight, shadow                          bool
}

func (s saidRule) String() string {
	text := fmt.Sprintf("name: %s, service: [\"%s\"], when: {set: %q, region: %q, zone: %q, campus: %q", s.name, strings.Join(s.services, `", "`), s.set, s.region, s.zone, s.campus)
	if s.ip != "" {
		text += fmt.Sprintf(", ip: %q", s.ip)
	}
	text += fmt.Sprintf(", labels: {lane: %q}}", s.lane) + s.stages()
	return "{" + text + "}"
}

func (s saidRule) stages() (text string) {
	switch {
	case s.stage == "nearby":
		text = ", nearby: {matchLevel: " + s.level + "}"
	case s.stage == "set" && s.caller != "":
		text = fmt.Sprintf(", set: {caller: %q}", s.caller)
	case s.stage == "set" && s.callee != "":
		text = fmt.Sprintf(", set: {callee: %q}", s.callee)
	case s.stage == "set":
		text = ", set: {}"
	}
	text += fmt.Sprintf(", rollout: {percent: %d.%02d, by: %s}", s.percent/100, s.percent%100, pick(s.byWeight, "weight", "caller"))
	return text + ", mode: " + pick(s.shadow, "shadow", "enforce")
}

// pick returns a if first is true, else b.
func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// drawSaid draws rule number n.
func drawSaid(t *rapid.T, n int) saidRule {
	one := func(label string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, label) }
	s := saidRule{
		name: fmt.Sprint("r", n), set: one("set", "", "", "*", "a.*", "a.b.c", "?.b.[*]"), region: one("region", "", "", "r"), zone: one("zone", "", "", "z"),
		campus: one("campus", "", "", "c"), ip: one("ip", "", "", "10.0.0.2/31", "10.0.0.1-10.0.0.6", "fd00::/16"), lane: one("lane", "", "", "gray"),
		stage: one("stage", "set", "nearby", "none"), level: one("level", "all", "region", "zone", "campus"),
		caller:  one("caller", "", "x.{caller.set.2|alias}.y", "{caller.set}", "{caller.region|alias}.{caller.label.lane}.{caller.zone}", "a.b.*"),
		percent: rapid.SampledFrom([]int{0, 1, 3333, 5000, 9999, FullRollout, FullRollout}).Draw(t, "percent"), byWeight: rapid.Bool().Draw(t, "by weight"),
		shadow: rapid.IntRange(0, 3).Draw(t, "shadow") == 0,
	}
	s.services = rapid.SliceOfN(rapid.SampledFrom([]string{"default/s", "default/*", "*/s", "d?fault/s.*", "Polaris/*", "Polaris/p", "other/alias", "*/*"}), 1, 2).Draw(t, "services")
	if s.stage != "set" || s.caller == "" {
		s.caller, s.callee = "", one("callee", "", "e.f.g", "e.f.{caller.set.3}")
	}
	return s
}

func FuzzRoute(f *testing.F) {
	fuzztest.AddNoise(f, 8000)
	f.Fuzz(func(t *testing.T, input []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) { routeAgreesWithOracle(t, rt) })(t, input)
	})
}

func TestRouteAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { routeAgreesWithOracle(t, rt) })
}

// routeAgreesWithOracle finds rules for callers as docs/design.md, 5 does, one
// condition after the other, and fills in templates by a regular expression.
func routeAgreesWithOracle(t *testing.T, rt *rapid.T) {
	var said []saidRule
	text := "version: 1\naliases: {b: bb, r: rr, c: \"*\"}\nrules:\n"
	for n := range rapid.IntRange(1, 5).Draw(rt, "rules") {
		said = append(said, drawSaid(rt, n))
		text += "  - " + said[n].String() + "\n"
	}
	lane := drawSaid(rt, 0)
	lane.name, lane.stage, lane.caller, lane.callee = "default/lane", "set", "", "e.f.{caller.set.3}"
	text += "addresses:\n  - {service: default/lane, target: default/s" + lane.stages() + "}\n"
	rules := mustLoad(t, text)

	req := Request{Caller: location.Identity{
		SET: someSET.Draw(rt, "caller set"), Location: location.Location{Region: "r", Zone: "z", Campus: "c"}.Cut(rapid.IntRange(0, 3).Draw(rt, "depth")),
	}}
	req.Addr = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("fd00::1")}).Draw(rt, "addr")
	if value := rapid.SampledFrom([]string{"", "gray", "blue", "no!"}).Draw(rt, "lane"); value != "" {
		req.Caller.Labels = map[string]string{"lane": value}
	}
	someService := rapid.SampledFrom([]Service{{"default", "s"}, {"default", "s.t"}, {"default", "lane"}, {"Polaris", "p"}, {"Polaris", "q"}, {"other", "alias"}, {"other", "s"}})
	name := Name{Service: someService.Draw(rt, "asked")}
	if rapid.Bool().Draw(rt, "alias") {
		name.Read = []Service{someService.Draw(rt, "read")}
	}
	req.Resolved = rules.Resolve(name)
	route, why := rules.Route(req, nil)
	if traced, whyTraced := rules.Route(req, &Trace{}); traced != route || whyTraced != why {
		rt.Fatalf("%+v: %+v %q by the index, %+v %q by looking at every rule", req, route, why, traced, whyTraced)
	}
	got := fmt.Sprintf("%s %s %s", route.SET, route.Location, why)
	if route.Rule != nil {
		got = route.Rule.Name + " " + got
	}
	if want := oracleRoute(said, lane, req); got != want {
		rt.Fatalf("%+v\ngot    %q\noracle %q\n%s", req, got, want, text)
	}
}

func oracleRoute(rules []saidRule, lane saidRule, req Request) string {
	names := append([]Service{req.Service}, req.Read...)
	rule, ok := lane, slices.Contains(names, Service{"default", "lane"})
	for _, r := range rules {
		if !ok && oracleServes(r, names) && oracleWhen(r, req) {
			rule, ok = r, true
		}
	}
	switch {
	case !ok:
		return "  " + string(WhyNoRule)
	case rule.stage == "none":
		return rule.name + "   " + string(WhyNoStages)
	case !oracleIncludes(rule, req.Addr):
		return rule.name + "   " + string(WhyRolledOut)
	}
	set, place := location.SET(""), location.Location{}
	switch {
	case rule.stage == "nearby":
		place = req.Caller.Cut(map[string]int{"all": 1, "region": 1, "zone": 2, "campus": 3}[rule.level])
	case rule.caller+rule.callee != "":
		set = oracleTemplate(rule.caller+rule.callee, req.Caller, map[string]string{"b": "bb", "r": "rr", "c": "*"})
	default:
		set = req.Caller.SET
	}
	return fmt.Sprintf("%s %s %s %s", rule.name, set, place, pick(rule.shadow, string(WhyShadowed), ""))
}

func oracleServes(r saidRule, names []Service) bool {
	system := slices.ContainsFunc(names, func(s Service) bool { return s.Namespace == "Polaris" })
	for _, pattern := range r.services {
		for _, s := range names {
			glob := strings.ContainsAny(pattern, "*?")
			namespace, name, _ := strings.Cut(pattern, "/")
			if !glob && s.String() == pattern || glob && !system && oracleGlob(namespace, s.Namespace) && oracleGlob(name, s.Name) {
				return true
			}
		}
	}
	return false
}

func oracleWhen(r saidRule, req Request) bool {
	fits := func(want, got string) bool { return want == "" || want == got }
	inside := r.ip == ""
	switch r.ip {
	case "10.0.0.2/31":
		inside = slices.Contains([]string{"10.0.0.2", "10.0.0.3"}, req.Addr.String())
	case "10.0.0.1-10.0.0.6":
		inside = slices.Contains([]string{"10.0.0.1", "10.0.0.2"}, req.Addr.String())
	case "fd00::/16":
		inside = req.Addr.String() == "fd00::1"
	}
	return inside && (r.set == "" || req.Caller.SET != "" && oracleGlob(r.set, string(req.Caller.SET))) && fits(r.region, req.Caller.Region) &&
		fits(r.zone, req.Caller.Zone) && fits(r.campus, req.Caller.Campus) && fits(r.lane, req.Caller.Labels["lane"])
}

func oracleIncludes(r saidRule, addr netip.Addr) bool {
	if r.percent == 0 || r.percent == FullRollout || r.byWeight {
		return r.percent > 0
	}
	return addr.IsValid() && xxhash.Sum64String(r.name+"\x00"+string(addr.AsSlice()))%10000 < uint64(r.percent)
}

// oracleGlob is a glob as a regular expression.
func oracleGlob(pattern, text string) bool {
	quoted := strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(regexp.QuoteMeta(string([]rune(pattern))))
	return regexp.MustCompile("^(?:" + quoted + ")$").MatchString(string([]rune(text)))
}

var (
	fieldForm = regexp.MustCompile(`(?s)\{caller\.(.*?)(\|alias)?\}`)
	setForm   = regexp.MustCompile(`^[-_a-zA-Z0-9]{1,64}\.[-_a-zA-Z0-9]{1,64}\.([-_a-zA-Z0-9]{1,64}|\*)$`)
)

func oracleTemplate(text string, caller location.Identity, aliases map[string]string) location.SET {
	empty := false
	out := fieldForm.ReplaceAllStringFunc(text, func(field string) string {
		m := fieldForm.FindStringSubmatch(field)
		segments := append(strings.Split(string(caller.SET), "."), "", "", "")
		values := map[string]string{
			"set": string(caller.SET), "set.1": segments[0], "set.2": segments[1], "set.3": segments[2],
			"region": caller.Region, "zone": caller.Zone, "campus": caller.Campus,
		}
		value, ok := values[m[1]]
		if !ok {
			value = caller.Labels[strings.TrimPrefix(m[1], "label.")]
		}
		empty = empty || value == ""
		if mapped, ok := aliases[value]; ok && m[2] != "" {
			value = mapped
		}
		return value
	})
	if empty || !setForm.MatchString(out) || strings.HasSuffix(out, "\n") {
		return ""
	}
	return location.SET(out)
}

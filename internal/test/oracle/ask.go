package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Case is a request of a caller for a service, and what the files say of it.
type Case struct {
	Rule   Rule
	Why    string // why the stock answer is right; empty: the request is routed
	Caller Identity
	SETs   []string   // to route as
	Place  Place      // the caller's
	All    []Instance // of the service that is really read
	Own    []Instance // of the service that has the name of the lane address; nil if there is none
}

// Ask finds the rule for a caller of a service.
func (w *World) Ask(addr netip.Addr, asked Service) Case {
	var read []Service
	for _, a := range w.Aliases {
		if a.Alias == asked {
			read = []Service{a.Service}
		}
	}
	return w.AskAs(addr, w.Caller(addr), asked, read)
}

// AskAs is Ask for a caller of whom that is known, where other services are read in the
// place of the one that is asked for.
func (w *World) AskAs(addr netip.Addr, caller Identity, asked Service, read []Service) Case {
	c := Case{Caller: caller, Place: caller.Place}
	really := read
	if len(read) == 0 {
		really = []Service{asked}
	}
	c.All = w.instancesOf(really[0])
	rule := w.match(addr, caller, asked, really)
	if rule == nil {
		c.Why = "no rule"
		return c
	}
	c.Rule = rule.rule
	if rule.Target != (Service{}) {
		c.Own, c.All = c.All, w.instancesOf(rule.Target)
	}
	switch {
	case rule.Target != (Service{}) && c.All == nil:
		c.Why, c.All = "no target", c.Own
	case rule.rule.SET == nil && rule.rule.Nearby == nil:
		c.Why = "no stages"
	case !rule.includes(addr):
		c.Why = "rolled out"
	case rule.rule.Shadow:
		c.Why = "shadow"
	}
	if c.Why != "" && c.Own != nil {
		c.All = c.Own
	}
	c.SETs = rule.routeAs(c.Caller, w.routing.Aliases, c.All)
	return c
}

// Stock returns the answer without routing.
func (c Case) Stock() []Member { return members(c.All) }

// match returns the rule for a request: the lane address of that name, or else
// the first rule whose conditions hold. It returns nil if there is none.
func (w *World) match(addr netip.Addr, caller Identity, asked Service, really []Service) *ruleText {
	names := append([]Service{asked}, really...)
	for n, a := range w.routing.Addresses {
		if slices.Contains(names, a.Service[0]) {
			return &w.routing.Addresses[n]
		}
	}
	system := !slices.ContainsFunc(really, func(s Service) bool { return s.Namespace != "Polaris" })
	for n, r := range w.routing.Rules {
		if r.isFor(names, system) && r.matches(addr, caller, w.metadataOf(really[0])) {
			return &w.routing.Rules[n]
		}
	}
	return nil
}

// isFor reports whether the rule names the service. A glob does not name a service
// that is really the server's own.
func (t *ruleText) isFor(names []Service, system bool) bool {
	for _, pattern := range t.Service {
		isGlob := strings.ContainsAny(pattern.String(), "*?")
		for _, s := range names {
			if pattern == s || isGlob && !system && globs(pattern.Namespace, s.Namespace) && globs(pattern.Name, s.Name) {
				return true
			}
		}
	}
	return false
}

// matches reports whether all conditions in `when` hold.
func (t *ruleText) matches(addr netip.Addr, caller Identity, metadata map[string]string) bool {
	w := t.When
	if w.SET != "" && !slices.ContainsFunc(caller.SETs, func(set string) bool { return globs(w.SET, set) }) {
		return false
	}
	for level, name := range []string{w.Region, w.Zone, w.Campus} {
		if name != "" && name != caller.Place[level] {
			return false
		}
	}
	for k, v := range w.ServiceMetadata {
		if got, ok := metadata[k]; !ok || got != v {
			return false
		}
	}
	for k, v := range w.Labels {
		if got, ok := caller.Labels[k]; !ok || got != v {
			return false
		}
	}
	return len(w.IP) == 0 || slices.ContainsFunc(w.IP, func(s string) bool { return isIn(addr, s) })
}

// isIn reports whether an address is in a prefix or range, or is the address itself.
func isIn(addr netip.Addr, s string) bool {
	if first, last, ok := strings.Cut(s, "-"); ok {
		return netip.MustParseAddr(first).Compare(addr) <= 0 && addr.Compare(netip.MustParseAddr(last)) <= 0
	}
	prefix, err := readPrefix(s)
	return err == nil && prefix.Contains(addr)
}

// includes reports whether the rollout includes the caller. docs/design.md, 5.3
// does not name the hash, and promises that it stays the same.
func (t *ruleText) includes(addr netip.Addr) bool {
	if t.rule.ByWeight || !addr.IsValid() {
		return t.rule.Rollout > 0 && (t.rule.ByWeight || t.rule.Rollout == 10000)
	}
	return xxhash.Sum64String(t.rule.Name+"\x00"+string(addr.AsSlice()))%10000 < uint64(t.rule.Rollout)
}

// globs reports whether a glob matches a text. In a glob "*" is any run of
// characters, and "?" is one character.
func globs(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch {
	case pattern[0] == '*':
		return globs(pattern[1:], s) || s != "" && globs(pattern, s[1:])
	case s == "" || pattern[0] != '?' && pattern[0] != s[0]:
		return false
	}
	return globs(pattern[1:], s[1:])
}

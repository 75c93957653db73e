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
	SET    string     // to route as
	Place  Place      // the caller's
	All    []Instance // of the service that is really read
	Own    []Instance // of the service that has the name of the lane address; nil if there is none
}

// Ask finds the rule for a caller of a service.
func (w *World) Ask(addr netip.Addr, asked Service) Case {
	c := Case{Caller: w.Caller(addr)}
	c.Place = c.Caller.Place
	read := asked
	for _, a := range w.Aliases {
		if a.Alias == asked {
			read = a.Service
		}
	}
	c.All = w.instancesOf(read)
	rule := w.match(addr, c.Caller, asked, read)
	if rule == nil {
		c.Why = "no rule"
		return c
	}
	c.Rule = rule.rule
	if rule.Target != "" {
		c.Own, c.All = c.All, w.instancesOf(parseService(rule.Target))
	}
	switch {
	case rule.Target != "" && c.All == nil:
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
	if c.Rule.SET != nil {
		c.SET = rule.routeAs(c.Caller, w.routing.Aliases)
	}
	return c
}

// Stock returns the answer without routing.
func (c Case) Stock() []Member { return members(c.All) }

// match returns the rule for a request: the lane address of that name, or else
// the first rule whose conditions hold. It returns nil if there is none.
func (w *World) match(addr netip.Addr, caller Identity, asked, read Service) *ruleText {
	for _, name := range []Service{asked, read} {
		for n, a := range w.routing.Addresses {
			if a.Service[0] == name.String() {
				return &w.routing.Addresses[n]
			}
		}
	}
	for n, r := range w.routing.Rules {
		if r.isFor(asked, read) && r.matches(addr, caller) {
			return &w.routing.Rules[n]
		}
	}
	return nil
}

// isFor reports whether the rule names the service. A glob does not name
// services of the server itself.
func (t *ruleText) isFor(asked, read Service) bool {
	for _, pattern := range t.Service {
		if pattern == asked.String() || pattern == read.String() {
			return true
		}
		if asked.Namespace == "Polaris" || read.Namespace == "Polaris" {
			continue
		}
		if globs(pattern, asked.String()) || globs(pattern, read.String()) {
			return true
		}
	}
	return false
}

// matches reports whether all conditions in `when` hold.
func (t *ruleText) matches(addr netip.Addr, caller Identity) bool {
	w := t.When
	if w.SET != "" && (caller.SET == "" || !globs(w.SET, caller.SET)) {
		return false
	}
	for level, name := range []string{w.Region, w.Zone, w.Campus} {
		if name != "" && name != caller.Place[level] {
			return false
		}
	}
	for k, v := range w.Labels {
		if got, ok := caller.Labels[k]; !ok || got != v {
			return false
		}
	}
	return len(w.IP) == 0 || slices.ContainsFunc(w.IP, func(s string) bool {
		prefix, err := readPrefix(s)
		return err == nil && prefix.Contains(addr)
	})
}

// includes reports whether the rollout includes the caller. docs/design.md, 5.3
// does not name the hash, and promises that it stays the same.
func (t *ruleText) includes(addr netip.Addr) bool {
	if t.rule.ByWeight {
		return t.rule.Rollout > 0
	}
	return xxhash.Sum64String(t.rule.Name+"\x00"+string(addr.AsSlice()))%10000 < uint64(t.rule.Rollout)
}

// routeAs returns the SET to route as. It is empty where a field of the template
// is empty, or where the text is not a SET name.
func (t *ruleText) routeAs(caller Identity, aliases map[string]string) string {
	template := t.ruleSET()
	if template == nil {
		return caller.SET
	}
	set := *template
	fields := map[string]string{
		"set": caller.SET, "set.1": segments(caller.SET)[0], "set.2": segments(caller.SET)[1], "set.3": segments(caller.SET)[2],
		"region": caller.Place[0], "zone": caller.Place[1], "campus": caller.Place[2],
	}
	for k, v := range caller.Labels {
		fields["label."+k] = v
	}
	for strings.Contains(set, "{") {
		before, rest, _ := strings.Cut(set, "{")
		field, after, _ := strings.Cut(rest, "}")
		name, mapped := strings.CutSuffix(field, "|alias")
		value := fields[strings.TrimPrefix(name, "caller.")]
		if value == "" {
			return ""
		}
		if to, ok := aliases[value]; ok && mapped {
			value = to
		}
		set = before + value + after
	}
	if !isSET(set) {
		return ""
	}
	return set
}

// ruleSET returns the template of the SET to route as; nil is the caller's own
// SET.
func (t *ruleText) ruleSET() *string {
	if t.SET.Callee != nil {
		return t.SET.Callee
	}
	return t.SET.Caller
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

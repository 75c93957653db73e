package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// setsShown is how many SETs of a caller a sentence names.
const setsShown = 3

// WhyEmpty says in a sentence why a kind of caller gets an empty list. SDKs show
// the sentence to whoever looks into their log, so that it names the caller's own
// SET and place and the rule, and nothing of other services.
func WhyEmpty(kind route.Route, d route.Decision) string {
	rule := fmt.Sprintf("rule %q", kind.Rule.Name)
	if kind.Rule.IsAddress() {
		rule = "this lane address"
	}
	first := d.Choices[0]
	switch {
	case len(d.Chosen) > 0:
		return fmt.Sprintf("the list is empty: the request asks for healthy instances only, and %s has none for %s%s", rule, callersOf(kind, d), roadsOf(d))
	case first.SETRule == route.SETRuleCallerWithout && kind.Rule.SET.Unknown == route.UnknownNone:
		return fmt.Sprintf("the list is empty: the caller's SET is not known, and %s gives nothing to such callers (unknown: none)", rule)
	case kind.Rule.Nearby != nil && kind.Rule.Nearby.Excludes(kind.Location):
		return fmt.Sprintf("the list is empty: the caller's place is not known, and %s is strict", rule)
	}
	return fmt.Sprintf("the list is empty: %s has no instance for %s%s", rule, callersOf(kind, d), roadsOf(d))
}

// callersOf returns the SETs and the place that a kind of caller is routed as.
func callersOf(kind route.Route, d route.Decision) string {
	var sets []string
	for _, c := range d.Choices {
		sets = append(sets, string(c.SET))
	}
	if len(sets) > setsShown {
		sets = append(sets[:setsShown], fmt.Sprintf("%d more", len(d.Choices)-setsShown))
	}
	return IdentityText(location.Identity{SET: location.SET(strings.Join(sets, ", ")), Location: kind.Location})
}

// roadsOf returns the tiers and levels that an empty decision looked at.
func roadsOf(d route.Decision) (text string) {
	var tiers, levels []string
	for _, c := range d.Choices {
		for _, r := range c.Roads {
			tiers, levels = append(tiers, r.Tier), append(levels, r.Level)
		}
	}
	for _, list := range []struct {
		word  string
		names []string
	}{{"tiers", tiers}, {"levels", levels}} {
		if names := unique(list.names); len(names) > 0 {
			text += fmt.Sprintf(", %s %s", list.word, strings.Join(names, ", "))
		}
	}
	return text
}

// unique returns the names that are not empty, each once, in their order.
func unique(names []string) (out []string) {
	for _, name := range names {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

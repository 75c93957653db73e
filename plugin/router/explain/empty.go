package explain

import (
	"fmt"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// WhyEmpty says in a sentence why a kind of caller gets an empty list. SDKs show
// the sentence to whoever looks into their log, so that it names the caller's own
// SET and place and the rule, and nothing of other services.
func WhyEmpty(kind route.Route, d route.Decision) string {
	rule := fmt.Sprintf("rule %q", kind.Rule.Name)
	if kind.Rule.IsAddress() {
		rule = "this lane address"
	}
	switch {
	case d.SETRule == route.SETRuleCallerWithout && kind.Rule.SET.Required:
		return fmt.Sprintf("the list is empty: the caller's SET is not known, and %s requires one", rule)
	case kind.Rule.Nearby != nil && kind.Rule.Nearby.Strict && kind.Location.Depth() == 0:
		return fmt.Sprintf("the list is empty: the caller's place is not known, and %s is strict", rule)
	}
	text := fmt.Sprintf("the list is empty: %s has no instance for %s", rule, IdentityText(location.Identity{SET: kind.SET, Location: kind.Location}))
	if kind.Rule.SET != nil && kind.SET != "" {
		var tiers []string
		for _, tier := range kind.Rule.SET.Tiers {
			tiers = append(tiers, string(tier))
		}
		text += ", tiers " + strings.Join(tiers, ", ")
	}
	if kind.Rule.Nearby != nil {
		text += fmt.Sprintf(", down to maxMatchLevel %s", kind.Rule.Nearby.Max)
	}
	return text
}

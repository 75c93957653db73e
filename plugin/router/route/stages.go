package route

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// ruleKeys returns the keys that rules and lane addresses share. A rule begins with the
// defaults; a stage begins with its defaults when it is read.
func (l *loader) ruleKeys(rule *Rule, degrade *degradeValues) []strict.Key {
	return []strict.Key{
		strict.Optional("nearby", "Routes by place. `{}` has the defaults; without the key places mean nothing.",
			func(n strict.Node) { rule.Nearby = l.readNearby(n) }),
		strict.Optional("order", "The order of the roads: every level of a tier before the next tier, `[set, nearby]`, or every tier at a level before the next level, `[nearby, set]`.",
			func(n strict.Node) { rule.NearbyFirst = readOrder(n) }),
		strict.Optional("degrade", "When a road is left for the next one, and when callers go back.",
			func(n strict.Node) { *degrade = readDegrade(n) }),
		strict.Optional("onEmpty", "What callers get when the roads give nothing: an empty list, or the instances of all tiers wherever they are.",
			strict.Choice(&rule.OnEmptyAll, "empty", "all")),
		strict.Optional("mode", "`shadow` decides, counts and explains, and sends the stock answer.",
			strict.Choice(&rule.Shadow, "enforce", "shadow")),
		strict.Optional("rollout", "For how many callers the rule is. The others get the stock answer.",
			func(n strict.Node) { l.readRollout(n, rule) }),
	}
}

// readOrder reads the order of the roads. It reports whether nearby comes first.
func readOrder(n strict.Node) (nearbyFirst bool) {
	before := n.Faults()
	var words []string
	items := n.Items()
	n.Form("`[set, nearby]`, `[nearby, set]`")
	for _, item := range items {
		words = append(words, item.Raw())
	}
	switch order := strings.Join(words, ", "); {
	case order == "set, nearby" || n.Faults() > before:
	case order == "nearby, set":
		return true
	default:
		n.Errorf("found order [%s], expected [set, nearby] or [nearby, set]", order)
	}
	return false
}

// readRollout reads the rollout of a rule.
func (l *loader) readRollout(n strict.Node, rule *Rule) {
	n.NotNull("no key rollout for 100 percent")
	values := n.Bind(
		strict.Optional("percent", "The share of the callers, in steps of 0.01.", func(n strict.Node) {
			number, ok := n.Number()
			n.Bounds("number", 0, 100)
			if !ok {
				return
			}
			hundredths, err := parsePercent(number)
			if err != nil {
				n.Errorf("%v", err)
			}
			rule.Rollout = hundredths
		}),
		strict.Optional("by", "Whether the share is one of callers, or of each caller's requests by the weights of instances.",
			strict.Choice(&rule.ByWeight, "caller", "weight")),
	)
	if !values.Has("percent") {
		l.remark(n, "the rollout has no percent, and is 100 percent, expected percent: 0 to 100")
	}
}

// parsePercent reads 0 to 100 in steps of 0.01 as hundredths, without floating
// point. 010 is refused: for YAML it is 8.
func parsePercent(s string) (int, error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	fault := fmt.Errorf("found percent %s, expected 0 to 100 in steps of 0.01", s)
	if dotted && (len(fraction) < 1 || len(fraction) > 2) {
		return 0, fault
	}
	digits := whole + (fraction + "00")[:2]
	v, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || whole == "" && !dotted || len(whole) > 1 && whole[0] == '0' || v > FullRollout {
		return 0, fault
	}
	return int(v), nil
}

package route

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// readWhen reads the conditions of a rule. An empty text is no condition.
func readWhen(n strict.Node) (w when) {
	n.Bind(
		strict.Optional("set", func(n strict.Node) {
			if text := n.TextOr(); text != "" {
				w.set = newGlob(text)
			}
		}),
		strict.Optional("region", strict.Text(&w.region)),
		strict.Optional("zone", strict.Text(&w.zone)),
		strict.Optional("campus", strict.Text(&w.campus)),
		strict.Optional("ip", func(n strict.Node) { w.ip = readPrefixes(n) }),
		strict.Optional("labels", func(n strict.Node) {
			w.labels = map[string]string{}
			for _, e := range n.Entries() {
				if v := e.Value.TextOr(); v != "" {
					w.labels[e.Key.Raw()] = v
				}
			}
		}),
	)
	return w
}

func readPrefixes(n strict.Node) (out []netip.Prefix) {
	items := n.OneOrItems()
	if len(items) == 0 {
		n.Errorf("the list is empty, expected addresses, or no key ip for every address")
	}
	for _, item := range items {
		text, ok := item.Text()
		if !ok {
			continue
		}
		prefixes, err := location.ParseMatch(text)
		if err != nil {
			item.Errorf("%v", err)
		}
		out = append(out, prefixes...)
	}
	return out
}

// stageKeys returns the keys that rules and lane addresses share.
func stageKeys(rule *Rule) []strict.Key {
	return []strict.Key{
		strict.Optional("nearby", func(n strict.Node) { rule.Nearby = readNearby(n) }),
		strict.Optional("degrade", func(n strict.Node) { readDegrade(n, &rule.Degrade) }),
		strict.Optional("onEmpty", strict.Choice(&rule.OnEmptyAll, "empty", "all")),
		strict.Optional("mode", strict.Choice(&rule.Shadow, "enforce", "shadow")),
		strict.Optional("rollout", func(n strict.Node) { readRollout(n, rule) }),
	}
}

// readSET reads the SET stage of a rule.
func (l *loader) readSET(n strict.Node) *SETStage {
	n.NotNull("{}")
	stage := &SETStage{Tiers: []Tier{TierOwn, TierPool}, Unknown: UnknownAll}
	values := n.Bind(append([]strict.Key{
		strict.Optional("caller", func(n strict.Node) { stage.Templates = l.readTemplates(n) }),
		strict.Optional("callee", func(n strict.Node) { l.readCallee(n, stage) }),
	}, setKeys(stage)...)...)
	if values.Has("caller") && values.Has("callee") {
		values["callee"].Errorf("caller and callee are both given, expected one: callee asks for that SET by name, caller is the SET to route as")
	}
	return stage
}

// readAddressSET reads the SET stage of a lane address.
func (l *loader) readAddressSET(n strict.Node) *SETStage {
	n.NotNull("{}")
	stage := &SETStage{Tiers: []Tier{TierOwn}, Unknown: UnknownAll}
	n.Bind(append([]strict.Key{
		strict.Required("callee", "the address has no callee, expected set: {callee: business.area.group}", func(n strict.Node) { l.readCallee(n, stage) }),
	}, setKeys(stage)...)...)
	return stage
}

// setKeys returns the keys that the SET stages of rules and lane addresses share.
// They are read last: a callee changes the default of the tiers.
func setKeys(stage *SETStage) []strict.Key {
	return []strict.Key{
		strict.Optional("tiers", func(n strict.Node) { stage.Tiers = readTiers(n) }),
		strict.Optional("required", func(n strict.Node) {
			if required, ok := n.Bool(); ok && required {
				stage.Unknown = UnknownNone
			}
		}),
	}
}

// readCallee reads the SET that is asked for by name: without tiers of its own the
// stage then has no failover.
func (l *loader) readCallee(n strict.Node, stage *SETStage) {
	stage.Templates, stage.Callee, stage.Tiers = l.readTemplates(n), true, []Tier{TierOwn}
}

// readTemplates reads a template or a list of templates.
func (l *loader) readTemplates(n strict.Node) []*Template {
	var out []*Template
	for _, item := range n.OneOrItems() {
		if t := l.readTemplate(item); t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (l *loader) readTemplate(n strict.Node) *Template {
	s, ok := n.Text()
	if !ok {
		return nil
	}
	t, err := ParseTemplate(s)
	if err != nil {
		n.Errorf("%v", err)
		return nil
	}
	l.templates = append(l.templates, templateAt{t, n})
	return t
}

func readTiers(n strict.Node) []Tier {
	before := n.Faults()
	items := n.Items()
	if len(items) == 0 && n.Faults() == before {
		n.Errorf("the list of tiers is empty, expected one or more of %s", quoteList(tierWords))
	}
	var tiers []Tier
	seen := map[string]bool{}
	for _, item := range items {
		word, ok := item.Word(tierWords...)
		if !ok {
			continue
		}
		if seen[word] {
			item.Errorf("tier %q is given twice, expected each once", word)
		}
		seen[word] = true
		tiers = append(tiers, Tier(word))
	}
	return tiers
}

func readNearby(n strict.Node) *NearbyStage {
	n.NotNull("{}")
	stage := &NearbyStage{Match: LevelZone, Max: LevelAll}
	values := n.Bind(
		strict.Optional("matchLevel", readLevel(&stage.Match)),
		strict.Optional("maxMatchLevel", readLevel(&stage.Max)),
		strict.Optional("strict", strict.Bool(&stage.Strict)),
	)
	if stage.Max > stage.Match {
		values["maxMatchLevel"].Errorf("maxMatchLevel %q is narrower than matchLevel %q, expected the same or wider: campus, zone, region, all", stage.Max, stage.Match)
	}
	return stage
}

func readLevel(into *Level) func(strict.Node) {
	return func(n strict.Node) {
		if word, ok := n.Word(levelWords...); ok {
			*into, _ = parseLevel(word)
		}
	}
}

func readDegrade(n strict.Node, d *Degrade) {
	n.Bind(
		strict.Optional("by", strict.Choice(&d.ByAbsence, "unhealthy", "absent")),
		strict.Optional("unhealthyPercent", strict.Int(&d.UnhealthyPercent, 1, 100)),
		strict.Optional("minUsable", strict.Int(&d.MinUsable, 0, 1_000_000)),
		strict.Optional("holdDown", func(n strict.Node) { d.HoldDown = readHoldDown(n) }),
	)
}

func readRollout(n strict.Node, rule *Rule) {
	n.Bind(
		strict.Optional("percent", func(n strict.Node) {
			number, ok := n.Number()
			if !ok {
				return
			}
			hundredths, err := parsePercent(number)
			if err != nil {
				n.Errorf("%v", err)
			}
			rule.Rollout = hundredths
		}),
		strict.Optional("by", strict.Choice(&rule.ByWeight, "caller", "weight")),
	)
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

const mostHoldDown = time.Hour

func readHoldDown(n strict.Node) time.Duration {
	text := n.Raw()
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > mostHoldDown {
		n.Errorf("holdDown %q is no time from 0s to 1h, as 10s", text)
	}
	return d
}

package route

import (
	"fmt"
	"net/netip"
	"slices"
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
		strict.Optional("labels", func(n strict.Node) { w.labels = readWanted(n, "label") }),
		strict.Optional("serviceMetadata", func(n strict.Node) { w.serviceMetadata = readWanted(n, "metadata key") }),
	)
	return w
}

// readWanted reads keys and the values that they must have. Their kind is for the
// message.
func readWanted(n strict.Node, kind string) map[string]string {
	wanted := map[string]string{}
	for _, e := range n.Entries() {
		value, ok := e.Value.Text()
		if ok && value == "" {
			e.Value.Errorf("%s %q is empty, expected the value that it must have, or no such key", kind, e.Key.Raw())
		}
		wanted[e.Key.Raw()] = value
	}
	return wanted
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

// ruleKeys returns the keys that rules and lane addresses share. A rule begins with the
// defaults; a stage begins with its defaults when it is read.
func (l *loader) ruleKeys(rule *Rule, degrade *degradeValues) []strict.Key {
	return []strict.Key{
		strict.Optional("nearby", func(n strict.Node) { rule.Nearby = l.readNearby(n) }),
		strict.Optional("order", func(n strict.Node) { rule.NearbyFirst = readOrder(n) }),
		strict.Optional("degrade", func(n strict.Node) { *degrade = readDegrade(n) }),
		strict.Optional("onEmpty", strict.Choice(&rule.OnEmptyAll, "empty", "all")),
		strict.Optional("mode", strict.Choice(&rule.Shadow, "enforce", "shadow")),
		strict.Optional("rollout", func(n strict.Node) { readRollout(n, rule) }),
	}
}

// readSET reads the SET stage of a rule or lane address.
func (l *loader) readSET(n strict.Node, isAddress bool) *SETStage {
	n.NotNull("{}")
	stage := &SETStage{}
	own := setValues{}
	values := n.Bind(append([]strict.Key{
		strict.Optional("caller", func(n strict.Node) { stage.Templates = l.readTemplates(n, false) }),
		strict.Optional("callers", func(n strict.Node) { stage.Templates = l.readCallers(n) }),
		strict.Optional("callee", func(n strict.Node) { stage.Templates, stage.Callee = l.readTemplates(n, false), true }),
	}, setKeys(&own)...)...)
	var given []string
	for _, key := range []string{"caller", "callers", "callee"} {
		if values.Has(key) {
			given = append(given, key)
		}
	}
	switch {
	case len(given) > 1:
		values[given[1]].Errorf("%s and %s are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several", given[0], given[1])
	case len(given) == 0 && isAddress:
		n.Errorf("the address has no callee, expected set: {callee: business.area.group}, or caller: or callers:")
	}
	l.defaults.set.over(own, stage)
	return stage
}

// setKeys returns the keys of a SET stage that may have defaults.
func setKeys(values *setValues) []strict.Key {
	var unknown strict.Node
	return []strict.Key{
		strict.Optional("tiers", func(n strict.Node) { values.tiers = readTiers(n) }),
		strict.Optional("unknown", func(n strict.Node) {
			unknown = n
			word, _ := n.Word(unknownWords...)
			values.unknown = Unknown(word)
		}),
		strict.Optional("required", func(n strict.Node) {
			if unknown != (strict.Node{}) {
				n.Errorf("unknown and required are both given, expected unknown: %s", unknown.Raw())
				return
			}
			values.unknown = UnknownAll
			if required, _ := n.Bool(); required {
				values.unknown = UnknownNone
			}
		}),
	}
}

// maxCallers is how many elements `callers` has at most.
const maxCallers = 64

// readCallers reads the SETs of a caller that has several.
func (l *loader) readCallers(n strict.Node) []*Template {
	before := n.Faults()
	items := n.OneOrItems()
	switch {
	case n.Faults() > before:
		return nil
	case len(items) == 0:
		n.Errorf("the list of callers is empty, expected SETs, as [\"qb.{each}.h\", ams.SH.1]")
	case len(items) > maxCallers:
		n.Errorf("found %d callers, expected at most %d; {each} stands for every name that the instances have", len(items), maxCallers)
		return nil
	}
	return l.readTemplates(n, true)
}

// readTemplates reads a template or a list of templates. Each says whether {each} may
// be in them.
func (l *loader) readTemplates(n strict.Node, each bool) []*Template {
	var items []strict.Node
	if each {
		items = n.OneOrItems()
	} else {
		items = []strict.Node{n}
	}
	var out []*Template
	for _, item := range items {
		if t := l.readTemplate(item, each); t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (l *loader) readTemplate(n strict.Node, each bool) *Template {
	s, ok := n.Text()
	if !ok {
		return nil
	}
	t, err := ParseTemplate(s)
	if err == nil && t.usesEach() && !each {
		err = fmt.Errorf("template %q: {each} gives several SETs, expected callers: [%q]", s, s)
	}
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

// readNearby reads the nearby stage of a rule, with the defaults for what it does not
// say.
func (l *loader) readNearby(n strict.Node) *NearbyStage {
	n.NotNull("{}")
	own := readNearbyValues(n)
	v := l.defaults.nearby.over(own)
	if v.match != nil && *v.match == LevelNone && v.places == "" && own.max == nil {
		v.matchAt.Errorf("matchLevel \"none\" leaves the first road to a map, expected places: the name of a map")
	}
	return l.nearbyStage(v)
}

// nearbyStage returns the stage of values. The map of places is found when all files are
// read.
func (l *loader) nearbyStage(v nearbyValues) *NearbyStage {
	stage := &NearbyStage{Match: LevelZone, Max: LevelAll}
	if v.max != nil {
		stage.Max, stage.Match = *v.max, max(stage.Match, *v.max)
	}
	if v.match != nil {
		stage.Match = *v.match
	}
	if v.strict != nil {
		stage.Strict = *v.strict
	}
	if v.places != "" {
		l.references[v.placesAt] = append(l.references[v.placesAt], stage)
	}
	return stage
}

// readNearbyValues reads what `nearby` says.
func readNearbyValues(n strict.Node) (v nearbyValues) {
	values := n.Bind(
		strict.Optional("matchLevel", func(n strict.Node) { v.match = readLevel(n, "none") }),
		strict.Optional("maxMatchLevel", func(n strict.Node) { v.max = readLevel(n) }),
		strict.Optional("places", func(n strict.Node) { v.places, v.placesAt = n.TextOr(), n }),
		strict.Optional("strict", func(n strict.Node) {
			if b, ok := n.Bool(); ok {
				v.strict = &b
			}
		}),
	)
	switch {
	case v.max != nil && v.places != "":
		values["places"].Errorf("places and maxMatchLevel are both given, expected one: the map %q says how far the roads go", v.places)
	case v.max != nil && v.match != nil && *v.match != LevelNone && *v.max > *v.match:
		values["maxMatchLevel"].Errorf("maxMatchLevel %q is narrower than matchLevel %q, expected the same or wider: campus, zone, region, all", *v.max, *v.match)
	case v.max != nil && v.match != nil && *v.match == LevelNone:
		values["matchLevel"].Errorf("matchLevel \"none\" leaves the first road to a map, expected places in the place of maxMatchLevel")
	}
	if v.match != nil {
		v.matchAt = values["matchLevel"]
	}
	return v
}

// readLevel reads a level, or one of further words. It returns nil after a fault.
func readLevel(n strict.Node, further ...string) *Level {
	word, ok := n.Word(append(slices.Clip(levelWords), further...)...)
	if !ok {
		return nil
	}
	l, ok := parseLevel(word)
	if !ok {
		l = LevelNone
	}
	return &l
}

// readOrder reads the order of the roads. It reports whether nearby comes first.
func readOrder(n strict.Node) (nearbyFirst bool) {
	before := n.Faults()
	var words []string
	for _, item := range n.Items() {
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

// readDegrade reads what `degrade` says.
func readDegrade(n strict.Node) (v degradeValues) {
	choice := func(into **bool, off, on string) func(strict.Node) {
		return func(n strict.Node) {
			if word, ok := n.Word(off, on); ok {
				isOn := word == on
				*into = &isOn
			}
		}
	}
	values := n.Bind(
		strict.Optional("by", choice(&v.byAbsence, "unhealthy", "absent")),
		strict.Optional("tiersBy", choice(&v.tiersByAbsence, "unhealthy", "absent")),
		strict.Optional("unhealthyPercent", func(n strict.Node) {
			if percent, ok := n.Int(1, 100); ok {
				v.unhealthyPercent = &percent
			}
		}),
		strict.Optional("minUsable", func(n strict.Node) { v.minUsable = readMinUsable(n) }),
		strict.Optional("holdDown", func(n strict.Node) {
			holdDown := readHoldDown(n)
			v.holdDown = &holdDown
		}),
		strict.Optional("overprovision", strict.Ignore), strict.Optional("failback", strict.Ignore),
	)
	if key, ok := firstOf(values, "overprovision", "failback"); ok {
		values[key].Errorf("%s is not supported yet, expected unhealthyPercent and minUsable", key)
	}
	if key, ok := firstOf(values, "unhealthyPercent", "minUsable"); ok && v.byAbsence != nil && *v.byAbsence {
		values[key].Errorf("%s means nothing beside by: absent, expected one of them", key)
	}
	return v
}

// firstOf returns the first of the keys that is given.
func firstOf(values strict.Values, keys ...string) (key string, ok bool) {
	for _, key := range keys {
		if values.Has(key) {
			return key, true
		}
	}
	return "", false
}

// readMinUsable reads a number of instances, or a share as 20%.
func readMinUsable(n strict.Node) *minUsable {
	share, ok := strings.CutSuffix(n.Raw(), "%")
	if !ok {
		number, ok := n.Int(0, 1_000_000)
		if !ok {
			return nil
		}
		return &minUsable{number, false}
	}
	percent, err := strconv.ParseUint(share, 10, 32)
	if err != nil || percent < 1 || percent > 100 || share[0] == '0' {
		n.Errorf("minUsable %q is no share from 1%% to 100%%, as 20%%", n.Raw())
		return nil
	}
	return &minUsable{int(percent), true}
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
